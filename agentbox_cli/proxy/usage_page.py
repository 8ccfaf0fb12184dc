"""What was used and what it cost, for `/agentbox/usage`; the store is read in a thread."""

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from agentbox_cli.errors import AgentboxError, UsageError
from agentbox_cli.paths import Paths
from agentbox_cli.providers.resolved import Resolved
from agentbox_cli.proxy.endpoints import CHAT
from agentbox_cli.proxy.reply import refusal
from agentbox_cli.usage.by import By
from agentbox_cli.usage.when import moment

PATH = "/agentbox/usage"
SINCE = "30d"
# How old what is told of today may be, and how long those wait who ask before it was ever told;
# commands give the whole answer 2 s.
FRESH_SECONDS = 5.0
PATIENCE = 1.0


@dataclass(slots=True, kw_only=True)
class UsagePage:
    """Answers what was asked about usage, one question at a time.

    Args:
        resolved: whose usage.
        paths: where the store is if the config names none.
    """

    resolved: Resolved
    paths: Paths
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _today: dict[str, Any] | None = None
    _told_at: float = -math.inf
    _asking: asyncio.Task[None] | None = None

    async def shown(self, http: web.BaseRequest) -> web.StreamResponse:
        """What was used; `?since=7d&by=model`."""
        try:
            since = moment(http.query.get("since", SINCE))
            by = _by(http.query.get("by", By.ALIAS))
        except UsageError as error:
            return refusal(CHAT, 400, error.message, code="bad_query")
        try:
            return web.json_response(await self._read(since, by))
        except AgentboxError as error:
            return refusal(CHAT, 503, error.message, code="usage_store")

    async def today(self) -> dict[str, Any] | None:
        """What was used today, as it was known a few seconds ago; None if it cannot be read."""
        asking = self._asking
        if asking is None and time.monotonic() - self._told_at >= FRESH_SECONDS:
            asking = self._asking = asyncio.create_task(self._learn_today())
        if asking is not None and math.isinf(self._told_at):
            await asyncio.wait([asking], timeout=PATIENCE)
        return self._today

    async def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _learn_today(self) -> None:
        try:
            told = await self._read(moment("today"), By.ALIAS)
            self._today = told["total"]
        except AgentboxError:
            self._today = None  # what was known is of no use while nobody knows what is new
        finally:
            self._told_at, self._asking = time.monotonic(), None

    async def _read(self, since: float | None, by: By) -> dict[str, Any]:
        async with self._turn:
            return await asyncio.to_thread(self._read_now, since, by)

    def _read_now(self, since: float | None, by: By) -> dict[str, Any]:
        # SQLAlchemy is imported when somebody looks, and in this thread.
        from agentbox_cli.usage.asking import usage_document  # noqa: PLC0415

        return usage_document(self.resolved, self.paths, since, by)


def _by(said: str) -> By:
    try:
        return By(said)
    except ValueError:
        raise UsageError(f"by is one of {', '.join(By)}") from None
