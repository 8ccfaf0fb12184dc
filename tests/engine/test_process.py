"""The engine's supervision, with a tiny process in LiteLLM's place."""

import asyncio
import logging
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop
from pydantic import SecretStr

from agentbox_cli.engine.plan import EnginePlan
from agentbox_cli.engine.process import Engine, EngineUnavailable
from agentbox_cli.errors import ProxyError
from agentbox_cli.supervise.health import Question, ask
from agentbox_cli.supervise.keeping import State
from tests.fakes import tiny_engine
from tests.fakes.processes import lives

SECRET = "egress-secret-of-this-test"
CRASH = Question(path="/crash", method="POST")

Make = Callable[..., Engine]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes engines, and stops them when the test is over."""
    made = []

    def make_engine(*traits: str, **changes: object) -> Engine:
        def command(socket: Path) -> list[str]:
            return [sys.executable, tiny_engine.__file__, str(socket), *traits]

        plan = EnginePlan(
            rendered="{}\n",
            egress_secret=SecretStr(SECRET),
            directory=tmp_path / "state" / "engine",
            socket=tmp_path / "state" / "engine" / "engine.sock",
            config_file=tmp_path / "state" / "litellm.rendered.yml",
            command=command,
            check=lambda: "1.106.2",
        )
        made.append(Engine(replace(plan, **changes)))  # type: ignore[arg-type] # a test names what it changes
        return made[-1]

    yield make_engine
    for engine in made:
        await engine.stop(0.1)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.01)


async def test_an_engine_starts_serves_and_ends(make: Make) -> None:
    engine = make()
    assert (engine.state, engine.pid, engine.rss_mb) == (State.OFF, None, None)
    engine.start()
    assert engine.state is State.STARTING
    await engine.wait_ready(20)
    pid = engine.pid
    assert pid is not None
    assert lives(pid)
    assert (engine.rss_mb or 0) > 1
    assert await ask(engine.socket_path, Question(path="/health/liveliness"), 5) == 200
    await engine.stop()
    assert (engine.state, engine.pid, engine.restarts) == (State.OFF, None, 0)
    assert not lives(pid)


async def test_its_files_are_private(make: Make) -> None:
    engine = make(rendered="{'a': 1}\n")
    engine.start()
    await engine.wait_ready(20)
    config = engine.socket_path.parent.parent / "litellm.rendered.yml"
    assert config.read_text() == "{'a': 1}\n"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(engine.socket_path.parent.stat().st_mode) == 0o700


async def test_a_lazy_engine_starts_with_the_first_call_that_waits_for_it(make: Make) -> None:
    engine = make(mode="lazy")
    engine.start()
    await asyncio.sleep(0)
    assert (engine.pid, engine.socket_path.exists()) == (None, False)
    await engine.wait_ready(20)
    assert engine.state is State.READY


async def test_an_engine_that_is_off_never_starts(make: Make) -> None:
    engine = make(mode="off")
    engine.start()
    with pytest.raises(EngineUnavailable, match="switched off") as caught:
        await engine.wait_ready(20)
    assert (engine.state, caught.value.retry_after) == (State.OFF, None)


async def test_a_stopped_engine_stays_stopped(make: Make) -> None:
    engine = make()
    engine.start()
    await engine.stop(0.1)
    with pytest.raises(EngineUnavailable, match="stopped"):
        await engine.wait_ready(20)


async def test_who_does_not_wait_long_enough_is_told_to_come_back(make: Make) -> None:
    engine = make("silent")
    with pytest.raises(EngineUnavailable, match="still starting") as caught:
        await engine.wait_ready(0.05)
    assert caught.value.retry_after == 5.0


async def test_a_crash_is_followed_by_a_new_start(make: Make) -> None:
    engine = make()
    engine.start()
    await engine.wait_ready(20)
    first = engine.pid
    await ask(engine.socket_path, CRASH, 5)
    await until(lambda: engine.state is State.BACKOFF)
    assert engine.last_error is not None
    assert engine.last_error.startswith("LiteLLM ended with status 7")
    await engine.wait_ready(20)
    assert (engine.restarts, engine.state) == (1, State.READY)
    assert engine.pid != first


async def test_a_killed_engine_is_started_again(make: Make) -> None:
    engine = make()
    await engine.wait_ready(20)
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    await until(lambda: engine.restarts == 1)
    await engine.wait_ready(20)


async def test_one_that_cannot_start_says_why_and_does_not_spin(make: Make) -> None:
    engine = make("fails")
    engine.start()
    await until(lambda: engine.state is State.BACKOFF)
    with pytest.raises(EngineUnavailable, match="ValueError: no such thing") as caught:
        await engine.wait_ready(0)
    assert (caught.value.retry_after or 0) > 5
    await until(lambda: engine.restarts == 1)
    assert engine.pid is not None or engine.state is State.STARTING


async def test_a_stop_during_the_start_leaves_nothing(make: Make) -> None:
    engine = make("silent")
    engine.start()
    await until(lambda: engine.pid is not None)
    pid = engine.pid or 0
    await engine.stop(0.1)
    assert not lives(pid)


async def test_a_stop_during_the_pause_ends_the_pause(make: Make) -> None:
    engine = make("fails")
    engine.start()
    await until(lambda: engine.state is State.BACKOFF)
    await asyncio.wait_for(engine.stop(), 10)
    assert engine.state is State.OFF


async def test_an_engine_deaf_to_sigterm_is_killed_with_its_children(make: Make) -> None:
    engine = make("deaf", "parent")
    await engine.wait_ready(20)
    grandchild = int(engine.socket_path.with_name("grandchild").read_text())
    pid = engine.pid or 0
    await engine.stop(0.1)
    assert (lives(pid), lives(grandchild)) == (False, False)


async def test_an_engine_that_answers_no_more_is_replaced(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CHECK_EVERY_SECONDS", "CHECK_SECONDS"):
        monkeypatch.setattr(f"agentbox_cli.engine.process.{name}", 0.05)
    engine = make()
    await engine.wait_ready(20)
    first = engine.pid or 0
    os.kill(first, signal.SIGSTOP)
    await until(lambda: engine.restarts == 1)
    assert (engine.last_error, lives(first)) == ("LiteLLM did not answer any more", False)


async def test_an_engine_that_is_never_ready_is_replaced(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentbox_cli.engine.process.START_SECONDS", 0.1)
    engine = make("silent")
    engine.start()
    await until(lambda: engine.restarts == 1)
    assert "was not ready" in (engine.last_error or "")


async def test_a_refused_litellm_is_never_started(make: Make) -> None:
    def refuse() -> str:
        raise ProxyError("LiteLLM is not installed", hint="install it")

    engine = make(check=refuse)
    with pytest.raises(EngineUnavailable, match="not installed") as caught:
        await engine.wait_ready(20)
    assert (engine.state, engine.pid, caught.value.retry_after) == (State.FAILED, None, None)


async def test_a_bug_of_ours_is_no_endless_start(make: Make) -> None:
    def broken() -> str:
        raise LookupError("surprise")

    engine = make(check=broken)
    with pytest.raises(EngineUnavailable, match="surprise"):
        await engine.wait_ready(20)
    assert engine.state is State.FAILED


async def test_a_place_of_somebody_else_is_not_used(make: Make, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "taken").symlink_to(tmp_path / "mine")
    engine = make(socket=tmp_path / "taken" / "engine.sock")
    with pytest.raises(EngineUnavailable, match="not a directory"):
        await engine.wait_ready(20)
    assert engine.state is State.FAILED


async def test_a_stale_socket_is_no_sign_of_life(make: Make) -> None:
    engine = make("silent")
    engine.socket_path.parent.mkdir(parents=True)
    engine.socket_path.touch()
    with pytest.raises(EngineUnavailable):
        await engine.wait_ready(0.3)
    assert not engine.socket_path.exists()


async def test_what_it_says_is_logged_without_its_secrets(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    engine = make()
    await engine.wait_ready(20)
    await until(lambda: "[engine] key" in caplog.text)
    assert "[engine] key [redacted]" in caplog.text
    assert engine.master_key.get_secret_value() not in caplog.text
    assert SECRET not in caplog.text


async def test_it_is_warmed_up_once_with_its_own_key(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    engine = make(warm_up=(Question(path="/v1/messages", method="POST", body=b"{}"),))
    await engine.wait_ready(20)
    await until(lambda: "asked /v1/messages with Bearer" in caplog.text)
    assert engine.state is State.READY


def test_it_works_on_uvloop(make: Make) -> None:
    async def whole_life() -> None:
        engine = make()
        engine.start()
        await engine.wait_ready(20)
        await engine.stop()
        assert (engine.state, engine.pid) == (State.OFF, None)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(whole_life())


def test_each_engine_has_a_strong_key_of_its_own(make: Make) -> None:
    keys = {make().master_key.get_secret_value() for _ in range(2)}
    assert len(keys) == 2
    assert all(key.startswith("sk-") and len(key) > 40 for key in keys)
