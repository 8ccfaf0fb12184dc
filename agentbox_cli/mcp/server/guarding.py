"""Who may call the MCP server over HTTP: holders of the install's key or of a client token."""

import hmac
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agentbox_cli.daemon.client import read_key
from agentbox_cli.proxy.client_tokens import TokenBook

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Of two, another reader might take the other one.
_DECIDING = (b"host", b"origin", b"sec-fetch-site", b"authorization")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Guard:
    """Lets a request pass to the server, or refuses it.

    A page in a browser can reach this port, so requests that name an origin are refused, as are
    those for another host: its name may have been pointed here.

    Args:
        app: the server.
        key_file: where the install's key is; read each time, because it may be replaced.
        tokens: who holds which other one.
    """

    def __init__(self, app: App, key_file: Path, tokens: TokenBook) -> None:
        self._app = app
        self._key_file = key_file
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
        key = read_key(self._key_file)
        refused = repeated(scope["headers"]) or refusal(headers, key, self._tokens.name_of)
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(send, *refused)


def repeated(headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    """Why a request is refused whose deciding headers are there twice; None if they are not."""
    counted = Counter(name for name, _ in headers)
    twice = next((name for name in _DECIDING if counted[name] > 1), None)
    return None if twice is None else (400, f"the header {twice.decode()} is there twice")


def refusal(
    headers: dict[str, bytes], key: str | None, holder_of: Callable[[str], str | None]
) -> tuple[int, str] | None:
    """Why a request is refused: a status and words; None if it may pass.

    Args:
        headers: by their names in lower case.
        key: the install's key; None opens nothing.
        holder_of: whose client token a text is; None if it is none.
    """
    host = headers.get("host")
    if host is None:
        return 400, "the Host header is missing"
    if _name(host) not in _LOOPBACK:
        return 403, "this host is not served here"
    if "origin" in headers or headers.get("sec-fetch-site") == b"cross-site":
        return 403, "web pages are not served here"
    scheme, _, given = headers.get("authorization", b"").partition(b" ")
    known = key is not None and hmac.compare_digest(given.strip(), key.encode())
    if scheme.lower() != b"bearer" or not (known or holder_of(given.strip().decode("latin-1"))):
        return 401, "the key is missing or wrong: Authorization: Bearer $(agentbox litellm key)"
    return None


def _name(host: bytes) -> str | None:
    try:
        return urlsplit(f"//{host.decode('ascii')}").hostname
    except ValueError:
        return None


async def _refuse(send: Send, status: int, message: str) -> None:
    body = json.dumps({"error": message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if status == 401:  # noqa: PLR2004 - HTTP's Unauthorized
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
