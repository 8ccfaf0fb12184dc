"""Aliases and their chains as JSON data."""

from typing import Any

from agentbox_cli.providers.resolved import Resolved


def models_document(resolved: Resolved) -> dict[str, Any]:
    """The aliases as `models --json` shows them."""
    return {
        "aliases": [
            {
                "alias": chain.alias,
                "source": chain.source,
                "links": [
                    {
                        "link": link.number,
                        "provider": link.deployment.provider.name,
                        "model": link.deployment.model.id,
                        "lanes": link.deployment.lanes(),
                        "context_window": link.max_input_tokens,
                    }
                    for link in chain.links
                ],
            }
            for chain in resolved.chains.values()
        ],
        "patterns": [
            {"pattern": each.pattern, "alias": each.alias, "source": each.source}
            for each in resolved.patterns
        ],
    }
