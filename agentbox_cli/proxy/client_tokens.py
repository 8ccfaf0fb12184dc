"""Who shows the token of a named caller."""

import logging
import os
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path

from agentbox_cli.config.client_tokens import PREFIX, hash_of, read_tokens
from agentbox_cli.errors import ProxyError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Mark:
    """By what a file is known that was replaced, written to, or given other permissions."""

    inode: int
    size: int
    modified: int
    changed: int


class TokenBook:
    """Who shows which token, as the file says now.

    The file is looked at for each request that shows something of a token's form, by one `lstat`,
    and read again when it is another one; so what a command writes there holds for the next
    request. A file that cannot be used opens nothing.

    Args:
        file: where the tokens are.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._mark: _Mark | int | None = None
        self._names: tuple[tuple[bytes, str], ...] = ()
        self._trouble: str | None = None

    def name_of(self, shown: str) -> str | None:
        """Whose token this is; None if it is nobody's."""
        if not shown.startswith(PREFIX):
            return None
        self._refresh()
        digest, found = hash_of(shown), None
        # To the end, and in constant time: how long it takes says nothing of what is known.
        for known, name in self._names:
            if compare_digest(digest, known):
                found = name
        return found

    def trouble(self) -> str | None:
        """Why no token opens anything; None if they do."""
        self._refresh()
        return self._trouble

    def _refresh(self) -> None:
        # Before the text is read, so that no later change is missed.
        mark = _mark(self._file)
        if mark == self._mark and self._trouble is None:
            return  # trouble may pass without a trace on the file, as when descriptors run out
        before, self._trouble, self._names = self._trouble, None, ()
        try:
            tokens = read_tokens(self._file)
        except ProxyError as error:
            self._trouble = f"no client token is taken: {error.message}"
            if before != self._trouble:
                _log.warning("%s", self._trouble)
        else:
            self._names = tuple((bytes.fromhex(one.sha256), one.name) for one in tokens)
        self._mark = mark


def _mark(file: Path) -> _Mark | int | None:
    """What a file is known by: None if there is none, an error's number if nobody can tell."""
    try:
        found = os.lstat(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.errno or 0
    return _Mark(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
