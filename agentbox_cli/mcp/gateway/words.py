"""What a server's program writes beside its messages, and how it ended."""

import logging
import time
from collections import deque

from agentbox_cli.config.redaction import redact
from agentbox_cli.mcp.gateway.settings import Server

# What a server writes to its stderr goes to our log, but no more than this in a minute.
_LINES_A_MINUTE = 100
_LINES_KEPT = 20
_LONGEST = 500

_log = logging.getLogger(__name__)


class Words:
    """The last lines of a server, without its secrets, and its status at its end.

    Args:
        server: whose.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._ended: int | None = None
        self._heard = 0
        self._minute = 0.0

    def begin(self) -> None:
        """It is started: how it ended before does not matter any more."""
        self._ended = None

    def hear(self, line: str) -> None:
        """Take a line of its stderr."""
        said = self._safe(line)
        self._lines.append(said)
        if self._may_tell():
            _log.info("[%s] %s", self._server.name, said)

    def hear_noise(self, line: str) -> None:
        """Take a line of its stdout that is no message."""
        if self._may_tell():
            _log.info("[%s] on stdout, no message: %s", self._server.name, self._safe(line))

    def end(self, status: int | None) -> None:
        """Take its status."""
        self._ended = status

    def end_reason(self) -> str | None:
        """How its process ended; None if it did not, or is none of ours."""
        if self._ended is None:
            return None
        said = f": {self._lines[-1]}" if self._lines else ""
        if self._ended < 0:
            return f"it was killed by signal {-self._ended}{said}"
        return f"it ended with status {self._ended}{said}"

    def _safe(self, line: str) -> str:
        return redact(line[:_LONGEST], self._server.secrets())

    def _may_tell(self) -> bool:
        now = time.monotonic()
        if now - self._minute > 60:  # noqa: PLR2004 - a minute
            self._minute, self._heard = now, 0
        self._heard += 1
        if self._heard == _LINES_A_MINUTE:
            _log.info("[%s] says more than is told", self._server.name)
        return self._heard < _LINES_A_MINUTE
