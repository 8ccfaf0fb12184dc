"""How the proxy is, as JSON data."""

import time
from typing import Any

from agentbox_cli import __version__
from agentbox_cli.daemon.probe import Probe


def status_document(seen: Probe) -> dict[str, Any]:
    """The state of the proxy as `status --json` shows it."""
    said = seen.status or {}
    found = seen.instance
    warnings = list(said.get("warnings", []))
    if seen.reason:
        warnings.insert(0, seen.reason)
    if found and found.version != __version__:
        warnings.append(f"version {found.version} runs, {__version__} is installed: restart it")
    return {
        "state": seen.state.value,
        "ready": bool(said.get("ready", False)),
        "pid": found.pid if found else None,
        "port": found.port if found else None,
        "url": found.url if found else None,
        "version": found.version if found else None,
        "config_file": str(found.config_file) if found else None,
        "started_at": found.started_at if found else None,
        "uptime_s": round(time.time() - found.started_at, 1) if found and said else None,
        "engine": said.get("engine", {"state": "off", "pid": None, "rss_mb": None}),
        "gateway": said.get("gateway") or _no_gateway(),
        "rss_mb": said.get("rss_mb"),
        "auth": said.get("auth"),
        "warnings": warnings,
        "budgets": said.get("budgets", []),
        "sockets": said.get("sockets", []),
        "aliases": said.get("aliases", []),
    }


def _no_gateway() -> dict[str, Any]:
    return {
        "state": "off",
        "pid": None,
        "rss_mb": None,
        "restarts": 0,
        "last_error": None,
        "servers": [],
    }
