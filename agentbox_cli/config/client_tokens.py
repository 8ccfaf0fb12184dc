"""The tokens of named callers, and the file that keeps them.

Only hashes are kept. A token is 256 random bits, so nobody finds it by trying: a slow hash, which
is for passwords that people choose, would protect nothing and cost each request its time.
"""

import hashlib
import stat
from collections.abc import Iterable
from pathlib import Path

import msgspec

from agentbox_cli.config.own_file import read_own
from agentbox_cli.config.shapes import NAME
from agentbox_cli.errors import ProxyError

# What a token begins with: scanners of secrets know it by that, and so do we in every text.
PREFIX = "agentbox-client-"
# As long as names of callers are kept in usage.
LONGEST_NAME = 60
# More would cost the requests that show one too much time.
MOST = 1_000
SCHEMA = "agentbox.client-tokens/1"

_LIMIT = 1024 * 1024
_HASH_BYTES = 32
_OTHERS = 0o077


class ClientToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token of a caller.

    Args:
        name: whose it is.
        sha256: of the token, 64 hexadecimal digits.
        created_at: when it was made, in seconds since the epoch.
    """

    name: str
    sha256: str
    created_at: float


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file holds."""

    schema: str
    tokens: tuple[ClientToken, ...]


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    # A header may hold lone surrogates, which no other handler encodes without an error.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def is_name(name: str) -> bool:
    """Whether a caller can be called so; a token that was put in its place is no name."""
    fits = NAME.fullmatch(name) is not None and len(name) <= LONGEST_NAME
    return fits and not name.startswith(PREFIX)


def to_bytes(tokens: Iterable[ClientToken]) -> bytes:
    """Tokens as the file holds them."""
    document = _Document(schema=SCHEMA, tokens=tuple(tokens))
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def read_tokens(file: Path) -> tuple[ClientToken, ...]:
    """The tokens of a file, none if there is no file.

    Raises:
        ProxyError: it cannot be read, is open to others or not ours, or holds something else.
    """
    try:
        _refuse_open(file)
        data = read_own(file, limit=_LIMIT)
    except FileNotFoundError:
        return ()
    except OSError as error:
        said = error.strerror or error
        raise ProxyError(
            f"{file}: the client tokens cannot be read: {said}", hint="check who owns the file"
        ) from error
    except ValueError as error:
        raise ProxyError(f"{file}: the client tokens cannot be read: this is {error}") from error
    return _parsed(file, data)


def _refuse_open(file: Path) -> None:
    mode = file.lstat().st_mode
    if stat.S_ISREG(mode) and mode & _OTHERS:
        # Whoever could write there may have made a token: so the owner should look.
        raise ProxyError(
            f"{file}: others may get at the client tokens (mode {stat.S_IMODE(mode):04o})",
            hint=f"chmod 600 {file}, then look at: agentbox litellm key list",
        )


def _parsed(file: Path, data: bytes) -> tuple[ClientToken, ...]:
    try:
        document = msgspec.json.decode(data, type=_Document)
        _check(document)
    except (ValueError, RecursionError) as error:
        raise ProxyError(
            f"{file}: these are no client tokens: {error}",
            hint="put a good copy in its place; or remove it, and give everybody a new token",
        ) from error
    return document.tokens


def _check(document: _Document) -> None:
    """Raise ValueError for what we would not have written."""
    if document.schema != SCHEMA:
        raise ValueError(f"{document.schema[:40]!r} is not {SCHEMA!r}")
    for token in document.tokens:
        if not is_name(token.name):
            raise ValueError(f"{token.name[:LONGEST_NAME]!r} is no name")
        if len(bytes.fromhex(token.sha256)) != _HASH_BYTES:
            raise ValueError(f"the hash of {token.name!r} has another length")
    if len({token.name for token in document.tokens}) < len(document.tokens):
        raise ValueError("a name is there twice")
