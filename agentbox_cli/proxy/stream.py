"""A provider's stream while it passes by: what each event is, and what the stream has told."""

from collections.abc import Sequence

import msgspec

from agentbox_cli.providers.model import Protocol
from agentbox_cli.proxy.classify import CompiledPattern, classify_payload
from agentbox_cli.proxy.events import READERS, PieceKind, StreamState
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.finish import declined_failure
from agentbox_cli.proxy.sse import EventSplitter, data_of

__all__ = ["Piece", "PieceKind", "StreamReader", "StreamState"]


EVENT_STREAM = "text/event-stream"


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One event, as it came, and what it is."""

    raw: bytes
    kind: PieceKind


class StreamReader(StreamState):
    """Reads a stream of one protocol as its bytes arrive; it is itself what was learned.

    Args:
        protocol: chat (completions too), responses or messages.
        patterns: the provider's own, for errors inside the stream.

    Attributes:
        failure: how the stream failed, if it carried an error.
    """

    __slots__ = ("_patterns", "_protocol", "_read_event", "_splitter", "failure")

    def __init__(self, protocol: Protocol, patterns: Sequence[CompiledPattern] = ()) -> None:
        super().__init__()
        self.failure: Failure | None = None
        self._patterns = patterns
        self._protocol = protocol
        self._read_event = READERS[protocol]
        self._splitter = EventSplitter()

    @property
    def rest(self) -> bytes:
        """What came after the last complete event."""
        return self._splitter.rest

    def feed(self, chunk: bytes) -> list[Piece]:
        """Take the next bytes and return the events that they complete.

        Raises:
            EventTooLargeError: an event is larger than 16 MiB.
        """
        return [self._piece(event) for event in self._splitter.feed(chunk)]

    def finish(self) -> bool:
        """Tell at the end of the body whether the stream was complete.

        A last event without its blank line counts; its bytes stand in `rest`. It is not content,
        for it may be half of one.
        """
        if self.rest:
            self._kind(self.rest)
        self._note_declined()
        return self.complete

    def _piece(self, event: bytes) -> Piece:
        kind = self._kind(event)
        if kind is PieceKind.END and self._note_declined():
            kind = PieceKind.ERROR
        if kind is PieceKind.CONTENT or (kind is PieceKind.END and self.complete):
            self.content_seen = True
        return Piece(event, kind)

    def _note_declined(self) -> bool:
        """Note that the stream is over and has said nothing but a reason for that."""
        if self.declined is None or self.content_seen or not self.complete:
            return False
        if self.failure is None:
            self.failure = declined_failure(self.declined, self._protocol, None, EVENT_STREAM)
        return True

    def _kind(self, event: bytes) -> PieceKind:
        data = data_of(event) or self._bare(event)
        if not data:
            return PieceKind.HOLD
        if data == b"[DONE]":
            return PieceKind.END
        kind = self._read_event(self, event, data)
        if kind is PieceKind.ERROR and self.failure is None:
            self._note_failure(data)
        return kind

    def _bare(self, event: bytes) -> bytes:
        """The error that Google puts into its stream as mere JSON."""
        said = event.strip() if self._protocol is Protocol.GOOGLE_GENERATE else b""
        return said if said.startswith((b"{", b"[{")) else b""

    def _note_failure(self, data: bytes) -> None:
        # The data of a responses event, or an error that is a mere string, is no error body.
        passable = isinstance(self.error, dict) and isinstance(self.error.get("error"), dict)
        body = data if passable and self._protocol is not Protocol.OPENAI_RESPONSES else None
        self.failure = classify_payload(self.error, body, self._patterns, self._protocol)
