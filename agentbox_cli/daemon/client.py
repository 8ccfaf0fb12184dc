"""Ask the running proxy, over plain HTTP on this machine."""

import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentbox_cli.daemon.instance import Instance
from agentbox_cli.errors import UsageError

if TYPE_CHECKING:
    from http.client import HTTPConnection

HEALTH = "/health"
STATUS = "/agentbox/status"

TIMEOUT_SECONDS = 2.0
BODY_LIMIT = 16 * 1024 * 1024

# A caller's own token, or the key of a proxy whose files it cannot read.
KEY_VARIABLE = "AGENTBOX_KEY"

_KEY_LIMIT = 4096
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - translated, never bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer with a JSON object in it."""

    status: int
    body: dict[str, Any]


def is_serving(instance: Instance, *, timeout: float = TIMEOUT_SECONDS) -> bool:
    """Say whether the port answers, and as this very run of the proxy."""
    answer = get(instance, HEALTH, timeout=timeout)
    if answer is None:
        return False
    named = answer.body.get("instance")
    return isinstance(named, str) and hmac.compare_digest(named.encode(), instance.token.encode())


def fetch_status(
    instance: Instance, *, key_file: Path | None = None, timeout: float = TIMEOUT_SECONDS
) -> dict[str, Any] | None:
    """The proxy's own status, None when it does not answer as this run of the proxy.

    The install's key goes along, and only after `/health` has shown that our proxy listens.
    """
    if not is_serving(instance, timeout=timeout):
        return None
    answer = get(instance, STATUS, key_file=key_file, timeout=timeout)
    return answer.body if answer is not None and answer.status == 200 else None  # noqa: PLR2004 - HTTP


def get(
    instance: Instance,
    path: str,
    *,
    key_file: Path | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> Answer | None:
    """GET a JSON object from the proxy; None when no such answer comes in time.

    The key goes along when its file is readable: ask `is_serving` before. No proxy of the
    environment is used and no redirect is followed.
    """
    return _exchange(instance, ("GET", path, None), key_file, timeout)


def post(
    instance: Instance,
    path: str,
    document: Mapping[str, Any],
    *,
    key_file: Path,
    timeout: float = TIMEOUT_SECONDS,
) -> Answer | None:
    """POST a JSON object to the proxy, as `get` does."""
    return _exchange(instance, ("POST", path, json.dumps(document)), key_file, timeout)


def _exchange(
    instance: Instance,
    request: tuple[str, str, str | None],
    key_file: Path | None,
    timeout: float,
) -> Answer | None:
    import http.client  # noqa: PLC0415 - 40 ms that a stopped proxy need not cost

    connection = connect(instance, timeout=timeout)
    headers = {"Accept": "application/json", "Connection": "close"}
    key = read_key(key_file) if key_file is not None else None
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    method, path, body = request
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return _answer(response.status, response.read(BODY_LIMIT + 1))
    except (OSError, http.client.HTTPException, ValueError, OverflowError, RecursionError):
        return None
    finally:
        connection.close()


def connect(instance: Instance, *, timeout: float) -> "HTTPConnection":
    """A connection to the proxy, over loopback even when it listens everywhere."""
    import http.client  # noqa: PLC0415 - 40 ms that a stopped proxy need not cost

    host = _ANYWHERE.get(instance.host, instance.host)
    return http.client.HTTPConnection(host, instance.port, timeout=timeout)


def token_named(environ: Mapping[str, str]) -> str | None:
    """The token that the environment says to show; None if it names none.

    Raises:
        UsageError: what it names cannot be one.
    """
    said = environ.get(KEY_VARIABLE, "").strip()
    if not (said.isascii() and said.isprintable()) or " " in said:
        raise UsageError(
            f"{KEY_VARIABLE} is no key or token", hint="agentbox litellm key add --help"
        )
    return said or None


def key_to_show(path: Path, environ: Mapping[str, str]) -> str | None:
    """What a call of the user's is made with: the token of the environment, else the key.

    Raises:
        UsageError: the environment names a token that cannot be one.
    """
    return token_named(environ) or read_key(path)


def read_key(path: Path) -> str | None:
    """The install's key, None when there is none or we may not read it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        text = os.read(fd, _KEY_LIMIT).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    finally:
        os.close(fd)
    return text if text and text.isprintable() else None


def _answer(status: int, body: bytes) -> Answer | None:
    if len(body) > BODY_LIMIT:
        return None
    data = json.loads(body)
    return Answer(status=status, body=data) if isinstance(data, dict) else None
