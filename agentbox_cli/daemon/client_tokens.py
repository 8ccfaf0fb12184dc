"""Giving out tokens for named callers, and taking them back; a running proxy sees it by itself."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentbox_cli.config.atomic import locked_directory, replace_file
from agentbox_cli.config.client_tokens import (
    LONGEST_NAME,
    MOST,
    PREFIX,
    ClientToken,
    hash_of,
    is_name,
    read_tokens,
    to_bytes,
)
from agentbox_cli.config.names import closest
from agentbox_cli.daemon.key import private_directory
from agentbox_cli.errors import ProxyError, UsageError

_MODE = 0o600
_LIST = "agentbox litellm key list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A token that was just made.

    Args:
        token: the text that its holder shows; nobody can read it again.
        kept: what is known of it from now on.
    """

    token: str
    kept: ClientToken


def add(file: Path, name: str) -> Issued:
    """Make a token for a new name.

    Raises:
        UsageError: the name cannot be used, or has a token.
        ProxyError: the file of tokens cannot be read or written.
    """
    _refuse_name(name)
    token = f"{PREFIX}{secrets.token_urlsafe(32)}"
    kept = ClientToken(name=name, sha256=hash_of(token).hex(), created_at=round(time.time(), 3))
    with _locked(file):
        known = read_tokens(file)
        _refuse_another(known, name)
        replace_file(file, to_bytes((*known, kept)), mode=_MODE)
    return Issued(token=token, kept=kept)


def would_add(file: Path, name: str) -> None:
    """Find out whether `add` would; writes nothing.

    Raises:
        UsageError: the name cannot be used, or has a token.
        ProxyError: the file of tokens cannot be read.
    """
    _refuse_name(name)
    _refuse_another(read_tokens(file), name)


def remove(file: Path, name: str, *, dry_run: bool = False) -> ClientToken:
    """Take the token of a name back.

    Raises:
        UsageError: nobody of that name has one.
        ProxyError: the file of tokens cannot be read or written.
    """
    if dry_run:
        return _named(read_tokens(file), name)
    with _locked(file):
        known = read_tokens(file)
        gone = _named(known, name)
        left = (token for token in known if token is not gone)
        replace_file(file, to_bytes(left), mode=_MODE)
    return gone


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    try:
        private_directory(file.parent)
        with locked_directory(file.parent):
            yield
    except OSError as error:
        said = error.strerror or error
        raise ProxyError(
            f"{file}: the client tokens cannot be written: {said}",
            hint="nothing has changed; check who owns the directory",
        ) from error


def _refuse_name(name: str) -> None:
    if not is_name(name):
        raise UsageError(
            f"{name[:LONGEST_NAME]!r} cannot be the name of a caller",
            hint=f"use up to {LONGEST_NAME} letters, digits and . _ - + @ :"
            " and start with a letter or digit",
        )


def _refuse_another(known: tuple[ClientToken, ...], name: str) -> None:
    if any(token.name == name for token in known):
        raise UsageError(
            f"{name} has a token already, which cannot be shown again",
            hint=f"for a new one: agentbox litellm key remove {name}, then add it again",
        )
    if len(known) >= MOST:
        raise UsageError(f"there are {len(known)} client tokens, and no more may be", hint=_LIST)


def _named(known: tuple[ClientToken, ...], name: str) -> ClientToken:
    for token in known:
        if token.name == name:
            return token
    near = closest(name, [token.name for token in known])
    hint = f"did you mean {near!r}? {_LIST}" if near else _LIST
    raise UsageError(f"nobody called {name[:LONGEST_NAME]!r} has a token", hint=hint)
