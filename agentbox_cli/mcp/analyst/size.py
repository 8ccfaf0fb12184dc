"""Who analyses, and how much of a subject fits into one question to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentbox_cli.errors import ConfigError, UsageError
from agentbox_cli.mcp.calls.elsewhere import Elsewhere
from agentbox_cli.providers.model import ModelKind
from agentbox_cli.providers.resolved import Chain, Resolved
from agentbox_cli.proxy.names import Names

# Code has fewer characters for a token than prose; a part that fits too well does no harm.
CHARACTERS_PER_TOKEN = 3
# For what is asked, the fences and the words around them.
QUESTION_TOKENS = 1_500
# Of a link whose window nobody knows.
UNKNOWN_WINDOW = 16_000
# Models overlook more in the middle of longer texts, and a failed call costs more.
LARGEST = 240_000
SMALLEST = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who analyses.

    Args:
        model: an alias, or provider/model.
        characters: how many of a subject fit into one question.
    """

    model: str
    characters: int


def reader_of(
    resolved: Resolved, named: str | None, preferred: Sequence[str], answer_tokens: int
) -> Reader:
    """The chain that analyses, and what fits into the smallest of its windows.

    Args:
        resolved: the config.
        named: the alias that the caller names.
        preferred: the aliases that are taken otherwise, the first that there is.
        answer_tokens: what the answer takes.

    Raises:
        ConfigError: there is no such alias, or none that chats.
        UsageError: its window is too small for such an answer.
    """
    chain = _chain(resolved, named, preferred)
    links = [link for link in chain.links if link.deployment.provider.usable] or chain.links
    return _reader(chain.alias, [link.max_input_tokens for link in links], answer_tokens)


def reader_elsewhere(
    told: Elsewhere, named: str | None, preferred: Sequence[str], answer_tokens: int
) -> Reader:
    """As `reader_of`, by what a proxy tells of its chains.

    Raises:
        ConfigError: there is no such alias, or none that chats.
        UsageError: its window is too small for such an answer.
    """
    chats = {row["alias"]: list(row["links"]) for row in told.chats()}
    models = {_name(link): [link] for links in chats.values() for link in links}
    wanted = (*preferred, *chats) if named is None else (named,)
    known = chats if named is None else {**models, **chats}
    for name in wanted:
        links = [link for link in known.get(name, ()) if link.get("state") != "key-missing"]
        if links:
            return _reader(name, [link.get("context_window") for link in links], answer_tokens)
    raise ConfigError(
        "the proxy has no usable alias of a chat model" + (f" {named!r}" if named else ""),
        hint="list_models tells the aliases",
    )


def _name(link: Mapping[str, Any]) -> str:
    return f"{link['provider']}/{link['model']}"


def _reader(alias: str, windows: Sequence[int | None], answer_tokens: int) -> Reader:
    window = min(each or UNKNOWN_WINDOW for each in windows)
    characters = (window - answer_tokens - QUESTION_TOKENS) * CHARACTERS_PER_TOKEN
    if characters < SMALLEST:
        raise UsageError(
            f"the smallest window of {alias} has {window:,} tokens, too few for an answer"
            f" of {answer_tokens:,}",
            hint="name another model, or fewer max_tokens",
        )
    return Reader(model=alias, characters=min(characters, LARGEST))


def _chain(resolved: Resolved, named: str | None, preferred: Sequence[str]) -> Chain:
    if named is not None:
        names = Names(resolved)
        found = names.chain(named)
        if found is None:
            raise ConfigError(names.unknown(named), hint="list_models tells the aliases")
        return found
    chats: Mapping[str, Chain] = {
        alias: chain
        for alias, chain in resolved.chains.items()
        if chain.kind is ModelKind.CHAT and chain.usable
    }
    for alias in (*preferred, *chats):
        if alias in chats:
            return chats[alias]
    raise ConfigError(
        "no alias of the config can analyse: none has a usable link of a chat model",
        hint="run: agentbox litellm init",
    )
