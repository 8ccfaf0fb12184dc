"""No route takes more than the limit, however a body is wrapped, or fails on a broken one."""

import gzip
import zlib
from typing import Any

import pytest

from tests.fakes.stand import Stand, head
from tests.proxy.conftest import MakeStand

LIMIT = 256 * 1024
PATHS = [
    "/v1/chat/completions",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/responses",
    "/v1/responses/resp_a/cancel?model=default",
    "/v1/embeddings",
    "/v1/audio/transcriptions",
    "/v1/files",
    "/v1/messages/batches?model=claude",
    "/agentbox/limits/reset",
    "/agentbox/links/pause",
]
BOMB = bytes(LIMIT * 40)


@pytest.fixture
async def small(make_stand: MakeStand) -> Stand:
    """A proxy with a smaller limit than usual."""
    stand = await make_stand()
    server: Any = stand.proxy._runner.server  # type: ignore[union-attr] # it runs
    server._notes[0]._front.body_limit = LIMIT
    return stand


async def status_of(stand: Stand, request: bytes) -> int:
    async with stand.connected() as (reader, writer):
        writer.write(request)
        return int((await reader.readline()).split()[1])


@pytest.mark.parametrize("path", PATHS)
async def test_no_route_takes_more_than_the_limit(small: Stand, path: str) -> None:
    chunk = b"%x\r\n%b\r\n" % (LIMIT, bytes(LIMIT))
    too_large = [
        head(path, b"content-length: %d" % (LIMIT + 1)),
        head(path, b"transfer-encoding: chunked") + chunk * 2 + b"0\r\n\r\n",
    ]
    for coding, packed in ((b"gzip", gzip.compress(BOMB)), (b"deflate", zlib.compress(BOMB))):
        lines = (b"content-encoding: " + coding, b"content-length: %d" % len(packed))
        too_large.append(head(path, *lines) + packed)
    assert [await status_of(small, each) for each in too_large] == [413] * 4


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_that_is_not_what_its_headers_say_is_a_400_and_no_bug(
    small: Stand, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    broken = [
        head(path, b"content-encoding: gzip", b"content-length: 5") + b"hello",
        head(path, b"transfer-encoding: chunked") + b"2\r\n{}\r\nzz\r\n",
    ]
    assert [await status_of(small, each) for each in broken] == [400] * 2
    assert caplog.text == ""
