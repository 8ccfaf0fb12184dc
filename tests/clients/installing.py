"""Real packages, installed once into the cache of this machine and never into the repository."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.cases import Client

# As it was before any test took a home of its own: registries are configured there.
MACHINE: Mapping[str, str] = dict(os.environ)
_SECONDS = 500


def installed(client: Client) -> Path:
    """The directory with a client's programs; the test is skipped where it cannot be had."""
    kind, _, package = client.package.partition(":")
    if kind == "npm":
        return from_npm(package, client.version)
    target = _target(package, client.version)
    with _locked(target):
        if _is_missing(target):
            _from_pypi(target, package, (f"=={client.version}", *client.beside))
            (target / ".complete").touch()
    return target / "bin"


def from_npm(package: str, version: str) -> Path:
    """The directory with the programs of an npm package; as above."""
    target = _target(package, version)
    with _locked(target):
        if _is_missing(target):
            _from_npm(target, package, version)
            (target / ".complete").touch()
    return target / "node_modules" / ".bin"


def is_here(package: str, version: str) -> bool:
    """Whether a package was installed before."""
    return (_target(package, version) / ".complete").exists()


def _is_missing(target: Path) -> bool:
    """Whether there is no whole installation; an empty directory waits for it then."""
    if (target / ".complete").exists():
        return False
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    return True


def _target(package: str, version: str) -> Path:
    return cache() / f"{_safe(package)}-{version}"


def cache() -> Path:
    """Where the packages are, in the user's own cache."""
    base = MACHINE.get("XDG_CACHE_HOME") or str(Path(MACHINE.get("HOME", "/tmp")) / ".cache")
    return Path(base) / "agentbox-test-clients"


def _safe(package: str) -> str:
    return f"{package.replace('/', '_')}-{hashlib.sha256(package.encode()).hexdigest()[:6]}"


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _from_npm(target: Path, package: str, version: str) -> None:
    if shutil.which("npm", path=MACHINE.get("PATH")) is None:
        pytest.skip(f"{package} cannot be had: there is no npm")
    (target / "package.json").write_text("{}")
    options = ["--no-audit", "--no-fund", "--no-package-lock", "--silent"]
    _run(package, ["npm", "install", "--prefix", str(target), *options, f"{package}@{version}"])


def _from_pypi(target: Path, package: str, more: tuple[str, ...]) -> None:
    uv = str(Path(sys.executable).parent / "uv")
    _run(package, [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(target)])
    python = str(target / "bin" / "python")
    wanted = [f"{package}{more[0]}", *more[1:]]
    _run(package, [uv, "pip", "install", "--quiet", "--python", python, *wanted])


def _run(package: str, command: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            command, env=MACHINE, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{package} cannot be had: {error}")
    if done.returncode:
        told = (done.stderr or done.stdout).strip().splitlines()
        pytest.skip(f"{package} cannot be had: {told[-1] if told else done.returncode}")
