"""What clients may read without a tool: the aliases, the proxy's state, today's usage."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from agentbox_cli.mcp.calls.home import Home
from agentbox_cli.mcp.server import documents
from agentbox_cli.usage.by import By


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources; each is a method.

    Args:
        home: whose proxy is told of.
    """

    home: Home

    async def models(self) -> str:
        """The aliases and their fallback chains, as JSON."""
        return _text(await asyncio.to_thread(documents.models, self.home))

    async def status(self) -> str:
        """How the proxy and each link are, as JSON."""
        return _text(await asyncio.to_thread(documents.status, self.home))

    async def usage_today(self) -> str:
        """What was used today and what it cost, as JSON."""
        return _text(await asyncio.to_thread(documents.usage, self.home, "today", By.ALIAS))


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2)
