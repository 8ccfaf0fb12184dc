"""Stock LiteLLM on what `render --standalone` prints, in front of providers that fail."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from agentbox_cli.deploy.standalone import MASTER_KEY_VARIABLE, SWITCHES
from agentbox_cli.fallback.stage import Cast
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Wording
from tests.e2e.conftest import KEYS, User, section

pytestmark = pytest.mark.e2e

START_SECONDS = 100
LINK_SECONDS = 3
KEY = f"sk-{secrets.token_hex(24)}"
HELLO = [{"role": "user", "content": "hello"}]

FAULTS = {
    "rate-limit": Fault(status=429, headers={"retry-after": "30"}),
    "server": Fault(status=500),
    "context": Fault(status=400, wording=Wording.CONTEXT_WINDOW),
    "policy": Fault(status=400, wording=Wording.CONTENT_POLICY),
    "hang": Fault(kind=FaultKind.HANG),
}
# The provider that fails, and the next; each speaks to LiteLLM by another prefix.
PAIRS = {"openai": "gwdg_saia", "gwdg_saia": "anthropic", "anthropic": "openai"}
ENDPOINTS = ("chat", "messages")
# Who waits for a hang waits long, so not for every pair.
CASES = [
    (first, failure, endpoint)
    for first in PAIRS
    for failure in FAULTS
    for endpoint in ENDPOINTS
    if failure != "hang" or endpoint == "chat" or first == "openai"
]
SWITCHED_OFF = {"context": "on_context_window", "policy": "on_content_policy"}


def models() -> dict[str, list[dict[str, Any]]]:
    """A chain of its own for each case, so that no cooldown of another is met."""
    return {
        alias(first, failure, endpoint): [link(first, alias(first, failure, endpoint)), link(then)]
        for first, then in PAIRS.items()
        for failure in FAULTS
        for endpoint in ENDPOINTS
    }


def alias(first: str, failure: str, endpoint: str) -> str:
    return f"{first}-{failure}-{endpoint}"


def link(provider: str, model: str = "steady") -> dict[str, Any]:
    return {"provider": provider, "model": model, "timeout": LINK_SECONDS}


@dataclass(frozen=True)
class Alone:
    """A running LiteLLM that knows nothing of agentbox."""

    url: str

    def asks(self, endpoint: str, model: str) -> httpx.Response:
        body: dict[str, Any] = {"model": model, "messages": HELLO, "max_tokens": 30}
        path = "chat/completions" if endpoint == "chat" else "messages"
        return httpx.post(
            f"{self.url}/v1/{path}",
            json=body,
            headers={"authorization": f"Bearer {KEY}"},
            timeout=60,
        )


def begin(user: User, cast: Cast, work: Path, **more: Any) -> "tuple[subprocess.Popen[str], str]":
    user.writes(section(cast, models(), **more))
    printed = user.runs("litellm", "render", "--standalone")
    assert printed.returncode == 0, printed.stderr
    for key in KEYS.values():
        assert key not in printed.stdout
    work.mkdir()
    (work / "litellm.yml").write_text(printed.stdout)
    port = free_port()
    environ = {"PATH": os.environ["PATH"], "HOME": str(work), MASTER_KEY_VARIABLE: KEY}
    command = Path(sys.executable).with_name("litellm")
    with (work / "log").open("w") as log:
        process = subprocess.Popen(
            [command, "--config", "litellm.yml", "--host", "127.0.0.1", "--port", str(port)],
            env={**environ, **SWITCHES, **KEYS},
            cwd=work,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            text=True,
        )
    return process, f"http://127.0.0.1:{port}"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def both(
    user: User, cast: Cast, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Alone]]:
    """One with everything switched on, and one with what it can switch off switched off."""
    place = tmp_path_factory.mktemp("alone")
    off = {"fallbacks": dict.fromkeys(SWITCHED_OFF.values(), False)}
    begun = {
        "on": begin(user, cast, place / "on"),
        "off": begin(user, cast, place / "off", **off),
    }
    try:
        for name, (process, url) in begun.items():
            await_ready(process, url, place / name / "log")
        yield {name: Alone(url) for name, (_, url) in begun.items()}
    finally:
        for process, _ in begun.values():
            process.terminate()
            process.wait(30)


def await_ready(process: "subprocess.Popen[str]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if httpx.get(f"{url}/health/liveliness", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def text_of(endpoint: str, answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    if endpoint == "chat":
        return str(body["choices"][0]["message"]["content"])
    return str(body["content"][0]["text"])


@pytest.mark.parametrize(("first", "failure", "endpoint"), CASES)
def test_the_next_link_answers(
    both: dict[str, Alone], cast: Cast, first: str, failure: str, endpoint: str
) -> None:
    name = alias(first, failure, endpoint)
    deployment = f"{first}/{name}"
    cast[first].faults.put(deployment, FAULTS[failure])
    answer = both["on"].asks(endpoint, name)
    assert text_of(endpoint, answer) == f"[{PAIRS[first]}/steady] you said: hello"
    # A link that is asked again and again would make its caller wait.
    assert cast[first].journal.count(deployment) == (2 if failure == "server" else 1)
    if failure in SWITCHED_OFF:
        return  # another prompt may well suit it: it does not cool
    for _ in range(2):
        text_of(endpoint, both["on"].asks(endpoint, name))
    # Both failures of the first request are allowed in a minute, the third is one too many.
    assert cast[first].journal.count(deployment) == (3 if failure == "server" else 1)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("failure", SWITCHED_OFF)
def test_what_is_switched_off_stays_with_the_link(
    both: dict[str, Alone], cast: Cast, failure: str, endpoint: str
) -> None:
    name = alias("openai", failure, endpoint)
    cast["openai"].faults.put(f"openai/{name}", FAULTS[failure])
    before = cast["gwdg_saia"].journal.count("gwdg_saia/steady")
    answer = both["off"].asks(endpoint, name)
    assert answer.status_code == 400, answer.text
    assert cast["gwdg_saia"].journal.count("gwdg_saia/steady") == before


def test_a_deployment_is_served_by_its_name_too(both: dict[str, Alone]) -> None:
    assert text_of("chat", both["off"].asks("chat", "anthropic/steady")).startswith("[anthropic/")
