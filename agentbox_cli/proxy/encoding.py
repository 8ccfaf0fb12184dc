"""Reading compressed answers beside the path: the client gets the bytes as they came."""

import zlib
from collections.abc import Callable

# Both container formats by their own headers: gzip (RFC 1952) and zlib (RFC 1950).
_AUTO = zlib.MAX_WBITS | 32
_KNOWN = frozenset({"gzip", "x-gzip", "deflate"})
LARGEST = 256 * 1024 * 1024


class UndecodableError(ValueError):
    """A stream's encoding cannot be read."""


def decoded(body: bytes, encoding: str | None) -> bytes | None:
    """The body in clear; None if its encoding cannot be read here (br, zstd) or it is broken."""
    name = _name(encoding)
    if name is None:
        return body
    if name not in _KNOWN:
        return None
    decoder = zlib.decompressobj(_AUTO)
    try:
        return decoder.decompress(body, LARGEST)
    except zlib.error:
        return None


def stream_decoder(encoding: str | None) -> Callable[[bytes], bytes]:
    """A decoder for a stream, which may come encoded though it was asked for in clear.

    The decoder raises UndecodableError.
    """
    name = _name(encoding)
    if name is None:
        return bytes
    inner = zlib.decompressobj(_AUTO) if name in _KNOWN else None

    def decode(chunk: bytes) -> bytes:
        if inner is None:
            raise UndecodableError(f"the stream is encoded as {name}, which cannot be read")
        try:
            return inner.decompress(chunk)
        except zlib.error:
            raise UndecodableError(f"the stream is no proper {name}") from None

    return decode


def _name(encoding: str | None) -> str | None:
    name = (encoding or "").strip().lower()
    return None if name in {"", "identity"} else name
