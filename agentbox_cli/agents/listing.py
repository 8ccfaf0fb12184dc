"""Every agent: installed or not, its version, connected or not."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from agentbox_cli.agents import record as records
from agentbox_cli.agents.connecting import is_untouched
from agentbox_cli.agents.installed import find, is_too_old, version_of
from agentbox_cli.errors import ConfigError
from agentbox_cli.paths import Paths
from agentbox_cli.providers.agent import AgentSpec


def agent_rows(
    agents: Iterable[AgentSpec],
    paths: Paths,
    environ: Mapping[str, str],
    on_progress: Callable[[str, int, int], None],
) -> list[dict[str, Any]]:
    """The agents as `agents --json` shows them.

    Args:
        agents: which ones.
        paths: where records and known versions are.
        environ: what they are looked for in.
        on_progress: is told an agent, its number and how many there are: some programs need
            seconds to tell their version.
    """
    listed = list(agents)
    rows = []
    with ThreadPoolExecutor(max_workers=4) as pool:
        for row in pool.map(lambda agent: _row(agent, paths, environ), listed):
            rows.append(row)
            on_progress(row["title"], len(rows), len(listed))
    return rows


def _row(agent: AgentSpec, paths: Paths, environ: Mapping[str, str]) -> dict[str, Any]:
    program = find(agent, environ)
    version = version_of(program, paths, environ) if program else None
    return {
        "name": agent.name,
        "title": agent.title,
        "installed": program is not None,
        "program": str(program) if program else None,
        "version": version,
        "too_old": is_too_old(agent, version),
        "minimum": agent.minimum,
        "protocol": agent.protocol.value if agent.protocol else None,
        "install": agent.install,
        "note": agent.note,
        "connected": _connected(agent, paths),
    }


def _connected(agent: AgentSpec, paths: Paths) -> list[dict[str, Any]]:
    """The files that we wrote to, and what has become of each."""
    try:
        record = records.read(paths, agent.name)
    except ConfigError:
        return [{"file": None, "parts": [], "state": "damaged"}]
    return [
        {"file": path, "parts": sorted(entry.parts), "state": _state(Path(path), entry)}
        for path, entry in record.items()
    ]


def _state(path: Path, entry: records.FileRecord) -> str:
    try:
        return "connected" if is_untouched(path, entry) else "edited"
    except ConfigError:
        return "unreadable"
