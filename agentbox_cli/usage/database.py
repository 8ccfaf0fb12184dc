"""Opening the usage database: SQLite beside the user's data, or Postgres by its address.

A SQLite file that is damaged is moved aside and never deleted.
"""

import contextlib
import os
import sqlite3
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, SQLAlchemyError

from agentbox_cli.errors import UsageStoreError
from agentbox_cli.usage.migrations import migrate, version_of

# How long a proxy waits for another writer: what it cannot write then is safer in its journal.
BUSY_SECONDS = 0.05
# How long commands wait for one.
PATIENCE_SECONDS = 5.0
CONNECT_SECONDS = 5
# What people call Postgres; there is one driver.
_POSTGRES = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
_DAMAGED = ("malformed", "not a database", "file is encrypted", "disk image")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where usage is kept.

    Args:
        url: SQLAlchemy's address of the database.
        file: the file of a SQLite database; None for a server's.
    """

    url: str = field(repr=False)
    file: Path | None

    @property
    def shown(self) -> str:
        """The place without a password."""
        # Without the options too: a password may be one of them.
        return str(self.file) if self.file else make_url(self.url).set(query={}).render_as_string()


def place_of(configured: str | None, default: Path) -> Place:
    """Where usage is kept.

    Args:
        configured: `usage.database`: an address, the path of a SQLite file, or None.
        default: the file where nothing is configured.

    Raises:
        UsageStoreError: it is no address that is known here.
    """
    if configured is None:
        return Place(url=f"sqlite:///{default}", file=default)
    if "://" not in configured:
        file = Path(configured).expanduser()
        return Place(url=f"sqlite:///{file}", file=file)
    try:
        url = make_url(configured)
    except ArgumentError:
        raise UsageStoreError(
            "usage.database is not a database's address",
            hint="a path, or postgresql+psycopg://user@host/name",
        ) from None
    if url.get_backend_name() == "sqlite":
        file = Path(url.database or default).expanduser()
        return Place(url=f"sqlite:///{file}", file=file)
    if url.drivername in _POSTGRES:
        driven = url.set(drivername="postgresql+psycopg")
        return Place(url=driven.render_as_string(hide_password=False), file=None)
    raise UsageStoreError(
        f"usage.database: {url.get_backend_name()} is not supported",
        hint="SQLite and Postgres are: a path, or postgresql+psycopg://user@host/name",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A database that is ready, and what had to be done for it.

    Args:
        engine: SQLAlchemy's hold on it.
        file: the file of a SQLite database.
        inode: which file that is.
        moved: where a damaged file was moved; None if it was whole.
    """

    engine: Engine
    file: Path | None
    inode: int | None
    moved: Path | None = None

    @property
    def gone(self) -> bool:
        """Whether its file was deleted or replaced; what is written then is read by nobody."""
        return self.file is not None and _inode(self.file) != self.inode


def open_for_writing(place: Place, *, suspect: bool = False) -> Opened:
    """Open a database, make what is missing, and bring it to the newest schema.

    Args:
        place: where it is.
        suspect: whether a SQLite file is looked through for damage.

    Raises:
        UsageStoreError: it cannot be had.
    """
    if place.file is not None:
        _prepare(place.file)
    moved = None
    try:
        engine = _migrated(place, suspect=suspect)
    except UsageStoreError as error:
        if place.file is None or not is_damage(error.__cause__):
            raise
        moved = _move_aside(place.file)
        engine = _migrated(place)
    inode = None if place.file is None else _inode(place.file)
    return Opened(engine=engine, file=place.file, inode=inode, moved=moved)


def open_for_reading(place: Place) -> Engine | None:
    """Open a database to be read; None if there is none yet.

    Raises:
        UsageStoreError: it cannot be read.
    """
    if place.file is not None and not place.file.exists():
        return None
    try:
        return _readable(place)
    except UsageStoreError:
        if place.file is None or os.access(place.file.parent, os.W_OK):
            raise
    # Even readers want to write beside the file, but for one that is sure not to change.
    url = f"sqlite:///file:{quote(str(place.file))}?immutable=1&uri=true"
    return _readable(Place(url=url, file=place.file))


def _readable(place: Place) -> Engine | None:
    engine = _engine(place, PATIENCE_SECONDS)
    try:
        with _told(place):
            if not _is_begun(engine):
                engine.dispose()
                return None
            # An older schema is brought forward, a newer one refused.
            migrate(engine)
    except UsageStoreError:
        engine.dispose()
        raise
    return engine


def empty_store() -> Engine:
    """A store in which nothing is, for reports about the time before the first use."""
    engine = create_engine("sqlite://")
    migrate(engine)
    return engine


def is_damage(error: BaseException | None) -> bool:
    """Whether an error says that the file is no sound database."""
    original = getattr(error, "orig", error)
    return isinstance(original, sqlite3.DatabaseError) and any(
        word in str(original) for word in _DAMAGED
    )


def _migrated(place: Place, *, suspect: bool = False) -> Engine:
    engine = _engine(place, BUSY_SECONDS)
    try:
        with _told(place):
            if suspect and place.file is not None:
                _look_through(engine)
            migrate(engine)
    except UsageStoreError:
        engine.dispose()
        raise
    if place.file is not None:
        _protect(place.file)
    return engine


def _is_begun(engine: Engine) -> bool:
    with engine.connect() as connection:
        return version_of(connection) > 0


def _look_through(engine: Engine) -> None:
    with engine.connect() as connection:
        found = connection.execute(text("PRAGMA quick_check(1)")).scalar()
    if found != "ok":
        damage = sqlite3.DatabaseError(f"malformed: {found}")
        raise DatabaseError("PRAGMA quick_check", None, damage)


def _engine(place: Place, busy: float) -> Engine:
    connect: dict[str, Any] = (
        {"timeout": busy, "check_same_thread": False}
        if place.file is not None
        else {"connect_timeout": CONNECT_SECONDS}
    )
    try:
        engine = create_engine(place.url, connect_args=connect, pool_pre_ping=place.file is None)
    except (NoSuchModuleError, ImportError, ArgumentError) as error:
        raise UsageStoreError(
            f"usage.database cannot be reached: {error}",
            hint="for Postgres: pip install 'agentbox-cli[postgres]', postgresql+psycopg://...",
        ) from error
    if place.file is not None:
        event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    # With a write-ahead log readers do not stop the writer, and a killed process loses nothing
    # that was committed.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


@contextlib.contextmanager
def _told(place: Place) -> Any:
    """Say what a database's refusal means."""
    try:
        yield
    except SQLAlchemyError as error:
        raise UsageStoreError(
            f"the usage database {place.shown} cannot be used: {_words(error)}",
            hint=_HINT_DAMAGED if is_damage(error) else None,
        ) from error


_HINT_DAMAGED = "at its next start the proxy moves it aside and begins a new one"


def _words(error: SQLAlchemyError) -> str:
    original = getattr(error, "orig", None)
    return str(original or error).strip().splitlines()[0]


def _prepare(file: Path) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Before SQLite makes it, which would let everybody read it; its -wal and -shm follow.
        os.close(os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise UsageStoreError(
            f"the usage database {file} cannot be written: {error.strerror}"
        ) from error


def _inode(file: Path) -> int | None:
    try:
        return file.stat().st_ino
    except OSError:
        return None


def _protect(file: Path) -> None:
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        file.chmod(0o600)


def _move_aside(file: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    aside = file.with_name(f"{file.name}.damaged-{stamp}")
    for ending in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            file.with_name(file.name + ending).rename(aside.with_name(aside.name + ending))
    _prepare(file)
    return aside
