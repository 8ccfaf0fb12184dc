"""What strangers send leaves nothing in the log, and is answered."""

import logging
import socket

import aiohttp
import pytest
from aiohttp import web

from agentbox_cli.proxy.http_server import Server
from tests.fakes.stand import Stand, head

CHAT = "/v1/chat/completions"
SECRET = b"a-key-of-no-known-shape"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /health HTTP/1.1\r\nhost: localhost\r\nx-api-key: %b\x00\r\n\r\n" % SECRET,
        b"GET /health HTTP/1.1\r\nhost: localhost\r\nx-api-key: a\r\n %b\r\n\r\n" % SECRET,
        b"GET /health HTTP/1.1\r\nx-api-key: %b\r\n\r\n" % (SECRET * 1_000),
        b"\x16\x03\x01 TLS " + SECRET,
        head(CHAT, b"content-length: 3", b"transfer-encoding: chunked") + b"0\r\n\r\n",
        head(CHAT, b"content-length: 3", b"content-length: 4") + b"abcd",
        head(CHAT, b"transfer-encoding: chunked") + b"zz\r\nx\r\n",
        head(CHAT, b"transfer-encoding: chunked") + b"f" * 20 + b"\r\nx\r\n",
        head(CHAT, b"content-encoding: gzip", b"content-length: 5") + b"plain",
    ],
    ids=lambda told: repr(told[:60]),
)
async def test_a_malformed_request_is_refused_and_fills_no_log(
    stand: Stand, caplog: pytest.LogCaptureFixture, request_bytes: bytes
) -> None:
    caplog.set_level(logging.DEBUG)
    async with stand.connected() as (reader, writer):
        writer.write(request_bytes)
        assert b" 400 " in await reader.readline()
        writer.write_eof()
        await reader.read()
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []
    assert SECRET.decode() not in caplog.text


async def test_a_fault_of_ours_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def answer(_: web.BaseRequest) -> None:
        """Give no answer, which is a bug."""

    runner = web.ServerRunner(Server(answer, Nothing()))
    await runner.setup()
    bound = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, bound).start()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with aiohttp.ClientSession() as http, http.get(url) as told:
        assert told.status == 500
    await runner.cleanup()
    assert "Missing return statement" in caplog.text


class Nothing:
    """Notes nothing."""

    def made(self, handler: object, transport: object) -> None: ...

    def lost(self, handler: object) -> None: ...
