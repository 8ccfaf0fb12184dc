"""Streams through the real daemon and the real LiteLLM: what is held, cut, left and not read."""

import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from agentbox_cli.fallback.stage import Cast
from agentbox_cli.providers.resolved import Toggles
from agentbox_cli.proxy.drill import HEADER, SECRET_VARIABLE, drill_header
from agentbox_cli.simulate.faults import Fault, FaultKind
from benchmarks.streams import cut_streams
from tests.e2e.conftest import User, section
from tests.fakes.flood import Flood, flowing
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.e2e

HI = "hello there, and a few words more than a stream is broken after"
SECRET = "of-this-drill"
MIB = 1024 * 1024
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
# OpenAI speaks chat and responses itself, Anthropic messages; the rest goes through LiteLLM.
MODELS = {
    "default": [
        {"provider": "openai", "model": "gpt-4o"},
        {"provider": "openai", "model": "gpt-4.1"},
    ],
    "claude": [
        {"provider": "anthropic", "model": "claude-sonnet-4-5"},
        {"provider": "anthropic", "model": "claude-haiku-4-5"},
    ],
    "flood": [{"provider": "gwdg_saia", "model": "llama-3.3-70b"}],
}
DIRECT = {("chat", "default"), ("responses", "default"), ("messages", "claude")}
BOTH_LANES = [(protocol, alias) for protocol in PATHS for alias in ("default", "claude")]
# The first events of each protocol's stream have no content.
HELD = {"chat": 1, "messages": 2, "responses": 4}
UNSEEN = {
    "an error": FaultKind.ERROR_EVENT,
    "nothing": FaultKind.EMPTY_STREAM,
    "a cut": FaultKind.CUT,
    "a pause": FaultKind.STALL,
}
BROKEN = [FaultKind.ERROR_EVENT, FaultKind.CUT, FaultKind.CLEAN_CUT, FaultKind.STALL]

both_lanes = pytest.mark.parametrize(
    ("protocol", "alias"),
    BOTH_LANES,
    ids=[
        f"{protocol}-{'direct' if (protocol, alias) in DIRECT else 'litellm'}"
        for protocol, alias in BOTH_LANES
    ],
)


@dataclass(frozen=True)
class Running:
    """The daemon, its providers, and a source of very long streams."""

    user: User
    cast: Cast
    flood: Flood
    port: int
    pid: int

    @contextmanager
    def posted(
        self, protocol: str, alias: str, *, stream: bool = True, check: str | None = None
    ) -> Iterator[tuple[socket.socket, HTTPConnection]]:
        """A request that was sent and not answered yet."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        header = drill_header(SECRET, check or secrets.token_hex(8), Toggles())
        try:
            connection.request(
                "POST", PATHS[protocol], body(protocol, alias, stream), {HEADER: header}
            )
            yield connection.sock, connection
        finally:
            connection.close()

    def asked(self, protocol: str, alias: str) -> tuple[HTTPResponse, bytes]:
        with self.posted(protocol, alias) as (_, connection):
            answer = connection.getresponse()
            return answer, answer.read()

    def breaks(self, alias: str, fault: Fault) -> None:
        provider, deployment = first(alias)
        self.cast[provider].faults.put(deployment, fault)

    @property
    def rss(self) -> int:
        """Bytes of memory that the daemon holds."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * 4096


def body(protocol: str, alias: str, stream: bool) -> bytes:
    asked: dict[str, Any] = {"model": alias, "stream": stream}
    if protocol == "responses":
        return json.dumps(asked | {"input": HI}).encode()
    messages = [{"role": "user", "content": HI}]
    return json.dumps(asked | {"messages": messages, "max_tokens": 64}).encode()


def first(alias: str) -> tuple[str, str]:
    link = MODELS[alias][0]
    return link["provider"], f"{link['provider']}/{link['model']}"


def second(alias: str) -> str:
    link = MODELS[alias][1]
    return f"{link['provider']}/{link['model']}"


