"""aiohttp's server as the proxy's listeners use it."""

import logging
from typing import Any, Protocol

from aiohttp import web
from aiohttp.http import HttpProcessingError


class Notes(Protocol):
    """Takes notes of connections, each by its protocol handler."""

    def made(self, handler: Any, transport: Any) -> None:
        """One was accepted."""

    def lost(self, handler: Any) -> None:
        """One has ended."""


class Server(web.Server):
    """aiohttp's server, which has each connection noted when it is accepted.

    Args:
        answer: answers any request.
        notes: take the notes.
    """

    def __init__(self, answer: Any, *notes: Notes) -> None:
        # A client that goes away must end its upstream call, so its handler is cancelled.
        super().__init__(answer, handler_cancellation=True, access_log=None, logger=_log())
        self._notes = notes

    def connection_made(self, handler: Any, transport: Any) -> None:
        """Note who called."""
        super().connection_made(handler, transport)
        for each in self._notes:
            each.made(handler, transport)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        """Forget who called."""
        for each in self._notes:
            each.lost(handler)
        super().connection_lost(handler, exc)


def _log() -> logging.Logger:
    """A log without the faults of callers.

    aiohttp would leave a traceback for each malformed request, and quote it, keys in its headers
    too: anybody on this machine could fill the disk (tried).
    """
    log = logging.getLogger("agentbox_cli.proxy.http")
    log.addFilter(_is_ours)
    return log


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether a record tells of something that we could mend."""
    error = record.exc_info[1] if record.exc_info else None
    # A connection that ends is the caller's doing, or how we cut an answer that a provider cut.
    theirs = HttpProcessingError | web.RequestPayloadError | ConnectionError
    return not isinstance(error, theirs)
