"""Who made what: a provider keeps responses, files, conversations and thoughts for itself.

A small file in the state directory, one line for each thing, so that a restart knows it too. It
holds names and digests, no word of a prompt or an answer.
"""

import hashlib
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from agentbox_cli.config.own_file import read_own
from agentbox_cli.errors import ProxyError
from agentbox_cli.supervise.place import write_private

KEPT = 10_000
NAME_LENGTH = 200
# Twice as many lines as are kept, of the longest names.
SIZE_LIMIT = 16 * 1024 * 1024

_Line = tuple[str, str, str]
_line = msgspec.json.Decoder(_Line).decode
_encode = msgspec.json.Encoder().encode
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Maker:
    """Who made a thing.

    Args:
        provider: the provider's name.
        deployment: the deployment's; empty if the whole provider knows the thing.
    """

    provider: str
    deployment: str = ""

    def __str__(self) -> str:
        return self.deployment or self.provider


@dataclass(slots=True)
class Pins:
    """The makers of the latest things, the oldest forgotten first.

    Args:
        path: the file; None to keep nothing beyond the process.
        kept: how many things are known.
    """

    path: Path | None = None
    kept: int = KEPT
    _makers: dict[str, Maker] = field(default_factory=dict)
    _file: int | None = None
    _lines: int = 0

    def begin(self) -> None:
        """Take up what the last run knew, and from now on write what is new."""
        if self.path is None:
            return
        try:
            told = read_own(self.path, limit=SIZE_LIMIT).splitlines()
        except (OSError, ValueError):
            told = []
        for line in told:
            try:
                name, provider, deployment = _line(line)
            except ValueError:
                continue  # half a line of a killed run
            self._learn(name, Maker(provider, deployment))
        self._write_anew()

    def close(self) -> None:
        """Be done with the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def maker(self, name: str) -> Maker | None:
        """Who made the thing of this name; None if nobody here knows."""
        return self._makers.get(name)

    def note(self, name: str, maker: Maker) -> None:
        """Remember who made a thing."""
        if len(name) > NAME_LENGTH or self._makers.get(name) == maker:
            return
        self._learn(name, maker)
        if self._file is None:
            return
        try:
            os.write(self._file, _written(name, maker))
        except OSError as error:
            self._give_up(str(error.strerror))
            return
        self._lines += 1
        if self._lines > 2 * self.kept:
            self._write_anew()

    def _learn(self, name: str, maker: Maker) -> None:
        self._makers.pop(name, None)  # the newest stands last
        self._makers[name] = maker
        if len(self._makers) > self.kept:
            del self._makers[next(iter(self._makers))]

    def _write_anew(self) -> None:
        self.close()
        if self.path is None:
            return
        lines = (_written(name, maker) for name, maker in self._makers.items())
        try:
            write_private(self.path, b"".join(lines).decode())
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except (ProxyError, OSError) as error:
            self._give_up(str(error))
        self._lines = len(self._makers)

    def _give_up(self, why: str) -> None:
        _log.warning("%s: a restart will not know who made which response (%s)", self.path, why)
        self.close()


def digest_of(sealed: str) -> str:
    """The name of a text that only its maker can read."""
    return "sealed-" + hashlib.sha256(sealed.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _written(name: str, maker: Maker) -> bytes:
    return _encode((name, maker.provider, maker.deployment)) + b"\n"
