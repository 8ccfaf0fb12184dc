"""Links that somebody pauses by hand: none is called until it goes on, or the daemon ends."""

from typing import Any

import msgspec
from msgspec import Struct

from agentbox_cli.config.names import closest
from agentbox_cli.providers.resolved import Resolved
from agentbox_cli.proxy.memory import Memory
from agentbox_cli.proxy.request import BadBody


class Pausing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller wants.

    Args:
        link: a deployment; it is meant in every chain.
        paused: whether it is paused from now on.
    """

    link: str
    paused: bool


def pause(memory: Memory, resolved: Resolved, body: bytes) -> dict[str, Any]:
    """Pause a link or let it go on, and tell how it is now.

    Raises:
        BadBody: the body does not say what is wanted.
        LookupError: no link has that name; the message says what may be meant.
    """
    asked = _read(body)
    known = list(resolved.deployments())
    if asked.link not in known:
        raise LookupError(_unknown(asked.link, known))
    if asked.paused:
        memory.paused.add(asked.link)
    else:
        memory.paused.discard(asked.link)
    return {"link": asked.link, "paused": asked.paused}


def _read(body: bytes) -> Pausing:
    try:
        return msgspec.json.decode(body, type=Pausing)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"the body names no link to pause: {error}") from None


def _unknown(name: str, known: list[str]) -> str:
    meant = closest(name[:100], known)
    hint = f"; did you mean {meant!r}?" if meant else ""
    return f"no link is called {name[:100]!r}{hint}"
