"""Picture after picture, and what each key does."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field

from agentbox_cli.cli.limit_words import forgotten
from agentbox_cli.cli.live.drawing import drawn
from agentbox_cli.cli.live.frame import Row, Size, frame, gone
from agentbox_cli.cli.live.screen import Screen
from agentbox_cli.cli.live.view import View
from agentbox_cli.daemon.limits import reset_limits
from agentbox_cli.daemon.live import Seen, Watch
from agentbox_cli.errors import AgentboxError


@dataclass(slots=True, kw_only=True)
class Following:
    """Shows what goes on until somebody has seen enough.

    Args:
        watch: tells what goes on.
        screen: where it is shown.
        seen: what went on at first.
        clock: gives the time of day.
    """

    watch: Watch
    screen: Screen
    seen: Seen
    clock: Callable[[], str]
    view: View = field(default_factory=View)

    def run(self, interval: float) -> None:
        """Draw, read keys for a while, look again."""
        while True:
            self.view.settle(self._links())
            self._draw()
            for key in self.screen.keys(interval):
                if key == "q":
                    return
                self._press(key)
                self._draw()
            self.seen = self.watch.look()

    def _links(self) -> list[Row]:
        return self.seen.document["links"] if self.seen.document else []

    def _draw(self) -> None:
        columns, lines = shutil.get_terminal_size()
        size = Size(width=columns, height=lines)
        document, instance = self.seen.document, self.seen.instance
        if document is None or instance is None:
            shown = gone(self.seen.state, self.view, size, clock=self.clock())
        else:
            shown = frame(document, self.view, size, url=instance.url, clock=self.clock())
        self.screen.show(drawn(shown))

    def _press(self, key: str) -> None:
        self.view.message = ""
        act = {"p": self._pause, "c": self._clear}.get(key)
        if key in {"up", "down"}:
            self.view.move(self._links(), 1 if key == "down" else -1)
        elif key == "s":
            self.view.sort_next()
        elif act is not None and self.view.selected:
            self._try(act)

    def _try(self, act: Callable[[], str]) -> None:
        try:
            self.view.message = act()
            self.seen = self.watch.look()
        except AgentboxError as error:
            self.view.message = error.message

    def _pause(self) -> str:
        name = self.view.selected
        row = next(row for row in self._links() if row["link"] == name)
        paused = row["state"] != "paused"
        self.watch.pause(name, paused=paused)
        return f"{name} is paused" if paused else f"{name} goes on"

    def _clear(self) -> str:
        told = reset_limits(self.watch.paths, self.view.selected, dry_run=False)
        return ", ".join(forgotten(told.document, "forgot"))
