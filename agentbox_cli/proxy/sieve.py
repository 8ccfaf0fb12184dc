"""What a client may see of a stream: whole events, up to a bad end."""

from dataclasses import dataclass

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.sse import EventTooLargeError
from agentbox_cli.proxy.stream import Piece, PieceKind, StreamReader
from agentbox_cli.proxy.upstream import AttemptFailed

_RELEASES = frozenset({PieceKind.CONTENT, PieceKind.END})


@dataclass(slots=True, kw_only=True)
class Sieve:
    """Lets pass what a client may see of a stream.

    Args:
        reader: says what each event is.
        hide_usage: whether token counts are kept back.
        content_seen: content was among what passed.
        ended: nothing may follow: the marker was seen, or a bad end.
    """

    reader: StreamReader
    hide_usage: bool = False
    content_seen: bool = False
    ended: bool = False

    def take(self, chunk: bytes) -> bytes:
        """Give the events that `chunk` completes, up to a bad end; raises AttemptFailed."""
        passed = []
        for piece in self._events(chunk):
            if _is_bad_end(self.reader, piece):
                self.ended = True
                break
            if piece.kind is PieceKind.USAGE and self.hide_usage:
                continue
            passed.append(piece.raw)
            self.ended = self.ended or piece.kind is PieceKind.END
            self.content_seen = self.content_seen or piece.kind in _RELEASES
        return b"".join(passed)

    def _events(self, chunk: bytes) -> list[Piece]:
        try:
            return self.reader.feed(chunk)
        except EventTooLargeError as error:
            failure = Failure(kind=ErrorKind.SERVER, status=None, message=str(error))
            raise AttemptFailed(failure) from None


def _is_bad_end(reader: StreamReader, piece: Piece) -> bool:
    """Whether a piece must not be passed on: an error, or an end without the protocol's marker."""
    return piece.kind is PieceKind.ERROR or (piece.kind is PieceKind.END and not reader.complete)
