"""The limits of the running proxy; where none runs, those that the last one left behind."""

import time
from dataclasses import dataclass
from typing import Any

import msgspec

from agentbox_cli.daemon.client import Answer, get, post
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.daemon.probe import Probe, probe
from agentbox_cli.daemon.states import SERVES, DaemonState
from agentbox_cli.errors import ProxyError, UsageError
from agentbox_cli.paths import Paths
from agentbox_cli.proxy import kept, limits

PATH = "/agentbox/limits"
RESET = "/agentbox/limits/reset"
OK = 200
# A proxy of an older version knows no such page.
NO_PAGE = "not_found"

_NOBODY_RUNS = frozenset({DaemonState.STOPPED, DaemonState.STALE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Limits as JSON data.

    Args:
        state: of the proxy.
        document: `as_of`, `windows` and `cooling`.
    """

    state: DaemonState
    document: dict[str, Any]

    @property
    def live(self) -> bool:
        """Whether the running proxy told them."""
        return self.state in SERVES


def known_limits(paths: Paths) -> Told:
    """All limits that are known.

    Raises:
        ProxyError: the proxy runs and does not tell.
    """
    seen = probe(paths)
    if seen.state in SERVES:
        found = _running(seen)
        answer = get(found, PATH, key_file=paths.key_file)
        return Told(state=seen.state, document=_document(answer, found))
    wall = time.time()
    left = limits.current(kept.read(paths.limits_file).limits, wall)
    return Told(state=seen.state, document=limits.document(left, wall))


def reset_limits(paths: Paths, name: str | None, *, dry_run: bool) -> Told:
    """Forget what keeps a link from being called, and tell what that was.

    Args:
        paths: where the proxy's files are.
        name: a deployment or a provider; None for all of them.
        dry_run: only tell.

    Raises:
        UsageError: the proxy knows nothing of that name.
        ProxyError: it is starting or draining, or does not answer.
    """
    seen = probe(paths)
    if seen.state in SERVES:
        found = _running(seen)
        asked = {"name": name, "dry_run": dry_run}
        answer = post(found, RESET, asked, key_file=paths.key_file)
        return Told(state=seen.state, document=_document(answer, found))
    if seen.state not in _NOBODY_RUNS:
        raise ProxyError(f"the proxy is {seen.state}", hint="try again when it runs")
    return Told(state=seen.state, document=_reset_kept(paths, name, dry_run=dry_run))


def _reset_kept(paths: Paths, name: str | None, *, dry_run: bool) -> dict[str, Any]:
    wall = time.time()
    known = kept.read(paths.limits_file)
    current = limits.current(known.limits, wall)
    gone = limits.of(current, name)
    if not dry_run and (gone.windows or gone.cooling):
        rest = msgspec.structs.replace(known, limits=limits.without(current, name))
        kept.write(paths.limits_file, rest)
    return limits.document(gone, wall)


def _running(seen: Probe) -> Instance:
    if seen.instance is None or seen.status is None:
        raise ProxyError(seen.reason or f"the proxy is {seen.state}")
    return seen.instance


def _document(answer: Answer | None, found: Instance) -> dict[str, Any]:
    if answer is None:
        raise ProxyError(f"the proxy on {found.url} went away")
    if answer.status == OK:
        return answer.body
    error = answer.body.get("error", {})
    if error.get("code") == NO_PAGE:
        raise ProxyError(
            f"the proxy that runs has version {found.version}, which tells no limits",
            hint="agentbox litellm restart",
        )
    message = str(error.get("message", f"the proxy answered {answer.status}"))
    raise UsageError(message, hint="agentbox litellm models")