@pytest.fixture(scope="module")
def running(user: User, cast: Cast) -> Iterator[Running]:
    router = {"timeout": 3, "stream_timeout": 2, "num_retries": 0, "retry_after_seconds": 0}
    with flowing(Flood(pieces=12_500)) as flood:
        config = json.loads(section(cast, MODELS, router=router))
        config["litellm"]["providers"]["gwdg_saia"]["api_base"] = f"{flood.base}/v1"
        user.writes(json.dumps(config))
        started = user.runs("litellm", "start", "--wait", "engine", **{SECRET_VARIABLE: SECRET})
        assert started.returncode == 0, started.stderr
        status = user.reads("litellm", "status")
        daemon = Running(user, cast, flood, int(status["port"]), int(status["pid"]))
        for protocol, alias in BOTH_LANES:
            daemon.asked(protocol, alias)  # LiteLLM's first streams are slow
        yield daemon
        assert user.runs("litellm", "stop").returncode == 0


@pytest.fixture(autouse=True)
def healthy(cast: Cast) -> Iterator[None]:
    yield
    for name in ("anthropic", "openai"):
        cast[name].faults.clear()


@both_lanes
@pytest.mark.parametrize("kind", UNSEEN.values(), ids=UNSEEN.keys())
def test_a_first_link_that_says_nothing_before(
    running: Running, protocol: str, alias: str, kind: FaultKind
) -> None:
    # LiteLLM asks each provider in the provider's own protocol.
    spoken = "messages" if alias == "claude" else {"messages": "chat"}.get(protocol, protocol)
    events = HELD[spoken]
    running.breaks(alias, Fault(kind=kind, after_events=events))
    answer, told = running.asked(protocol, alias)
    assert answer.status == 200
    assert answer.headers["x-agentbox-served-by"] == second(alias)
    assert answer.headers["x-agentbox-attempts"].startswith(f"{first(alias)[1]}=")
    assert second(alias).encode() in told
    assert first(alias)[1].encode() not in told
    assert parsed(protocol, told) == f"[{second(alias)}] you said: {HI}"


@both_lanes
@pytest.mark.parametrize("kind", BROKEN)
def test_a_stream_that_breaks_after_content_is_ended_as_its_protocol_says(
    running: Running, protocol: str, alias: str, kind: FaultKind
) -> None:
    running.breaks(alias, Fault(kind=kind, after_events=7, delay_s=0.1))
    # On a busy machine it may break before its content has come through LiteLLM.
    seen = eventually(lambda: cut(running, protocol, alias), "a cut after content")
    assert seen is not None
    answer, told = seen
    name = answer.headers["x-agentbox-request-id"]
    last = told.removesuffix(b"\n\n").rpartition(b"\n\n")[2]
    assert told.endswith(b"\n\n")
    error = json.loads(last.rpartition(b"data: ")[2])
    message = error["error"]["message"]
    assert message.startswith(f"{first(alias)[1]}: ")
    assert message.endswith(f" (`agentbox litellm explain {name}`)")
    assert last.startswith(
        {"chat": b'data: {"error":', "messages": b"event: error\n"}.get(
            protocol, b"event: response.failed\n"
        )
    )
    assert not any(mark in told for mark in (b"[DONE]", b"message_stop", b"response.completed"))
    with pytest.raises((openai.APIError, anthropic.APIStatusError), match=first(alias)[1]):
        parsed(protocol, told)
    assert running.user.reads("litellm", "explain", name)["end"] == "cut"


def cut(running: Running, protocol: str, alias: str) -> tuple[HTTPResponse, bytes] | None:
    answer, told = running.asked(protocol, alias)
    if answer.headers["x-agentbox-served-by"] == first(alias)[1]:
        return answer, told
    assert parsed(protocol, told) == f"[{second(alias)}] you said: {HI}"
    return None


def parsed(protocol: str, told: bytes) -> str:
    """The text that the protocol's SDK makes of a stream; it raises if the stream is broken."""
    with replayed(told) as url:
        return SDKS[protocol](url)


