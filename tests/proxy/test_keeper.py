"""What a restart knows: real proxies, one after the other, on one state directory."""

import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.providers.resolved import Toggles
from agentbox_cli.proxy import kept
from agentbox_cli.proxy.drill import HEADER, SECRET_VARIABLE, drill_header
from agentbox_cli.simulate.app import SimulatedProviders
from agentbox_cli.simulate.faults import Fault, FaultKind
from tests.fakes.clients import CHAT
from tests.fakes.stand import Plan, Stand, eventually, open_stand
from tests.proxy.conftest import MakeStand

SAIA = "gwdg_saia/llama-3.3-70b"
USED_UP = {"x-ratelimit-limit-day": "1000", "x-ratelimit-remaining-day": "0"}
FINE = Fault(kind=FaultKind.NONE, headers=USED_UP)


@dataclass(slots=True, kw_only=True)
class Runs:
    """Runs of the proxy, one after the other, with the same providers."""

    providers: SimulatedProviders
    bases: Mapping[str, str]
    directory: Path

    @asynccontextmanager
    async def run(self, **plan: Any) -> AsyncIterator[Stand]:
        async with open_stand(Plan(bases=self.bases, **plan), self.directory) as stand:
            yield stand

    async def attempts(self, **plan: Any) -> str:
        """What the links of one request of a run of its own came to."""
        async with self.run(**plan) as stand:
            return await attempts(stand)

    def fault(self, deployment: str, *faults: Fault) -> None:
        self.providers.faults.put(deployment, *faults)


@pytest.fixture
async def runs(tmp_path: Path) -> AsyncIterator[Runs]:
    providers = SimulatedProviders(keep=100)
    base = await providers.start()
    bases = {name: f"{base}/{name}/v1" for name in ("openai", "gwdg_saia")}
    yield Runs(providers=providers, bases=bases, directory=tmp_path)
    await providers.stop()


async def attempts(stand: Stand) -> str:
    async with CHAT.post(stand) as answer:
        await answer.read()
        told: str = answer.headers["x-agentbox-attempts"]
        return told


async def test_a_used_up_window_is_known_to_the_next_run(runs: Runs) -> None:
    chains = {"default": [SAIA, "openai/gpt-4o"]}
    runs.fault(SAIA, FINE)
    assert await runs.attempts(chains=chains) == ""
    assert await runs.attempts(chains=chains) == f"{SAIA}=skipped-exhausted"


@pytest.mark.parametrize(
    ("status", "label"), [(402, "payment"), (404, "not_found"), (429, "rate_limit")]
)
async def test_a_long_cooldown_is_known_to_the_next_run(
    runs: Runs, status: int, label: str
) -> None:
    runs.fault(CHAT.first, Fault(status=status, headers={"retry-after": "300"}))
    assert await runs.attempts() == f"{CHAT.first}={label}"
    async with runs.run() as stand:
        first = await attempts(stand)
        warnings = stand.proxy.status()["warnings"]
    assert first == f"{CHAT.first}=skipped-cooling"
    assert runs.providers.journal.count(CHAT.first) == 1
    assert any("payment" in each for each in warnings) is (status == 402)


@pytest.mark.parametrize(("status", "label"), [(401, "auth"), (500, "server")])
async def test_what_a_restart_may_mend_is_not(runs: Runs, status: int, label: str) -> None:
    runs.fault(CHAT.first, Fault(status=status))
    for _ in range(2):
        assert await runs.attempts() == f"{CHAT.first}={label}"


async def test_the_cooldowns_of_another_account_are_not(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.fault(CHAT.first, Fault(status=402))
    await runs.attempts()
    monkeypatch.setattr("tests.fakes.stand.key_of", lambda name: f"sk-new-key-of-{name}")
    assert await runs.attempts() == f"{CHAT.first}=payment", "it is asked"


async def test_the_file_is_written_while_the_proxy_runs(
    make_stand: MakeStand,
) -> None:
    stand = await make_stand()
    stand.proxy._keeper.delay = 0.05
    file = stand.proxy.paths.limits_file
    stand.fault(CHAT.first, Fault(status=402))
    assert not file.exists(), "nothing was learned yet"
    await attempts(stand)
    await eventually(file.exists, "the file is written")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    [cooling] = kept.read(file).limits.cooling
    assert (cooling.name, cooling.kind) == ("openai", "payment")


async def test_many_changes_are_one_write(
    make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    monkeypatch.setattr("agentbox_cli.proxy.kept.write", lambda *what: written.append(what))
    stand = await make_stand(chains={"default": [SAIA]})
    stand.fault(SAIA, Fault(kind=FaultKind.NONE, headers={"x-ratelimit-remaining-day": "9"}))
    for _ in range(5):
        await attempts(stand)
    await stand.proxy.drain()
    assert len(written) <= 2, "by the time, and at the end"


async def test_a_file_that_cannot_be_written_fails_no_request(
    make_stand: MakeStand, caplog: pytest.LogCaptureFixture
) -> None:
    stand = await make_stand()
    stand.proxy.paths.limits_file.mkdir()
    stand.proxy._keeper.delay = 0.01
    for status in (402, 404):
        stand.fault(CHAT.first, Fault(status=status))
        assert await attempts(stand) != ""
        await eventually(lambda: "a restart will not know" in caplog.text, "it is told")
    await stand.proxy.drain()
    assert caplog.text.count("a restart will not know") == 1


@pytest.mark.parametrize("text", ["", "{", "null", '{"schema": 2}', "\0" * 99])
async def test_a_spoiled_file_is_as_good_as_none(runs: Runs, text: str) -> None:
    (runs.directory / "litellm.limits.json").write_text(text)
    assert await runs.attempts() == ""


async def test_drills_leave_nothing_behind(
    make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "only-here")
    stand = await make_stand()
    stand.fault(CHAT.first, Fault(status=402))
    header = {HEADER: drill_header("only-here", "check", Toggles())}
    async with CHAT.post(stand, headers=header) as answer:
        assert answer.headers["x-agentbox-attempts"] == f"{CHAT.first}=payment"
    await stand.proxy.drain()
    assert not stand.proxy.paths.limits_file.exists()
