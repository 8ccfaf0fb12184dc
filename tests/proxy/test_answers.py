"""Answers byte by byte: what is waited for, what is held back, and what an answer is at all."""

from typing import Any

import pytest

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy import answers
from agentbox_cli.proxy.answers import HELD_BYTES
from agentbox_cli.proxy.sse import LARGEST_EVENT
from tests.fakes.clients import CHAT
from tests.fakes.scripted import END, Do, begin_stream, chunk, whole
from tests.fakes.stand import Stand
from tests.proxy.conftest import MakeScripted, MakeStand

ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'
CONTENT = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
SOON = {"timeout": 0.3}
BUSY = b'{"error":{"message":"busy","type":"requests","code":"rate_limit_exceeded"}}'


@pytest.fixture
def first_link(make_stand: MakeStand, make_scripted: MakeScripted) -> Any:
    """Makes a stand whose first link sends these bytes."""

    async def make(*script: bytes | Do, **plan: Any) -> Stand:
        provider = await make_scripted(script)
        bases = {"openai": f"{provider.base}/v1"}
        return await make_stand(chains={"default": CHAT.chain}, bases=bases, **plan)

    return make


@pytest.mark.parametrize("end", [Do.CLOSE, Do.RESET, Do.HANG])
async def test_an_error_counts_by_its_status_even_if_its_body_is_lost(
    first_link: Any, end: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "ERROR_BODY_SECONDS", 0.1)
    stand = await first_link(
        b"HTTP/1.1 429 Slow\r\nretry-after: 33\r\ncontent-length: 99\r\n\r\n{", end
    )
    async with CHAT.post(stand) as answer:
        assert answer.headers["x-agentbox-served-by"] == CHAT.second
    assert stand.records[0].failure is ErrorKind.THROTTLE
    assert stand.records[0].status == 429


async def test_of_an_endless_error_only_the_beginning_is_read(
    first_link: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "ERROR_BODY_BYTES", 1_000)
    monkeypatch.setattr(answers, "ERROR_BODY_SECONDS", 600.0)
    stand = await first_link(
        b"HTTP/1.1 429 Slow\r\ncontent-length: 99999999\r\n\r\n", b"x" * 100_000, Do.HANG
    )
    async with CHAT.post(stand) as answer:
        assert answer.headers["x-agentbox-attempts"] == f"{CHAT.first}=rate_limit"


async def test_nothing_is_sent_before_content(first_link: Any) -> None:
    stand = await first_link(begin_stream(), chunk(ROLE), Do.HANG, links={CHAT.first: SOON})
    async with CHAT.post(stand, stream=True) as answer:
        assert answer.headers["x-agentbox-served-by"] == CHAT.second
        assert b"gpt-4o" not in await answer.read()


async def test_what_was_held_back_comes_first_and_in_order(first_link: Any) -> None:
    script = (b": hello\n\n", ROLE, b"\n\n", b"event: x\ndata:\n\n", CONTENT, FINISH)
    stand = await first_link(begin_stream(), *map(chunk, script), END)
    async with CHAT.post(stand, stream=True) as answer:
        assert await answer.read() == b"".join(script)


async def test_beyond_a_size_nothing_is_held_back_any_more(first_link: Any) -> None:
    comment = b": " + b"x" * 1_000 + b"\n\n"
    many = chunk(comment * (HELD_BYTES // len(comment) + 1))
    stand = await first_link(begin_stream(), many, Do.CLOSE)
    async with CHAT.post(stand, stream=True) as answer:
        assert answer.headers["x-agentbox-served-by"] == CHAT.first
        body = await answer.read()
    assert body.startswith(comment)
    assert b"upstream_stream_error" in body


async def test_events_are_passed_on_whole_however_they_arrive(first_link: Any) -> None:
    script = ROLE + CONTENT + CONTENT.replace(b"hi", "\N{SNOWMAN}".encode()) + FINISH
    pieces = [chunk(script[at : at + 7]) for at in range(0, len(script), 7)]
    stand = await first_link(begin_stream(), *pieces, END)
    async with CHAT.post(stand, stream=True) as answer:
        assert await answer.read() == script


async def test_half_an_event_is_not_passed_on_when_the_stream_breaks(first_link: Any) -> None:
    stand = await first_link(begin_stream(), chunk(CONTENT + CONTENT[:30]), Do.CLOSE)
    async with CHAT.post(stand, stream=True) as answer:
        body = await answer.read()
    assert body.startswith(CONTENT + b'data: {"error"')


@pytest.mark.parametrize("kind", [b"Text/Event-Stream;charset=UTF-8", b"text/event-stream"])
async def test_a_stream_is_known_by_its_type(first_link: Any, kind: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b"\r\nconnection: close\r\n\r\n"
    stand = await first_link(head, CONTENT, FINISH, Do.CLOSE)
    assert await CHAT.sdk(stand, True) == "hi"


async def test_a_stream_that_nobody_asked_for_is_no_answer(first_link: Any) -> None:
    stand = await first_link(begin_stream(), chunk(CONTENT + FINISH), END)
    async with CHAT.post(stand) as answer:
        assert answer.headers["x-agentbox-served-by"] == CHAT.second
    assert stand.records[0].failure is ErrorKind.SERVER


async def test_a_whole_answer_to_a_stream_request_passes_as_it_is(first_link: Any) -> None:
    body = b'{"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'
    stand = await first_link(whole(body))
    async with CHAT.post(stand, stream=True) as answer:
        assert answer.headers["content-type"] == "application/json"
        assert await answer.read() == body


@pytest.mark.parametrize("status", [b"201 Created", b"202 Accepted", b"303 See"])
async def test_another_status_than_200_is_no_answer(first_link: Any, status: bytes) -> None:
    stand = await first_link(whole(b'{"choices":[]}', status=status))
    async with CHAT.post(stand) as answer:
        assert answer.headers["x-agentbox-served-by"] == CHAT.second


async def test_a_stream_in_an_encoding_that_nobody_reads_is_no_answer(first_link: Any) -> None:
    stand = await first_link(begin_stream(b"content-encoding: br"), chunk(b"\x0b\x02\x80"), END)
    async with CHAT.post(stand, stream=True) as answer:
        assert answer.headers["x-agentbox-served-by"] == CHAT.second


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_an_error_in_another_protocol_is_worded_anew(first_link: Any, stream: bool) -> None:
    section = {"fallbacks": {"on_rate_limit": False}}
    stand = await first_link(whole(BUSY, status=b"429 Slow"), section=section)
    async with CHAT.post(stand, stream=stream) as answer:
        assert answer.status == 429
        assert await answer.read() == BUSY


async def test_a_huge_event_is_a_failure_and_no_memory_leak(
    first_link: Any,
) -> None:
    stand = await first_link(begin_stream(), chunk(b"data: " + b"x" * LARGEST_EVENT), Do.HANG)
    async with CHAT.post(stand, stream=True) as answer:
        assert answer.headers["x-agentbox-served-by"] == CHAT.second
    assert stand.records[0].failure is ErrorKind.SERVER
