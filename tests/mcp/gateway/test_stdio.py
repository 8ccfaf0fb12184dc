import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st
from mcp_types import JSONRPCError, JSONRPCResponse

from agentbox_cli.mcp.gateway.stdio import TOO_LONG, _Assembly, _lines, _message

LIMIT = 10_000


async def read(chunks: list[bytes], limit: int = LIMIT) -> list[bytes]:
    reader = asyncio.StreamReader(limit=1 << 20)
    for chunk in chunks:
        reader.feed_data(chunk)
    reader.feed_eof()
    return [line.head async for line in _lines(reader, limit)]


@given(st.lists(st.binary(max_size=40), max_size=20))
async def test_lines_are_the_same_however_they_come(chunks: list[bytes]) -> None:
    assert await read(chunks) == b"".join(chunks).split(b"\n")


@given(st.lists(st.integers(1, 9_000), min_size=1, max_size=12))
def test_no_more_of_a_line_is_kept_than_is_read(sizes: list[int]) -> None:
    assembly = _Assembly(LIMIT)
    for size in sizes:
        assembly.add(b"x" * size)
        assert len(assembly._held) + len(assembly._tail) <= LIMIT + 9_000
    line = assembly.finished()
    assert (line.size == sum(sizes)) == (sum(sizes) > LIMIT)


def answered(text: bytes) -> object:
    assembly = _Assembly(LIMIT)
    for start in range(0, len(text), 7_000):
        assembly.add(text[start : start + 7_000])
    found = _message(assembly.finished(), LIMIT)
    return found.message if found else None


def test_a_long_answer_becomes_an_error_with_its_id_at_either_end() -> None:
    result = {"content": [{"type": "text", "text": 'x"id": 5,' * 3_000}]}
    for message in ({"id": 7, "result": result}, {"result": result, "id": 7}):
        error = answered(json.dumps({"jsonrpc": "2.0", **message}).encode())
        assert isinstance(error, JSONRPCError)
        assert (error.id, error.error.data) == (7, TOO_LONG)


def test_bytes_that_are_no_text_do_not_cost_the_answer() -> None:
    message = answered(b'{"jsonrpc": "2.0", "id": 1, "result": {"a": "caf\xe9"}}')
    assert isinstance(message, JSONRPCResponse)
    assert message.result == {"a": "caf\N{REPLACEMENT CHARACTER}"}


@given(st.binary(max_size=200))
def test_nothing_that_a_server_prints_breaks_the_reader(text: bytes) -> None:
    answered(text)
