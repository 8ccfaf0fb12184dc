"""Edits of aliases and their chains: each takes a document and gives its new text."""

from typing import Any

from agentbox_cli.config.document import Document, Path, parse
from agentbox_cli.config.edit import delete, insert_item, move_item, rename_key, set_value
from agentbox_cli.config.names import closest
from agentbox_cli.config.tree import OUR_SECTION
from agentbox_cli.errors import UsageError

MODELS: Path = (OUR_SECTION, "models")
PATTERNS: Path = (OUR_SECTION, "model_patterns")
BUDGETS: Path = (OUR_SECTION, "budgets", "per_alias")


def split_deployment(name: str) -> tuple[str, str]:
    """Provider and model of a `provider/model`; the model's id may have slashes of its own.

    Raises:
        UsageError: it has no slash, or nothing on one side of it.
    """
    provider, _, model = name.partition("/")
    if not provider or not model:
        raise UsageError(
            f"{name!r} is no provider/model", hint="write it like openai/gpt-4o, with a slash"
        )
    return provider, model


def add_link(
    document: Document, alias: str, provider: str, model: str, *, at: int | None = None
) -> str:
    """Add a link to a chain, at its end or as number `at`; an unknown alias is made.

    Raises:
        UsageError: the chain has no place of this number.
    """
    links = chains(document).get(alias)
    link = {"provider": provider, "model": model}
    if not links:
        _check_number(at, 1, alias)
        return set_value(document, (*MODELS, alias), [link])
    _check_number(at, len(links) + 1, alias)
    index = len(links) if at is None else at - 1
    return insert_item(document, (*MODELS, alias), index, link)


def remove_link(document: Document, alias: str, number: int) -> str:
    """Remove the link of this number from a chain.

    Raises:
        UsageError: there is no such alias or link, or it is the only one.
    """
    links = _links(document, alias)
    _check_number(number, len(links), alias)
    if len(links) == 1:
        raise UsageError(
            f"alias {alias!r} has no other link, and a chain needs one",
            hint=f"remove the alias: agentbox litellm models remove {alias}",
        )
    return delete(document, (*MODELS, alias, number - 1))


def remove_alias(document: Document, alias: str) -> str:
    """Remove an alias and its chain.

    Raises:
        UsageError: there is no such alias.
    """
    _links(document, alias)
    return delete(document, (*MODELS, alias))


def move_link(document: Document, alias: str, old: int, new: int) -> str:
    """Make the link of number `old` the one of number `new`; those between move up or down.

    Raises:
        UsageError: there is no such alias or number.
    """
    links = _links(document, alias)
    _check_number(old, len(links), alias)
    _check_number(new, len(links), alias)
    if old == new:
        return document.text
    return move_item(document, (*MODELS, alias), old - 1, new - 1)


def rename_alias(document: Document, alias: str, new: str) -> str:
    """Rename an alias, also where `model_patterns` lead to it, and its budget.

    Raises:
        UsageError: there is no such alias, or one has the new name already.
    """
    _links(document, alias)
    if alias == new:
        return document.text
    if new in chains(document):
        raise UsageError(f"alias {new!r} exists already")
    text = rename_key(document, (*MODELS, alias), new)
    for pattern, target in section(document, "model_patterns").items():
        if target == alias:
            text = set_value(parse(text, document.name), (*PATTERNS, pattern), new)
    limits = section(document, "budgets").get("per_alias")
    if isinstance(limits, dict) and alias in limits and new not in limits:
        text = rename_key(parse(text, document.name), (*BUDGETS, alias), new)
    return text


def chains(document: Document) -> dict[str, Any]:
    """The chains by alias, as they stand in the data; none where that is not a section."""
    return section(document, "models")


def section(document: Document, name: str) -> dict[str, Any]:
    """A section of ours as it stands in the data; empty where there is none."""
    ours = document.data.get(OUR_SECTION)
    found = ours.get(name) if isinstance(ours, dict) else None
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}


def _links(document: Document, alias: str) -> list[Any]:
    known = chains(document)
    if alias not in known:
        meant = closest(alias, known)
        hint = f"did you mean {meant!r}?" if meant else f"known: {', '.join(known) or 'none'}"
        raise UsageError(f"config.yml has no alias {alias!r}", hint=hint)
    links = known[alias]
    return links if isinstance(links, list) else []


def _check_number(number: int | None, most: int, alias: str) -> None:
    if number is not None and not 1 <= number <= most:
        places = "1" if most == 1 else f"1 to {most}"
        raise UsageError(
            f"alias {alias!r} has no place {number}",
            hint=f"links count from 1; possible: {places}",
        )
