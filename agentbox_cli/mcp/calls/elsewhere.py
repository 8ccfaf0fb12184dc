"""A proxy whose files are not this user's: another user's in a container, or its host's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from agentbox_cli.deploy.health import page_at_port
from agentbox_cli.errors import ProxyError

# A first look into a store imports much; commands would rather wait than know nothing.
PAGE_SECONDS = 30.0
_CHAT = ("chat", "messages", "responses")


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A proxy that answers on this machine, and all that is known of it: what it tells.

    Args:
        port: of 127.0.0.1.
        token: what it is shown; None for nothing.
        status: what its `/agentbox/status` told.
    """

    port: int
    token: str | None = field(repr=False)
    status: Mapping[str, Any]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def page(self, path: str, **query: str) -> dict[str, Any]:
        """What one of its pages tells.

        Raises:
            ProxyError: it does not tell.
        """
        told = page_at_port(self.port, f"{path}?{urlencode(query)}", self.token, PAGE_SECONDS)
        if told is None:
            raise ProxyError(
                f"the proxy behind 127.0.0.1:{self.port} does not tell {path}",
                hint="ask again, or where it runs: agentbox litellm logs",
            )
        return told

    def aliases(self) -> list[Mapping[str, Any]]:
        """Its aliases with their links, the first link tried first."""
        return list(self.status.get("aliases", []))

    def chats(self) -> Iterator[Mapping[str, Any]]:
        """Its aliases that chat."""
        return (row for row in self.aliases() if _serves(row, *_CHAT))

    def embeds(self) -> Iterator[str]:
        """The names of its aliases of embedding models."""
        for row in self.aliases():
            if _serves(row, "embeddings") and not _serves(row, *_CHAT):
                yield row["alias"]


def _serves(row: Mapping[str, Any], *endpoints: str) -> bool:
    lanes = [link["lanes"] for link in row["links"]]
    return any(each.get(name, "none") != "none" for each in lanes for name in endpoints)
