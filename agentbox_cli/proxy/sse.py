"""Server-sent events as raw bytes: cut into events, never changed.

An event here is everything up to and including its blank line, so the events of a stream and what
is left over, joined, are the stream. Line ends are LF, CRLF or CR (WHATWG HTML, 9.2.5).
"""

import re

LARGEST_EVENT = 16 * 1024 * 1024


class EventTooLargeError(ValueError):
    """An event does not end within the limit."""


class EventSplitter:
    """Cuts a stream into events as its bytes arrive.

    Args:
        largest: bytes that one event may have.
    """

    __slots__ = ("_buffer", "_has_cr", "_largest", "_searched")

    def __init__(self, largest: int = LARGEST_EVENT) -> None:
        self._buffer = bytearray()
        self._has_cr = False
        self._largest = largest
        self._searched = 0

    @property
    def rest(self) -> bytes:
        """What came after the last complete event."""
        return bytes(self._buffer)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes and return the events that they complete.

        Raises:
            EventTooLargeError: an event is larger than the limit.
        """
        might_be_too_large = len(self._buffer) + len(chunk) > self._largest
        self._has_cr = self._has_cr or b"\r" in chunk
        events = self._cut(chunk) if self._has_cr or self._buffer else self._cut_whole(chunk)
        if might_be_too_large and max(map(len, (*events, self._buffer))) > self._largest:
            raise EventTooLargeError(f"a stream event is larger than {self._largest} bytes")
        return events

    def _cut_whole(self, chunk: bytes) -> list[bytes]:
        # Nearly every chunk starts with an event and knows no CR; this way is the fast one.
        *events, rest = chunk.split(b"\n\n")
        self._buffer += rest
        self._searched = 0
        return [event + b"\n\n" for event in events]

    def _cut(self, chunk: bytes) -> list[bytes]:
        buffer = self._buffer
        buffer += chunk
        events, start, end = [], 0, self._end_of_event(self._searched)
        while end:
            events.append(bytes(buffer[start:end]))
            start, end = end, self._end_of_event(end)
        del buffer[:start]
        # A blank line may have begun: look at its bytes again, but at nothing before them.
        self._searched = max(0, len(buffer) - _LONGEST_BLANK_LINE + 1)
        return events

    def _end_of_event(self, start: int) -> int:
        """Find where the next event ends, or 0."""
        if not self._has_cr:
            at = self._buffer.find(b"\n\n", start)
            return 0 if at < 0 else at + 2
        found = _BLANK_LINE.search(self._buffer, start)
        return found.end() if found else 0


_LONGEST_BLANK_LINE = 4

# A CR before an LF is half a line end. A CR that ends the buffer may be half of one, so the event
# that it would complete waits for the next byte.
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\Z))")


def data_of(event: bytes) -> bytes:
    """Join an event's data lines; empty for a comment."""
    # One line of data, after the name if there is one, is the usual case and has a short way.
    start = event.find(b"\n") + 1 if event.startswith(b"event:") else 0
    is_usual = event.startswith(b"data: ", start) and event.find(b"\n", start) == len(event) - 2
    if is_usual and b"\r" not in event:
        return event[start + 6 : -2]
    return b"\n".join(_values(event, b"data"))


def event_name(event: bytes) -> str:
    """Return the name that an event gives itself, or an empty string."""
    names = _values(event, b"event")
    return names[-1].decode("utf-8", "replace") if names else ""


def _values(event: bytes, field: bytes) -> list[bytes]:
    lines = (line.partition(b":") for line in event.removeprefix(_BOM).splitlines())
    return [value.removeprefix(b" ") for name, _, value in lines if name == field]


_BOM = b"\xef\xbb\xbf"
