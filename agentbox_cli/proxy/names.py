"""From the model name in a request to a chain."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from agentbox_cli.providers.resolved import Chain, Link, Resolved


class Names:
    """The names that callers may ask for: aliases, deployments in a chain, patterns of names."""

    def __init__(self, resolved: Resolved) -> None:
        self.aliases: Mapping[str, Chain] = resolved.chains
        self._patterns = resolved.patterns
        self._deployments: dict[str, Chain] = {}
        for chain in resolved.chains.values():
            for link in chain.links:
                name = link.deployment.name
                single = Chain(alias=name, links=(replace(link, number=1),), source=chain.source)
                self._deployments.setdefault(name, single)

    def chain(self, name: str) -> Chain | None:
        """The chain that a name stands for; None if nobody knows it."""
        found = self.aliases.get(name) or self._deployments.get(name)
        if found is None:
            for each in self._patterns:
                if fnmatchcase(name, each.pattern) and each.alias in self.aliases:
                    return self.aliases[each.alias]
        return found

    def links(self) -> Iterator[Link]:
        """Every link, alias by alias."""
        for chain in self.aliases.values():
            yield from chain.links

    def unknown(self, name: str) -> str:
        """What to tell somebody who asked for an unknown name."""
        shown = name if len(name) <= 100 else f"{name[:100]}..."  # noqa: PLR2004 - fits a line
        close = difflib.get_close_matches(name[:100], [*self.aliases, *self._deployments], n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return f"unknown model {shown!r}{hint or '.'} Known aliases: {', '.join(self.aliases)}"
