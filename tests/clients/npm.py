"""Programs from npm, pinned, installed once into a folder that stays."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

# As it was before the tests took the user's variables away: npm finds its registry by them.
_ENVIRON = dict(os.environ)
_WANTED = bool(_ENVIRON.get("AGENTBOX_TEST_CLIENTS"))
_SECONDS = 300

FILESYSTEM = "@modelcontextprotocol/server-filesystem@2026.8.31"
EVERYTHING = "@modelcontextprotocol/server-everything@2026.8.31"
MEMORY = "@modelcontextprotocol/server-memory@2026.8.31"
INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"
# The last one that runs on Node 20.
CONFORMANCE = "@modelcontextprotocol/conformance@0.1.13"
CLAUDE = "@anthropic-ai/claude-code@2.1.332"
CODEX = "@openai/codex@0.169.0"
# Their packages fetch the program itself after the installation.
_WITH_SCRIPTS = frozenset({CLAUDE})


def program(package: str, name: str) -> str:
    """The path of a program of a package; the test is skipped where it cannot be had."""
    if shutil.which("npm", path=_ENVIRON.get("PATH")) is None:
        pytest.skip("npm is not installed")
    place = Path(tempfile.gettempdir()) / f"agentbox-npm-{os.getuid()}" / package.replace("/", "-")
    found = place / "node_modules" / ".bin" / name
    if not found.exists() and not _WANTED:
        pytest.skip(f"{package} is not here; AGENTBOX_TEST_CLIENTS=1 installs it from npm")
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            _install(package, place)
    return str(found)


def path_with(*programs: str) -> str:
    """A PATH on which these are found, and node."""
    folders = [str(Path(each).parent) for each in programs]
    return os.pathsep.join([*folders, _ENVIRON["PATH"]])


def _install(package: str, place: Path) -> None:
    scripts = [] if package in _WITH_SCRIPTS else ["--ignore-scripts"]
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", *scripts, "--prefix", str(place), package],
        env=_ENVIRON,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        pytest.skip(f"npm cannot install {package}: {' '.join(last)}")
