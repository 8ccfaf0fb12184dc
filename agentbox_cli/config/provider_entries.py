"""Edits of `litellm.providers`: each takes a document and gives its new text."""

import re
from collections.abc import Iterator

from agentbox_cli.config.chains import MODELS, chains, section
from agentbox_cli.config.document import Document, Path, parse
from agentbox_cli.config.edit import delete, set_value
from agentbox_cli.config.names import closest
from agentbox_cli.config.tree import OUR_SECTION
from agentbox_cli.errors import UsageError

PROVIDERS: Path = (OUR_SECTION, "providers")

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def add_provider(
    document: Document,
    name: str,
    *,
    api_base: str | None = None,
    protocol: str | None = None,
    key_variable: str | None = None,
) -> str:
    """Add a provider, its key by reference to a variable.

    Raises:
        UsageError: the config has it already, or the variable is no name of one.
    """
    if name in section(document, "providers"):
        raise UsageError(
            f"provider {name!r} is configured already",
            hint=f"change it: agentbox config set litellm.providers.{name}.api_base ...",
        )
    if key_variable is not None and not _VARIABLE.fullmatch(key_variable):
        # What stands there instead may be the key itself, so it is not repeated.
        raise UsageError(
            "this is no name of a variable",
            hint="name the variable that holds the key, such as OPENAI_API_KEY",
        )
    entry = {
        "api_base": api_base,
        "api_key": f"${{{key_variable}}}" if key_variable else None,
        "protocol": protocol,
    }
    given = {key: value for key, value in entry.items() if value is not None}
    return set_value(document, (*PROVIDERS, name), given)


def remove_provider(document: Document, name: str, *, with_links: bool = False) -> str:
    """Remove a provider, and with `with_links` the links to it and aliases left without one.

    Raises:
        UsageError: the config has no such provider, or chains use it.
    """
    known = section(document, "providers")
    users = sorted({alias for alias, _ in _links_to(document, name)})
    if name not in known and not (with_links and users):
        meant = closest(name, known)
        hint = f"did you mean {meant!r}?" if meant else f"known: {', '.join(known) or 'none'}"
        raise UsageError(f"config.yml has no provider {name!r}", hint=hint)
    if users and not with_links:
        raise UsageError(
            f"provider {name!r} is used by {_aliases(users)}",
            hint="--force removes those links too, and aliases that have no other",
        )
    for path in reversed(_paths_of_links(document, name)):
        document = parse(delete(document, path), document.name)
    return delete(document, (*PROVIDERS, name)) if name in known else document.text


def _links_to(document: Document, provider: str) -> Iterator[tuple[str, int]]:
    for alias, links in chains(document).items():
        for index, link in enumerate(links if isinstance(links, list) else ()):
            if isinstance(link, dict) and link.get("provider") == provider:
                yield alias, index


def _paths_of_links(document: Document, provider: str) -> list[Path]:
    found = list(_links_to(document, provider))
    every = chains(document)
    counts = {alias: sum(1 for other, _ in found if other == alias) for alias, _ in found}
    emptied = [alias for alias, count in counts.items() if count == len(every[alias])]
    kept = [(*MODELS, alias, index) for alias, index in found if alias not in emptied]
    return [*((*MODELS, alias) for alias in emptied), *kept]


def _aliases(names: list[str]) -> str:
    return f"alias {names[0]}" if len(names) == 1 else f"aliases {', '.join(names)}"
