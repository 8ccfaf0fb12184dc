"""Who serves: the token that `/health` tells, by a port or by a unix socket of this machine."""

import http.client
import json
import socket
from pathlib import Path

SECONDS = 3.0
_LIMIT = 64 * 1024


def at_port(port: int, host: str = "127.0.0.1") -> str | None:
    """The token of the proxy behind a port; None if no proxy of ours answers there."""
    return _told(http.client.HTTPConnection(host, port, timeout=SECONDS))


def at_socket(path: Path) -> str | None:
    """The token of the proxy behind a unix socket; None if none of ours answers there."""
    return _told(_UnixConnection(path))


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(str(self._path))


def _told(connection: http.client.HTTPConnection) -> str | None:
    try:
        connection.request("GET", "/health", headers={"Connection": "close"})
        answer = connection.getresponse()
        body = json.loads(answer.read(_LIMIT))
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()
    token = body.get("instance") if isinstance(body, dict) and answer.status == 200 else None  # noqa: PLR2004 - HTTP's OK
    return token if isinstance(token, str) else None
