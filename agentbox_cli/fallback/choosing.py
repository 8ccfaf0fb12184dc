"""Which chains a drill is about."""

import difflib
from collections.abc import Mapping, Sequence

from agentbox_cli.errors import UsageError
from agentbox_cli.providers.load import Drillable
from agentbox_cli.providers.resolved import Chain


def wanted(setup: Drillable, aliases: Sequence[str]) -> tuple[list[Chain], dict[str, str]]:
    """The chains of these aliases, and those of them that do not even resolve, with the reason.

    Raises:
        UsageError: there is no such alias.
    """
    known = setup.resolved.chains
    for alias in aliases:
        if alias not in known and alias not in setup.broken:
            raise unknown(alias, [*known, *setup.broken])
    whole = [alias for alias in aliases if alias in known]
    chains = chosen(known, whole) if whole or not aliases else []
    broken = {a: why for a, why in setup.broken.items() if a in aliases or not aliases}
    return chains, broken


def chosen(known: Mapping[str, Chain], aliases: Sequence[str]) -> list[Chain]:
    """The chains of these aliases; those of the config if none is named."""
    for alias in aliases:
        if alias not in known:
            raise unknown(alias, list(known))
    if aliases:
        return [known[alias] for alias in dict.fromkeys(aliases)]
    return [chain for chain in known.values() if chain.source == "config"]


def unknown(alias: str, known: Sequence[str]) -> UsageError:
    """The error of an alias that there is not."""
    close = difflib.get_close_matches(alias, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "agentbox litellm models"
    return UsageError(f"unknown alias {alias!r}", hint=hint)
