"""The resources of a server that clients watch: one subscription each, however many watch."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


class Watched:
    """Who watches what is counted, so that the server is asked for the first and the last only.

    Args:
        ask: sends a request to the server.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._watchers: Counter[str] = Counter()

    async def begin(self, uri: str) -> None:
        """One more watches a resource.

        Raises:
            Exception: the server refuses, or cannot be asked; then nobody more watches it.
        """
        self._watchers[uri] += 1
        if self._watchers[uri] == 1:
            try:
                await self._ask("resources/subscribe", {"uri": uri})
            except BaseException:
                self._less(uri)
                raise

    async def end(self, uri: str) -> None:
        """One fewer watches it; raises as `begin` does."""
        if uri in self._watchers and self._less(uri):
            await self._ask("resources/unsubscribe", {"uri": uri})

    def follow(self, other: "Watched") -> None:
        """Go on with what was watched of a server that another takes the place of."""
        self._watchers.update(other.counted())

    def counted(self) -> Mapping[str, int]:
        """How many watch each resource."""
        return self._watchers

    def uris(self) -> list[str]:
        """What is watched: a server that was started again has to be told."""
        return list(self._watchers)

    def _less(self, uri: str) -> bool:
        self._watchers[uri] -= 1
        if self._watchers[uri] > 0:
            return False
        del self._watchers[uri]
        return True
