"""Documents of a proxy whose files are not this user's: what it tells over HTTP."""

from typing import Any

from agentbox_cli.daemon.probe import Probe
from agentbox_cli.daemon.states import SELF_REPORTED, DaemonState
from agentbox_cli.daemon.telling import status_document
from agentbox_cli.mcp.calls.elsewhere import Elsewhere
from agentbox_cli.usage.by import By

_OF_A_LINK = ("link", "provider", "model", "lanes", "context_window")


def models(told: Elsewhere) -> dict[str, Any]:
    """The aliases as `models --json`; who proposed an alias is known where its config is."""
    return {
        "aliases": [
            {
                "alias": row["alias"],
                "source": None,
                "links": [{name: link[name] for name in _OF_A_LINK} for link in row["links"]],
            }
            for row in told.aliases()
        ]
    }


def status(told: Elsewhere) -> dict[str, Any]:
    """As `status --json`, without what only its own machine knows of a process."""
    said = told.status.get("state")
    state = DaemonState(said) if said in SELF_REPORTED else DaemonState.DEGRADED
    document = status_document(Probe(state=state, status=dict(told.status)))
    return document | {"url": told.url, "port": told.port}


def usage(told: Elsewhere, since: str, by: By) -> dict[str, Any]:
    """As `usage --json`.

    Raises:
        ProxyError: it does not tell.
    """
    document = told.page("/agentbox/usage", since=since, by=by)
    return {name: value for name, value in document.items() if name != "series"}
