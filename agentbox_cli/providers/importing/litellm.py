"""LiteLLM's config.yaml: model groups become aliases, deployments and fallbacks become links."""

from collections.abc import Iterator, Mapping
from typing import Any

from agentbox_cli.config.document import Path
from agentbox_cli.providers.importing.deployments import DeploymentReader, Groups
from agentbox_cli.providers.importing.draft import Draft
from agentbox_cli.providers.importing.settings import (
    SECTIONS,
    SETTINGS,
    SILENT,
    said,
    take_router,
    why_not,
)
from agentbox_cli.providers.importing.values import listed, mapping
from agentbox_cli.providers.registry import Registry

# The router's settings count before those of the library.
_ROUTERS = ("router_settings", "litellm_settings")
_READ = frozenset({"model_list", "credential_list", *_ROUTERS})
_KINDS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
_ANY_GROUP = "*"
# So many fallbacks of fallbacks LiteLLM follows, unless told otherwise.
_MAX_FALLBACKS = 5

_NO_GROUP = "it names no model group that was taken over"
_ONE_CHAIN = "an alias has one chain: these links are tried after the others, on any failure"

Successors = dict[str, list[str]]


def read_litellm(
    data: Mapping[Any, Any], draft: Draft, registry: Registry, environ: Mapping[str, str]
) -> None:
    """Fill a draft from LiteLLM's config.

    Args:
        data: the whole file.
        draft: what to fill.
        registry: the providers that plugins describe.
        environ: where addresses that the file takes from the environment are looked up.
    """
    reader = DeploymentReader(draft, registry, environ, _credentials(data))
    groups = reader.groups(data.get("model_list"))
    draft.name_aliases(groups, ("model_list",))
    _make_chains(data, groups, draft)
    _take_group_aliases(data, groups, draft)
    take_router(data, draft)
    _note_the_rest(data, draft)


def _credentials(data: Mapping[Any, Any]) -> dict[str, Mapping[Any, Any]]:
    entries = map(mapping, listed(data.get("credential_list")))
    return {
        str(entry.get("credential_name")): mapping(entry.get("credential_values"))
        for entry in entries
    }


def _make_chains(data: Mapping[Any, Any], groups: Groups, draft: Draft) -> None:
    after = [_fallbacks(data, kind, groups, draft) for kind in _KINDS]
    after[0].setdefault(_ANY_GROUP, _default_fallbacks(data, groups, draft))
    for name in groups:
        for group in _line(name, after):
            draft.chain(draft.alias(name), groups[group])


def _line(name: str, after: list[Successors]) -> list[str]:
    """A group and all that may answer instead, each once, in the order LiteLLM asks them."""
    seen: dict[str, None] = {}
    waiting = [(name, 0)]
    while waiting:
        group, depth = waiting.pop()
        if group not in seen and depth <= _MAX_FALLBACKS:
            seen[group] = None
            following = [
                one for kind in after for one in kind.get(group, kind.get(_ANY_GROUP, []))
            ]
            # The last one waiting is the next, and its own fallbacks come before its siblings.
            waiting += [(one, depth + 1) for one in reversed(following)]
    return list(seen)


def _fallbacks(data: Mapping[Any, Any], kind: str, groups: Groups, draft: Draft) -> Successors:
    found: Successors = {}
    for group, others, path in _pairs(data, kind, draft):
        if group != _ANY_GROUP and group not in groups:
            draft.note(path, "fallback", _NO_GROUP)
        else:
            found.setdefault(group, _known(others, path, groups, draft))
            if kind != "fallbacks":
                draft.note(path, "fallback of one kind", _ONE_CHAIN)
    return found


def _pairs(data: Mapping[Any, Any], kind: str, draft: Draft) -> Iterator[tuple[str, Any, Path]]:
    for section in _ROUTERS:
        for index, entry in enumerate(listed(mapping(data.get(section)).get(kind))):
            path: Path = (section, kind, index)
            if not isinstance(entry, dict):
                draft.note(path, "fallback", "it is no mapping of a group to a list")
            for group, others in mapping(entry).items():
                yield str(group), others, (*path, str(group))


def _default_fallbacks(data: Mapping[Any, Any], groups: Groups, draft: Draft) -> list[str]:
    for section in _ROUTERS:
        names = mapping(data.get(section)).get("default_fallbacks")
        if names is not None:
            return _known(names, (section, "default_fallbacks"), groups, draft)
    return []


def _known(names: Any, path: Path, groups: Groups, draft: Draft) -> list[str]:
    found = []
    for index, name in enumerate(names if isinstance(names, list) else [names]):
        group = mapping(name).get("model", name)
        if isinstance(group, str) and group in groups:
            found.append(group)
        else:
            draft.note((*path, index), "fallback", _NO_GROUP)
    return found


def _take_group_aliases(data: Mapping[Any, Any], groups: Groups, draft: Draft) -> None:
    for section in _ROUTERS:
        aliases = mapping(mapping(data.get(section)).get("model_group_alias"))
        for name, target in aliases.items():
            group = mapping(target).get("model", target)
            path: Path = (section, "model_group_alias", str(name))
            if not isinstance(group, str) or group not in groups:
                draft.note(path, "alias", _NO_GROUP)
            elif str(name) in groups:
                draft.note(path, "alias", "a model group has this name too, and counts here")
            else:
                draft.pattern(str(name), draft.alias(group), path)


def _note_the_rest(data: Mapping[Any, Any], draft: Draft) -> None:
    for section, settings in data.items():
        if section not in _READ:
            draft.note((str(section),), "section", SECTIONS.get(section) or why_not(section))
        elif section in _ROUTERS:
            for key in mapping(settings):
                if key not in SETTINGS and key not in SILENT:
                    draft.note((section, str(key)), said(key), why_not(key))
