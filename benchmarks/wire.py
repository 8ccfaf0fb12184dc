"""The measuring client: a blocking socket, so that its own cost is small and always the same."""

import json
import re
import socket
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

PATH = "/v1/chat/completions"
MESSAGES = "/v1/messages"
TIMEOUT_SECONDS = 60.0

_BLOCK = 64 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:\s*chunked", re.IGNORECASE)
# Bodies are written with or without blanks after the colon.
_FIRST_CONTENT = re.compile(rb'"(?:content|text)":\s?"[^"]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a measured request goes.

    Args:
        port: on 127.0.0.1.
        model: what is asked for there.
        key: sent as a Bearer token.
    """

    port: int
    model: str
    key: str = "bench-key-not-a-secret"

    def request(self, *, stream: bool = False, padding: int = 0) -> bytes:
        """The bytes of a chat request, its prompt longer by `padding` bytes."""
        said = "Say where the time goes. " + "x" * padding
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": "You answer in one short sentence."},
                {"role": "user", "content": said},
            ],
            "temperature": 0,
        }
        return self._post(PATH, body, stream=stream)

    def message(self, *, stream: bool = False) -> bytes:
        """The bytes of the same request in Anthropic's protocol."""
        body = {
            "model": self.model,
            "max_tokens": 100,
            "system": "You answer in one short sentence.",
            "messages": [{"role": "user", "content": "Say where the time goes. "}],
            "temperature": 0,
        }
        return self._post(MESSAGES, body, stream=stream)

    def _post(self, path: str, fields: dict[str, Any], *, stream: bool) -> bytes:
        body = json.dumps(fields | ({"stream": True} if stream else {})).encode()
        lines = (
            f"POST {path} HTTP/1.1",
            f"host: 127.0.0.1:{self.port}",
            "user-agent: agentbox-bench",
            "content-type: application/json",
            f"authorization: Bearer {self.key}",
            f"content-length: {len(body)}",
            "",
            "",
        )
        return "\r\n".join(lines).encode() + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long an answer took, in milliseconds: to its first content, and whole."""

    status: int
    first_ms: float
    whole_ms: float
    raw: bytes


class Connection:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def ask(self, request: bytes, *, expect: int = 200) -> Timing:
        """Send a request and read its whole answer; raises ConnectionError for a wrong one."""
        begun = time.perf_counter()
        self._socket.sendall(request)
        raw, first = b"", 0.0
        while not is_whole(raw):
            block = self._socket.recv(_BLOCK)
            if not block:
                raise ConnectionError(f"closed after {raw[:300]!r}")
            raw += block
            if not first and _FIRST_CONTENT.search(raw):
                first = time.perf_counter()
        ended = time.perf_counter()
        if status_of(raw) != expect:
            raise ConnectionError(f"not a {expect}: {raw[:500]!r}")
        return Timing(
            status=expect,
            first_ms=((first or ended) - begun) * 1_000,
            whole_ms=(ended - begun) * 1_000,
            raw=raw,
        )


def is_whole(raw: bytes) -> bool:
    """Whether these bytes are an HTTP answer up to its end."""
    head = raw.find(b"\r\n\r\n")
    if head < 0:
        return False
    if length := _LENGTH.search(raw, 0, head + 2):
        return len(raw) >= head + 4 + int(length[1])
    return raw.endswith(b"0\r\n\r\n") if _CHUNKED.search(raw, 0, head + 2) else True


def status_of(raw: bytes) -> int:
    """The status of an HTTP answer; 0 if it is none."""
    word = raw[9:12]
    return int(word) if raw.startswith(b"HTTP/1.1 ") and word.isdigit() else 0
