"""The running proxy as an HTTP server that answers prompts."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from agentbox_cli.daemon.client import KEY_VARIABLE, key_to_show
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.daemon.probe import probe
from agentbox_cli.daemon.states import SERVES
from agentbox_cli.errors import AgentboxError, ConfigError, ProviderError, ProxyError
from agentbox_cli.mcp.calls.elsewhere import Elsewhere
from agentbox_cli.mcp.calls.home import Home
from agentbox_cli.proxy.callers import PROJECT, PROJECT_VARIABLE, project_name

AGENT = "agentbox-mcp"
# The client token of whoever is called for; None for the user's own calls.
SHOWN: ContextVar[str | None] = ContextVar("shown", default=None)
CONNECT_SECONDS = 5.0
# The proxy bounds every call by itself, and keeps a waiting stream alive every few seconds.
SILENT_SECONDS = 660.0

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - translated, never bound
_NOT_FOUND, _UNAUTHORISED = 404, 401


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A proxy that serves.

    Args:
        url: its address as this machine calls it.
        config_file: the config.yml that it was started with; None if it is not this user's.
        elsewhere: what is known of it if it is not this user's.
    """

    url: str
    config_file: Path | None
    elsewhere: Elsewhere | None = None


class Proxy:
    """Finds the proxy, starts it where that is wanted, and calls it.

    Leaving a call in whatever way closes its connection, and the proxy hangs up on the provider.

    Args:
        home: whose proxy.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self._turn = asyncio.Lock()
        self._http = httpx2.AsyncClient(
            # Only plain HTTP on this machine is spoken; the real one would load all authorities.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=False,
            timeout=httpx2.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(max_connections=None),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def found(self) -> Found:
        """The proxy that serves, started if it does not run.

        Raises:
            ProxyError: it does not run and must not, or cannot, be started.
            ConfigError: there is no config to start it with, or none that can be used.
        """
        async with self._turn:
            return await asyncio.to_thread(self._find)

    @asynccontextmanager
    async def post(self, path: str, document: Mapping[str, Any]) -> AsyncIterator[httpx2.Response]:
        """POST a JSON object; the answer may be read as it comes.

        Raises:
            ProxyError: the proxy cannot be reached, or went away.
            ConfigError: it knows no such model.
            ProviderError: no link answered.
        """
        found = await self.found()
        try:
            async with self._http.stream(
                "POST", f"{found.url}{path}", json=document, headers=self._headers(found)
            ) as response:
                if response.status_code != httpx2.codes.OK:
                    raise _refused(response, await response.aread(), found)
                yield response
        except httpx2.HTTPError as error:
            raise ProxyError(
                f"the proxy on {found.url} went away: {type(error).__name__}",
                hint="where it runs: agentbox litellm logs"
                if found.elsewhere
                else "agentbox litellm logs",
            ) from error

    async def get(self, path: str) -> dict[str, Any] | None:
        """GET a JSON object of the running proxy; None if it does not tell."""
        found = await self.found()
        try:
            response = await self._http.get(f"{found.url}{path}", headers=self._headers(found))
            told = response.json()
        except (httpx2.HTTPError, ValueError):
            return None
        return told if response.is_success and isinstance(told, dict) else None

    def _find(self) -> Found:
        home = self.home
        seen = probe(home.paths)
        if seen.state in SERVES and seen.instance is not None and seen.status is not None:
            return _own(seen.instance)
        if (other := home.elsewhere()) is not None:
            return Found(url=other.url, config_file=None, elsewhere=other)
        if not home.starts:
            raise ProxyError(
                f"the proxy is {seen.state}, and this server was told not to start it",
                hint="run: agentbox litellm start",
            )
        from agentbox_cli.daemon.startup import ensure_running  # noqa: PLC0415 - to start only

        started = ensure_running(home.paths, home.config_file(), home.environ, home.working_dir)
        return _own(started.instance)

    def _headers(self, found: Found) -> httpx2.Headers:
        headers = httpx2.Headers({"user-agent": AGENT}, encoding="utf-8")
        if key := self._key(found):
            headers["authorization"] = f"Bearer {key}"
        if name := project_name(self.home.environ.get(PROJECT_VARIABLE, "")):
            headers[PROJECT] = name
        return headers

    def _key(self, found: Found) -> str | None:
        """What is shown; keys and tokens of this user's files are nobody else's business."""
        if found.elsewhere is not None:
            return found.elsewhere.token
        return SHOWN.get() or key_to_show(self.home.paths.key_file, self.home.environ)


def _own(instance: Instance) -> Found:
    host = _ANYWHERE.get(instance.host, instance.host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{instance.port}"
    return Found(url=url, config_file=instance.config_file)


def _refused(response: httpx2.Response, body: bytes, found: Found) -> AgentboxError:
    status, message = response.status_code, _message(response, body)
    walked = "x-agentbox-alias" in response.headers
    if status == _NOT_FOUND and not walked:
        return ConfigError(message, hint="list_models tells the aliases")
    if status == _UNAUTHORISED and not walked:
        hint = "run: agentbox litellm key --rotate"
        if found.elsewhere is not None:
            hint = f"set {KEY_VARIABLE} to what its owner gets from: agentbox litellm key add NAME"
        return ProxyError(message, hint=hint)
    if wait := response.headers.get("retry-after"):
        message += f" (try again in {wait} s)"
    return ProviderError(message, hint="status tells how each link is")


def _message(response: httpx2.Response, body: bytes) -> str:
    """What is told; a provider's error that is no JSON with what the chain did."""
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        tried = response.headers.get("x-agentbox-attempts") or "the proxy"
        said = " ".join(body[:300].decode(errors="replace").split())
        return f"{tried} answered {response.status_code}: {said or 'nothing'}"
