"""Tokens of named callers, against a real daemon that is never restarted."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import User, processes_of
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.e2e

CONFIG: dict[str, Any] = {
    "port": 0,
    "auth": "key",
    "models": {"default": [{"provider": "simulated", "model": "echo"}]},
    "usage": {"prices": {"simulated/echo": {"input_usd": 1, "output_usd": 1}}},
    "budgets": {"per_caller": {"carol": {"daily_usd": 0}}},
    "engine": {"mode": "off"},
}
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    """A home of its own for each test."""
    somebody = User(tmp_path / "user")
    somebody.home.mkdir()
    yield somebody
    assert somebody.runs("litellm", "stop", "--force").returncode == 0
    assert processes_of(somebody.home) == []


@pytest.fixture
def url(user: User) -> str:
    user.writes(json.dumps({"litellm": CONFIG}))
    started = user.runs("litellm", "start")
    assert started.returncode == 0, started.stderr
    found: str = user.reads("litellm", "status")["url"]
    return found


def token_of(user: User, name: str) -> str:
    made = user.runs("litellm", "key", "add", name)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def asked(url: str, token: str, **headers: str) -> httpx.Response:
    sent = {"authorization": f"Bearer {token}", "user-agent": "codex_exec/1.0", **headers}
    body = {"model": "default", "messages": HELLO}
    return httpx.post(f"{url}/v1/chat/completions", json=body, headers=sent, timeout=30)


def callers(user: User) -> dict[str, int]:
    rows = user.reads("litellm", "usage", "--by", "caller")["rows"]
    return {row["key"]: row["requests"] for row in rows}


def test_a_token_opens_at_once_names_its_holder_and_closes_at_once(user: User, url: str) -> None:
    assert asked(url, "agentbox-client-" + "x" * 43).status_code == 401
    alice, bob = token_of(user, "alice"), token_of(user, "bob")
    answered = asked(url, alice)
    assert answered.status_code == 200
    assert asked(url, "", **{"authorization": "", "x-api-key": bob}).status_code == 200
    for path in ("/v1/models", "/agentbox/status", "/agentbox/usage"):
        sent = {"x-api-key": bob}
        assert httpx.get(f"{url}{path}", headers=sent, timeout=30).status_code == 200
    story = user.runs("litellm", "explain", answered.headers["x-agentbox-request-id"])
    assert " by alice at " in story.stdout
    refused = asked(url, token_of(user, "carol"))
    assert refused.status_code == 429
    assert "daily budget of caller carol" in refused.json()["error"]["message"]
    assert asked(url, bob).status_code == 200
    with httpx.Client() as kept:
        sent = {"authorization": f"Bearer {bob}"}
        assert kept.get(f"{url}/v1/models", headers=sent).status_code == 200
        assert user.runs("litellm", "key", "remove", "bob").returncode == 0
        # On the connection that was open already, too.
        assert kept.get(f"{url}/v1/models", headers=sent).status_code == 401
    assert asked(url, alice).status_code == 200
    eventually(lambda: sum(callers(user).values()) == 5)
    assert callers(user) == {"alice": 2, "bob": 2, "carol": 1}
    log = (user.state / "litellm.log").read_text()
    for text in (log, _every_file(user.home)):
        assert alice[16:] not in text
        assert bob[16:] not in text
    assert not any(alice in line for line in _command_lines())


def _every_file(home: Path) -> str:
    files = (file for file in home.rglob("*") if file.is_file())
    return "".join(file.read_bytes().decode("latin-1") for file in files)


def _command_lines() -> Iterator[str]:
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            yield (entry / "cmdline").read_text(errors="replace")


def test_a_file_that_cannot_be_used_is_told_and_the_key_still_opens(user: User, url: str) -> None:
    alice = token_of(user, "alice")
    key = user.runs("litellm", "key").stdout.strip()
    file = user.state / "client-tokens.json"
    good = file.read_bytes()
    file.write_bytes(good[:-10])
    assert (asked(url, alice).status_code, asked(url, key).status_code) == (401, 200)
    assert "these are no client tokens" in str(user.reads("litellm", "status")["warnings"])
    assert "no client token is taken" in (user.state / "litellm.log").read_text()
    assert user.runs("litellm", "key", "add", "bob").returncode == 5
    assert file.read_bytes() == good[:-10]
    file.write_bytes(good)
    assert asked(url, alice).status_code == 200
    assert "client token" not in str(user.reads("litellm", "status")["warnings"])


def test_without_a_proxy_tokens_are_made_for_the_next_one(user: User) -> None:
    user.writes(json.dumps({"litellm": {**CONFIG, "auth": "same-user"}}))
    alice, bob = token_of(user, "alice"), token_of(user, "bob")
    assert user.runs("litellm", "key", "remove", "bob").returncode == 0
    assert user.runs("litellm", "start").returncode == 0
    url = user.reads("litellm", "status")["url"]
    # The same user needs no token, and is known by one that is shown.
    for token in (alice, bob, "not-needed"):
        assert asked(url, token).status_code == 200
    done = user.runs("litellm", "ask", "hello", AGENTBOX_KEY=alice)
    assert done.returncode == 0, done.stderr
    assert user.runs("litellm", "ask", "hello", AGENTBOX_KEY="two words").returncode == 2
    eventually(lambda: sum(callers(user).values()) == 4)
    assert callers(user) == {"alice": 2, "codex": 2}


def test_a_token_goes_before_the_name_of_a_socket(user: User, tmp_path: Path) -> None:
    sockets = tmp_path / "s"
    more = {"socket": ["web"], "socket_dir": str(sockets)}
    user.writes(json.dumps({"litellm": {**CONFIG, **more}}))
    assert user.runs("litellm", "start").returncode == 0
    alice = token_of(user, "alice")
    transport = httpx.HTTPTransport(uds=str(sockets / "web/litellm.sock"))
    body = {"model": "default", "messages": HELLO}
    with httpx.Client(transport=transport) as http:
        for headers, status in (({}, 401), ({"x-api-key": alice}, 200)):
            answer = http.post("http://x/v1/chat/completions", json=body, headers=headers)
            assert answer.status_code == status
    eventually(lambda: callers(user) == {"alice": 1})


def test_a_broken_pipe_takes_no_token_along(user: User) -> None:
    words = [sys.executable, "-P", "-m", "agentbox_cli", "litellm", "key", "add", "alice"]
    script = '"$@" | true; exit "${PIPESTATUS[0]}"'
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words],
        env=user._environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in {0, 141}
    assert user.runs("litellm", "key", "remove", "alice").returncode == 0
