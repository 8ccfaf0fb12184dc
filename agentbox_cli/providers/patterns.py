"""Patterns of model names: where they lead, and which are never reached."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from agentbox_cli.config.model import LiteLLMConfig
from agentbox_cli.config.problems import Issue, Severity
from agentbox_cli.config.rules import Rule
from agentbox_cli.providers.model import ModelKind
from agentbox_cli.providers.registry import Registry
from agentbox_cli.providers.resolved import Chain, NamePattern, Resolved

_WILD = frozenset("*?[")


def name_patterns(
    config: LiteLLMConfig, chains: Mapping[str, Chain], registry: Registry
) -> Iterator[NamePattern]:
    """Where names lead that are none of ours: by the config, then by what agents ask for.

    An agent's pattern counts where one of the aliases that may stand for it is there, and the
    config says nothing of the same pattern.
    """
    for pattern, alias in config.model_patterns.items():
        if alias in chains:
            yield NamePattern(pattern=pattern, alias=alias)
    for agent in registry.agents.values():
        for pattern, aliases in agent.names.items():
            alias_there = next((name for name in aliases if _chats(chains.get(name))), None)
            if alias_there and pattern not in config.model_patterns:
                yield NamePattern(pattern=pattern, alias=alias_there, source=f"agent {agent.name}")


def _chats(chain: Chain | None) -> bool:
    return chain is not None and chain.kind is ModelKind.CHAT


def advise_on_patterns(resolved: Resolved) -> Iterator[Issue]:
    """Say which patterns of `model_patterns` no name can reach."""
    earlier: list[str] = []
    for pattern in resolved.config.model_patterns:
        reason = _why_dead(pattern, earlier, resolved)
        if reason:
            yield Issue(
                path=("litellm", "model_patterns", pattern),
                severity=Severity.WARNING,
                message=f"the pattern {pattern!r} is never reached: {reason}",
                hint="the first that fits counts; put the more special one first, or remove it",
                on="key",
                rule=Rule.DEAD_PATTERN,
            )
        earlier.append(pattern)


def _why_dead(pattern: str, earlier: list[str], resolved: Resolved) -> str | None:
    if not _WILD.intersection(pattern):
        if pattern in resolved.chains:
            return "an alias has this name"
        if pattern in resolved.deployments():
            return "a provider/model of a chain has this name"
    if before := next((other for other in earlier if _covers(other, pattern)), None):
        return f"{before!r} stands before it and takes every name that it would"
    return None


def _covers(wide: str, narrow: str) -> bool:
    """Whether `wide` surely fits every name that `narrow` fits; False where it is hard to tell."""
    if "[" in wide + narrow or "?" in wide:
        return False
    # With `*` as the only wildcard of `wide`, the text of `narrow` is as wild as its names get.
    return fnmatchcase(narrow, wide)
