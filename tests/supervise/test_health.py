"""Asking a real server on a unix socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agentbox_cli.supervise.health import Question, ask

HEALTH = Question(path="/health")


@asynccontextmanager
async def serving(path: Path, answer: bytes | None) -> AsyncIterator[list[bytes]]:
    """A server that reads a request and answers; None never answers."""
    heard: list[bytes] = []
    served: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(65_536))
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_unix_server(serve_one, str(path))
    try:
        yield heard
    finally:
        server.close()
        await asyncio.gather(*served)


async def test_the_status_of_an_answer(tmp_path: Path) -> None:
    async with serving(tmp_path / "s", b"HTTP/1.1 503 Busy\r\n\r\nwait") as heard:
        assert await ask(tmp_path / "s", HEALTH, 5) == 503
    assert heard[0].startswith(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")


async def test_a_question_with_a_body(tmp_path: Path) -> None:
    question = Question(path="/x", method="POST", headers={"X-Mine": "1"}, body=b"abc")
    async with serving(tmp_path / "s", b"HTTP/1.0 200 OK\r\n\r\n") as heard:
        assert await ask(tmp_path / "s", question, 5) == 200
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert (b"X-Mine: 1" in head, b"Content-Length: 3" in head, body) == (True, True, b"abc")


async def test_no_socket_is_no_answer(tmp_path: Path) -> None:
    assert await ask(tmp_path / "s", HEALTH, 5) is None


async def test_a_socket_that_nobody_serves_is_no_answer(tmp_path: Path) -> None:
    async with serving(tmp_path / "s", b""):
        pass
    assert await ask(tmp_path / "s", HEALTH, 5) is None


async def test_silence_is_no_answer(tmp_path: Path) -> None:
    async with serving(tmp_path / "s", None):
        assert await ask(tmp_path / "s", HEALTH, 0.05) is None


async def test_a_hang_up_is_no_answer(tmp_path: Path) -> None:
    async with serving(tmp_path / "s", b""):
        assert await ask(tmp_path / "s", HEALTH, 5) is None


async def test_something_else_than_http_is_no_answer(tmp_path: Path) -> None:
    for answer in (b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n", b"x" * 200_000):
        path = tmp_path / "s"
        async with serving(path, answer):
            assert await ask(path, HEALTH, 5) is None
        path.unlink(missing_ok=True)
