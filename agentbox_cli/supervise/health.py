"""Ask a server on a unix socket something small, and see whether it answers."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = 64 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A small HTTP request.

    Args:
        path: what is asked.
        method: GET, or POST with a body.
        headers: besides Host, Connection and Content-Length.
        body: as it is.
    """

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


async def ask(socket_path: Path, question: Question, seconds: float) -> int | None:
    """Ask, read the answer to its end and return its status; None when there is no answer in time.

    Args:
        socket_path: where the server listens.
        question: what to ask.
        seconds: how long the whole may take.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _ask(socket_path, question)
    except (OSError, TimeoutError, ValueError):
        return None


async def _ask(socket_path: Path, question: Question) -> int | None:
    reader, writer = await asyncio.open_unix_connection(str(socket_path))
    try:
        writer.write(_request(question))
        status = _status(await reader.readline())
        while await reader.read(_BLOCK):
            pass
        return status
    finally:
        # Not close(): that would wait for a hung server to take the rest of the question.
        writer.transport.abort()


def _request(question: Question) -> bytes:
    headers = {
        "Host": "localhost",
        "Connection": "close",
        "Content-Length": str(len(question.body)),
        **question.headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"{question.method} {question.path} HTTP/1.1\r\n{lines}\r\n"
    return head.encode("ascii") + question.body


def _status(line: bytes) -> int | None:
    found = _STATUS_LINE.match(line)
    return int(found[1]) if found else None
