"""What tools, prompts and resources of several servers are called side by side. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# RFC 6570: an operator, then the names.
_EXPRESSION = re.compile(r"\{([+#./;?&]?)([^}]*)\}")
# Operators behind which a value has no slash, unless its name is marked with a star.
_WITHIN = ("", ".", ";")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where something comes from.

    Args:
        server: the server's name.
        name: the server's own name or URI for it.
    """

    server: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A list of several servers.

    Args:
        items: what clients see.
        homes: where each comes from, by what clients call it.
    """

    items: tuple[dict[str, Any], ...]
    homes: Mapping[str, Home]


def gather_named(lists: Iterable[tuple[str, Iterable[Any]]], *, prefixed: bool) -> Gathered:
    """Tools or prompts of servers; with `prefixed` they are called `<server>-<name>`.

    Args:
        lists: server and what it lists.
        prefixed: whether the server's name stands before.
    """
    items: list[dict[str, Any]] = []
    homes: dict[str, Home] = {}
    for server, listed in lists:
        for item in listed:
            own = item.get("name") if isinstance(item, dict) else None
            if not isinstance(own, str):
                continue
            name = f"{server}-{own}" if prefixed else own
            # `a-b` of the server `c` and `b` of the server `c-a`: the first one has the name.
            if name not in homes:
                homes[name] = Home(server=server, name=own)
                items.append({**item, "name": name})
    return Gathered(items=tuple(items), homes=homes)


def gather_uris(lists: Iterable[tuple[str, Iterable[Any]]], field: str = "uri") -> Gathered:
    """Resources of servers: a URI stays as it is, but for one that another server has too.

    Args:
        lists: server and what it lists.
        field: where the URI stands.
    """
    items: list[dict[str, Any]] = []
    homes: dict[str, Home] = {}
    for server, listed in lists:
        for item in listed:
            own = item.get(field) if isinstance(item, dict) else None
            if not isinstance(own, str) or not isinstance(item.get("name"), str):
                continue
            home = Home(server=server, name=own)
            uri = own if own not in homes else _apart(server, own)
            if uri not in homes:
                homes[uri] = home
                items.append({**item, field: uri})
    return Gathered(items=tuple(items), homes=homes)


def home_of(uri: str, resources: Gathered, templates: Gathered) -> Home | None:
    """Where a resource comes from: by its URI, or by a template that fits it."""
    if uri in resources.homes:
        return resources.homes[uri]
    for template, home in templates.homes.items():
        if _fits(uri, template):
            return Home(server=home.server, name=_back(uri, template, home))
    return None


def _apart(server: str, uri: str) -> str:
    # A scheme begins with a letter and has no _ (RFC 3986, section 3.1).
    return f"mcp-{server.replace('_', '.')}+{uri}"


def _back(uri: str, template: str, home: Home) -> str:
    return uri.removeprefix(template.removesuffix(home.name)) if template != home.name else uri


def _fits(uri: str, template: str) -> bool:
    pattern, end = "", 0
    for found in _EXPRESSION.finditer(template):
        within = found[1] in _WITHIN and not found[2].endswith("*")
        pattern += re.escape(template[end : found.start()]) + ("[^/]*" if within else ".*")
        end = found.end()
    return re.fullmatch(pattern + re.escape(template[end:]), uri) is not None
