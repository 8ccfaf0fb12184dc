"""Who serves: the token that `/health` tells, by a port or by a unix socket of this machine."""

import http.client
import json
import socket
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any

SECONDS = 3.0
NOTHING: Mapping[str, str] = MappingProxyType({})
_LIMIT = 16 * 1024 * 1024


def at_port(port: int) -> str | None:
    """The token of the proxy behind a port; None if no proxy of ours answers there."""
    return _token(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS))


def at_socket(path: Path) -> str | None:
    """The token of the proxy behind a unix socket; None if none of ours answers there."""
    return _token(_UnixConnection(path))


def status_at_port(port: int, key: str | None = None) -> dict[str, Any] | None:
    """The status of the proxy behind a port; None if none of ours answers, or not to us.

    Args:
        port: of 127.0.0.1.
        key: what to show it, once it has said that it is ours; None for nothing.
    """
    return page_at_port(port, "/agentbox/status", key)


def page_at_port(
    port: int, path: str, key: str | None = None, seconds: float = SECONDS
) -> dict[str, Any] | None:
    """A page of the proxy behind a port; None if none of ours answers, or not to us.

    Args:
        port: of 127.0.0.1.
        path: of the page, with its query.
        key: what to show it, once it has said that it is ours; None for nothing.
        seconds: how long each step of it may take.
    """
    if at_port(port) is None:
        return None
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    return _told(asked, path, {"Authorization": f"Bearer {key}"} if key else {})


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(str(self._path))


def _token(connection: http.client.HTTPConnection) -> str | None:
    body = _told(connection, "/health")
    token = body.get("instance") if body else None
    return token if isinstance(token, str) else None


def _told(
    connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str] = NOTHING
) -> dict[str, Any] | None:
    try:
        connection.request("GET", path, headers={"Connection": "close", **headers})
        answer = connection.getresponse()
        body = json.loads(answer.read(_LIMIT))
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()
    return body if isinstance(body, dict) and answer.status == HTTPStatus.OK else None
