"""Reading compressed answers beside the path: the client gets the bytes as they came."""

import zlib
from collections.abc import Callable

# Both container formats by their own headers: gzip (RFC 1952) and zlib (RFC 1950).
_AUTO = zlib.MAX_WBITS | 32
_KNOWN = frozenset({"gzip", "x-gzip", "deflate"})
LARGEST = 256 * 1024 * 1024


class UndecodableError(ValueError):
    """A stream's encoding cannot be read."""


def is_readable(encoding: str) -> bool:
    """Whether an encoding's name is one that can be read here; the name of none is too."""
    name = _name(encoding)
    return name is None or name in _KNOWN


def decoded(body: bytes, encoding: str | None) -> bytes | None:
    """The body in clear; None if its encoding cannot be read here (br, zstd) or it is broken."""
    name = _name(encoding)
    if name is None or not body:
        return body
    if name not in _KNOWN:
        return None
    inflater = _Inflater()
    try:
        clear = inflater.feed(body, LARGEST)
    except zlib.error:
        return None
    return clear if inflater.ended else None


def stream_decoder(encoding: str | None) -> Callable[[bytes], bytes]:
    """A decoder for a stream, which may come encoded though it was asked for in clear.

    The decoder raises UndecodableError.
    """
    name = _name(encoding)
    if name is None:
        return bytes
    inflater = _Inflater() if name in _KNOWN else None

    def decode(chunk: bytes) -> bytes:
        if inflater is None:
            raise UndecodableError(f"the stream is encoded as {name}, which cannot be read")
        try:
            return inflater.feed(chunk, LARGEST)
        except zlib.error:
            raise UndecodableError(f"the stream is no proper {name}") from None

    return decode


class _Inflater:
    """Decodes one member after the other (RFC 1952, section 2.2)."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(_AUTO)

    @property
    def ended(self) -> bool:
        """Whether nothing is missing."""
        return self._inner.eof

    def feed(self, data: bytes, limit: int) -> bytes:
        """Decode, up to `limit` bytes; raises zlib.error."""
        parts = []
        while data and limit > 0:
            if self._inner.eof:
                self._inner = zlib.decompressobj(_AUTO)
            parts.append(self._inner.decompress(data, limit))
            limit -= len(parts[-1])
            data = self._inner.unused_data
        return b"".join(parts)


def _name(encoding: str | None) -> str | None:
    name = (encoding or "").strip().lower()
    return None if name in {"", "identity"} else name
