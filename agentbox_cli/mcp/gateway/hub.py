"""All servers behind the gateway, kept as config.yml has them: it is read anew when it changes."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from agentbox_cli.errors import AgentboxError
from agentbox_cli.mcp.gateway.pins import pins_file
from agentbox_cli.mcp.gateway.settings import Server, read_servers
from agentbox_cli.mcp.gateway.upstream import Upstream

# A list waits so long for servers that have just been started, and not at all for others.
PATIENCE_SECONDS = 5.0
_LOOK_SECONDS = 0.5

_log = logging.getLogger(__name__)

# Told the server, and the kind of list that is not as it was, or the URI of a resource.
Changed = Callable[[str, str], None]


class Hub:
    """The servers of a config.yml.

    Args:
        config_file: the config.yml.
        on_changed: told which list of which server is not as it was.
        on_updated: told which resource of which server has changed that somebody watches.
    """

    def __init__(
        self, config_file: Path, on_changed: Changed, on_updated: Changed = lambda *_: None
    ) -> None:
        self.config_file = config_file
        self.upstreams: dict[str, Upstream] = {}
        self.problem: str | None = None
        self._pins = pins_file(config_file)
        self._on_changed = on_changed
        self._on_updated = on_updated
        self._stamps: tuple[object, ...] = ()
        self._begun: dict[str, float] = {}
        self._stopping: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Keep the servers as the config has them, until cancelled."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            await self._stop(self.upstreams.values())

    async def look(self) -> None:
        """Read the config anew if it is not the one that is known, and the pins likewise."""
        stamps = tuple(
            _stamp(file)
            for file in (self.config_file, self.config_file.parent / ".env", self._pins)
        )
        if stamps == self._stamps:
            return
        config_is_new = stamps[:2] != self._stamps[:2]
        self._stamps = stamps
        if config_is_new:
            await self._read()
        for upstream in self.upstreams.values():
            upstream.judge()

    async def gathered(self, names: Iterable[str]) -> list[Upstream]:
        """Servers by name, once it is known how they are, or after a few seconds anyhow."""
        found = [self.upstreams[name] for name in names if name in self.upstreams]
        now = time.monotonic()
        await asyncio.gather(
            *(
                each.wait_settled(max(self._begun[each.server.name] + PATIENCE_SECONDS - now, 0))
                for each in found
            )
        )
        return found

    async def _read(self) -> None:
        try:
            wanted = await asyncio.to_thread(read_servers, self.config_file, dict(os.environ))
        except AgentboxError as error:
            self.problem = error.message
            _log.error(
                "config.yml cannot be used, so the servers stay as they are: %s", error.message
            )
            return
        self.problem = None
        await self._become(wanted)

    async def _become(self, wanted: Mapping[str, Server]) -> None:
        gone = [
            name
            for name, upstream in self.upstreams.items()
            if wanted.get(name) != upstream.server
        ]
        left = {name: self.upstreams.pop(name) for name in gone}
        for name, server in wanted.items():
            if name not in self.upstreams:
                self._begin(name, server)
                if name in left:
                    self.upstreams[name].watched.follow(left[name].watched)
        # As in the config, which is the order of lists.
        self.upstreams = {name: self.upstreams[name] for name in wanted}
        for name in gone:
            for kind in ("tools", "resources", "prompts"):
                self._on_changed(name, kind)
        if left:
            task = asyncio.create_task(self._stop(left.values()))
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)

    def _begin(self, name: str, server: Server) -> None:
        upstream = Upstream(
            server,
            self._pins,
            lambda kind: self._on_changed(name, kind),
            lambda uri: self._on_updated(name, uri),
        )
        self.upstreams[name] = upstream
        self._begun[name] = time.monotonic()
        upstream.start()

    async def _stop(self, upstreams: Iterable[Upstream]) -> None:
        await asyncio.gather(*(upstream.stop() for upstream in upstreams))


def _stamp(file: Path) -> object:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