@contextmanager
def replayed(told: bytes) -> Iterator[str]:
    """A server that answers whatever is asked with these events."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        thread.join()


def by_chat(url: str) -> str:
    with openai.OpenAI(api_key="x", base_url=url, max_retries=0) as sdk:
        chunks = sdk.chat.completions.create(model="x", messages=[], stream=True)
        return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def by_responses(url: str) -> str:
    with openai.OpenAI(api_key="x", base_url=url, max_retries=0) as sdk:
        events = sdk.responses.create(model="x", input="x", stream=True)
        return "".join(e.delta for e in events if e.type == "response.output_text.delta")


def by_messages(url: str) -> str:
    with (
        anthropic.Anthropic(api_key="x", base_url=url, max_retries=0) as sdk,
        sdk.messages.stream(model="x", max_tokens=9, messages=[]) as events,
    ):
        return "".join(events.text_stream)


SDKS: dict[str, Callable[[str], str]] = {
    "chat": by_chat,
    "messages": by_messages,
    "responses": by_responses,
}

LEAVES = {
    "unary": (False, Fault(kind=FaultKind.HANG)),
    "stream-before-content": (True, Fault(kind=FaultKind.HANG)),
    "stream-after-content": (True, Fault(kind=FaultKind.STALL, after_events=7)),
}


@both_lanes
@pytest.mark.parametrize("how", LEAVES)
def test_a_client_that_leaves_ends_the_providers_call_at_once(
    running: Running, protocol: str, alias: str, how: str
) -> None:
    stream, fault = LEAVES[how]
    running.breaks(alias, fault)
    # The best of a few: the machine may be busy with something else.
    took = [seconds_to_notice(running, protocol, alias, stream, how) for _ in range(3)]
    assert min(took) < 0.1, took


def seconds_to_notice(
    running: Running, protocol: str, alias: str, stream: bool, how: str
) -> float:
    provider, deployment = first(alias)
    journal, check = running.cast[provider].journal, secrets.token_hex(8)
    with running.posted(protocol, alias, stream=stream, check=check) as (sock, connection):
        eventually(lambda: journal.count(deployment, check=check), "the provider is called")
        if how == "stream-after-content":
            connection.getresponse().read1(1)
        left = time.monotonic()
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()
        eventually(lambda: journal.count_cancelled(deployment, check=check), "it is told")
        return journal.left_at[check, deployment] - left


@pytest.mark.parametrize(("protocol", "lane"), [("chat", "direct"), ("messages", "litellm")])
def test_a_client_that_does_not_read_holds_the_provider_and_no_memory(
    running: Running, protocol: str, lane: str
) -> None:
    running.flood.sent, before = 0, running.rss
    with running.posted(protocol, "flood") as (_, connection):
        held = eventually(lambda: standing(running.flood), "the provider has to wait")
        assert held < 64 * MIB
        assert running.rss - before < 16 * MIB
        if lane == "direct":  # LiteLLM would take minutes for 200 MB
            answer, got, most = connection.getresponse(), 0, 0
            while piece := answer.read(MIB):
                got, most = got + len(piece), max(most, running.rss)
            assert got > running.flood.sent == 200_000_000
            assert most - before < 16 * MIB
            assert answer.headers["x-agentbox-served-by"] == "gwdg_saia/llama-3.3-70b"


def standing(flood: Flood) -> int:
    """How much was sent, if no more is for a while."""
    sent = flood.sent
    until = time.monotonic() + 1
    while time.monotonic() < until:
        if flood.sent != sent:
            return 0
        time.sleep(0.02)
    return sent


def test_a_model_that_repeats_itself_is_not_cut_by_litellm(running: Running) -> None:
    with ExitStack() as kept:
        flood = running.flood
        kept.callback(flood.says, flood.pieces, flood.piece, numbered=True)
        flood.says(150, b"| - |", numbered=False)
        answer, told = running.asked("messages", "flood")
    assert answer.status == 200
    assert parsed("messages", told) == "a" + "| - |" * 150


def test_many_streams_at_once_some_cut_leave_nothing_behind() -> None:
    figures = list(cut_streams(streams=100, rounds=3, rest=False))
    assert len(figures) > 3
    assert [figure.name for figure in figures if figure.verdict == "missed"] == []
