"""An imported section brought into a config: what is missing is added, and nothing is replaced."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from agentbox_cli.config.document import Document, Path, parse
from agentbox_cli.config.edit import set_value
from agentbox_cli.config.store import insert_section
from agentbox_cli.config.tree import OUR_SECTION
from agentbox_cli.errors import ConfigError
from agentbox_cli.providers.importing.model import Note
from agentbox_cli.providers.importing.section import section_text
from agentbox_cli.providers.importing.values import listed, mapping
from agentbox_cli.providers.model import Protocol
from agentbox_cli.providers.registry import Registry

Section = Mapping[str, Any]

_REMOVE = "remove it, or write it anew: agentbox config edit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a section comes into a config that has one.

    Args:
        additions: paths that the config does not have, and what to put there.
        conflicts: what the config has already, and is kept; the paths are those of the config.
        names: the providers of the section, and what they are called in the config.
    """

    additions: tuple[tuple[Path, Any], ...]
    conflicts: tuple[Note, ...]
    names: Mapping[str, str]


def bring_in(document: Document, section: Section, registry: Registry) -> str:
    """The text of a config with an imported section; every other line stays as it is.

    Raises:
        ConfigError: the text is broken, or written in a way that nothing can be safely added to.
    """
    if document.faults or document.data.get(OUR_SECTION) is None:
        return insert_section(document.text, section_text(section))
    text = document.text
    for path, value in plan(document, section, registry).additions:
        text = set_value(parse(text, document.name), path, value)
    return text


def plan(document: Document, section: Section, registry: Registry) -> Plan:
    """Compare an imported section with the one of a config; without one there is no conflict.

    Raises:
        ConfigError: what the config has under that name is no section.
    """
    existing = document.data.get(OUR_SECTION)
    if existing is None:
        return Plan(additions=(), conflicts=(), names=MappingProxyType({}))
    if not isinstance(existing, dict):
        raise ConfigError(f"{document.name}: {OUR_SECTION} is no section", hint=_REMOVE)
    planner = _Planner(existing, section, registry)
    additions = tuple(planner.additions())
    return Plan(
        additions=additions,
        conflicts=tuple(planner.conflicts),
        names=MappingProxyType(planner.names),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """What makes a provider the same one under any name: where, how, and with which key."""

    address: str | None
    speaks: str
    key: str | None
    headers: Mapping[str, Any]


class _Planner:
    """Finds what is missing; `conflicts` and `names` are complete when `additions` is."""

    def __init__(self, existing: Section, section: Section, registry: Registry) -> None:
        self.conflicts: list[Note] = []
        self.names: dict[str, str] = {}
        self._existing = existing
        self._section = section
        self._registry = registry

    def additions(self) -> Iterator[tuple[Path, Any]]:
        yield from self._providers()
        yield from self._entries("models", self._renamed())
        yield from self._entries("model_patterns", self._section.get("model_patterns", {}))
        for name, value in self._section.get("router", {}).items():
            if mapping(self._existing.get("router")).get(name) != value:
                self._keep(("router", name), name, f"stays as it is; the source says {value}")

    def _providers(self) -> Iterator[tuple[Path, Any]]:
        known = mapping(self._existing.get("providers"))
        accounts = {name: self._account(name, mapping(entry)) for name, entry in known.items()}
        for name, entry in self._section.get("providers", {}).items():
            account = self._account(name, entry)
            same = [own for own, other in accounts.items() if other == account]
            self.names[name] = name if name in same else (same or [self._free(name, known)])[0]
            if not same:
                yield (OUR_SECTION, "providers", self.names[name]), self._entry(name, entry)

    def _account(self, name: str, entry: Section) -> _Account:
        spec = self._registry.providers.get(name)
        speaks = str(entry.get("protocol") or "openai")
        if spec is not None:
            only_anthropic = spec.protocols == {Protocol.ANTHROPIC_MESSAGES}
            speaks = "anthropic" if only_anthropic else "openai"
        address = entry.get("api_base") or (spec.api_base if spec else None)
        usual = f"${{{spec.api_key_env}}}" if spec and spec.api_key_env else None
        return _Account(
            address=str(address).rstrip("/") if address else None,
            speaks=speaks,
            key=entry.get("api_key") or usual,
            headers=mapping(entry.get("headers")),
        )

    def _free(self, name: str, known: Section) -> str:
        """A name for a provider that the config lacks: its own, if nobody else has it."""
        own, number = name, 1
        while own in known or own in self.names.values():
            number += 1
            own = f"{name}_{number}"
        if name in known:
            why = f"has another address or key; the one of the source is {own}"
            self._keep(("providers", name), "provider", why)
        return own

    def _entry(self, name: str, entry: Section) -> Section:
        own = self.names[name]
        if own == name or self._account(name, entry).speaks == "openai":
            return entry
        return {**entry, "protocol": "anthropic"}  # no plugin knows the other name

    def _renamed(self) -> Section:
        return {
            alias: [{**link, "provider": self.names[link["provider"]]} for link in links]
            for alias, links in self._section.get("models", {}).items()
        }

    def _entries(self, kind: str, entries: Section) -> Iterator[tuple[Path, Any]]:
        known = mapping(self._existing.get(kind))
        for name, value in entries.items():
            if name not in known:
                yield (OUR_SECTION, kind, name), value
            elif known[name] != value:
                self._keep((kind, name), name, f"stays as it is; the source has {_told(value)}")

    def _keep(self, path: Path, what: str, why: str) -> None:
        self.conflicts.append(Note(path=(OUR_SECTION, *path), what=what, why=why))


def _told(value: Any) -> str:
    links = [
        f"{mapping(link).get('provider')}/{mapping(link).get('model')}" for link in listed(value)
    ]
    return ", ".join(links) if links else str(value)
