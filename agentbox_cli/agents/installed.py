"""Agents found on PATH, and the versions that they tell."""

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentbox_cli.config import text_file
from agentbox_cli.errors import AgentboxError, NotSo
from agentbox_cli.paths import Paths
from agentbox_cli.providers.agent import AgentSpec

_VERSION = re.compile(r"\d+(?:\.\d+)+")
# Some unpack themselves when they are first called.
_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An agent that was found; `version` None if it tells none."""

    program: Path
    version: str | None


def find(agent: AgentSpec, environ: Mapping[str, str]) -> Path | None:
    """The program of an agent, None if it is not installed."""
    found = shutil.which(agent.program, path=environ.get("PATH", os.defpath))
    return Path(found) if found else None


def require(agent: AgentSpec, paths: Paths, environ: Mapping[str, str]) -> Installed:
    """The program of an agent and its version.

    Raises:
        NotSo: it is not installed, or too old; the hint says how to get it.
    """
    program = find(agent, environ)
    if program is None:
        raise NotSo(
            f"{agent.title} is not installed: there is no {agent.program!r} on PATH",
            hint=agent.install,
        )
    version = version_of(program, paths, environ)
    if is_too_old(agent, version):
        raise NotSo(
            f"{agent.title} {version} is too old; agentbox needs {agent.minimum} or later",
            hint=agent.install,
        )
    return Installed(program=program, version=version)


def is_too_old(agent: AgentSpec, version: str | None) -> bool:
    """Whether a version is known to be too old; one that is not told may do."""
    if version is None or agent.minimum is None:
        return False
    return _numbers(version) < _numbers(agent.minimum)


def version_of(program: Path, paths: Paths, environ: Mapping[str, str]) -> str | None:
    """The version that a program tells; it is asked once for each of its states on disk."""
    about = _fingerprint(program)
    known = _known(paths)
    if known.get(str(program), {}).get("state") == about:
        return known[str(program)]["version"] or None
    version = _ask(program, environ)
    if version is not None:
        known[str(program)] = {"state": about, "version": version}
        _keep(paths, known)
    return version or None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _fingerprint(program: Path) -> str:
    about = program.resolve().stat()
    return f"{program.resolve()} {about.st_size} {about.st_mtime_ns}"


def _ask(program: Path, environ: Mapping[str, str]) -> str | None:
    """The version, empty if it tells none; None if it failed, which may pass.

    Some do not even tell their version while a settings file of theirs is broken.
    """
    import subprocess  # noqa: PLC0415 - most versions are known

    try:
        done = subprocess.run(
            [str(program), "--version"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stdout.decode("utf-8", "replace"))
    if found is None and done.returncode:
        return None
    return found[0] if found else ""


def _known(paths: Paths) -> dict[str, dict[str, str]]:
    try:
        known = json.loads(paths.agent_versions.read_text(encoding="utf-8"))
        return {
            str(program): {"state": str(entry["state"]), "version": str(entry["version"])}
            for program, entry in known.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # it is a cache


def _keep(paths: Paths, known: dict[str, dict[str, str]]) -> None:
    try:
        text_file.write(paths.agent_versions, json.dumps(known))
    except AgentboxError:
        return  # it is a cache
