"""Configs that nobody would write by hand, the same ones each time."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentbox_cli.providers.load import load_for_drill
from agentbox_cli.providers.resolved import Chain, KeyState, ProviderKey, Resolved

NUMBER = 30
HERE = "http://127.0.0.1:9"

# Few models each, so that deployments stand twice in a chain and providers share one.
CHAT: Mapping[str, Sequence[str]] = {
    "openai": ("gpt-4o", "o1"),
    "gwdg_saia": ("llama-3.3-70b", "codestral-22b"),
    "anthropic": ("claude-sonnet-4-5",),
    "simulated": ("echo", "down"),
    "cluster": ("small", "large"),
    "copy": ("claude",),
}
EMBEDDING: Mapping[str, Sequence[str]] = {
    "openai": ("text-embedding-3-small",),
    "cluster": ("text-embedding-3-small",),
    "mirror": ("text-embedding-3-small",),
}
PROVIDERS: Mapping[str, Mapping[str, str]] = {
    "openai": {},
    "gwdg_saia": {},
    "anthropic": {},
    "cluster": {"api_base": f"{HERE}/v1"},
    "mirror": {"api_base": f"{HERE}/v1", "protocol": "openai"},
    "copy": {"api_base": HERE, "protocol": "anthropic"},
}
TOGGLES = ("on_rate_limit", "on_context_window", "on_error", "on_content_policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """One config, resolved, and its chains; some of their providers have no key."""

    resolved: Resolved
    chains: tuple[Chain, ...]


def generate(seed: int, directory: Path, *, engine: str = "off") -> Generated:
    """Make a config with a few aliases from a seed."""
    dice = random.Random(seed)  # noqa: S311 - the same each time, and guards nothing
    section = {
        "providers": PROVIDERS,
        "models": {f"g{seed:02}-{n}": _chain(dice) for n in range(dice.randint(1, 2))},
        "fallbacks": {name: dice.random() < 0.8 for name in TOGGLES},
        "router": {"num_retries": seed % 4},
        "engine": {"mode": engine},
    }
    file = directory / f"generated-{seed}.yml"
    file.write_text(json.dumps({"litellm": section}), encoding="utf-8")
    found = load_for_drill(file, {})
    assert found.broken == {}
    own = [chain for chain in found.resolved.chains.values() if chain.source == "config"]
    keyless = {name for name in PROVIDERS if dice.random() < 0.12}
    return Generated(
        resolved=found.resolved, chains=tuple(_without_keys(chain, keyless) for chain in own)
    )


def _chain(dice: random.Random) -> list[dict[str, Any]]:
    models = EMBEDDING if dice.random() < 0.2 else CHAT
    # Two providers are likely to share a protocol, five are not.
    pool = dice.sample(list(models), dice.randint(1, min(4, len(models))))
    links = []
    for _ in range(dice.randint(1, 5)):
        provider = dice.choice(pool)
        links.append({"provider": provider, "model": dice.choice(models[provider])})
    return links


def _without_keys(chain: Chain, keyless: set[str]) -> Chain:
    missing = ProviderKey(state=KeyState.MISSING)
    links = []
    for link in chain.links:
        provider = link.deployment.provider
        if provider.name in keyless:
            deployment = replace(link.deployment, provider=replace(provider, key=missing))
            links.append(replace(link, deployment=deployment))
        else:
            links.append(link)
    return replace(chain, links=tuple(links))
