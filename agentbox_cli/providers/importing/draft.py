"""A section under construction: what the readers of the three formats fill."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentbox_cli.config.document import Path
from agentbox_cli.config.excerpts import printable
from agentbox_cli.config.redaction import redact
from agentbox_cli.config.shapes import HEADER_NAME, HTTP_URL, NAME
from agentbox_cli.providers.importing.credentials import (
    Credentials,
    is_placeholder,
    may_be_secret,
    usual_variable,
)
from agentbox_cli.providers.importing.model import KeyToSet, Note
from agentbox_cli.providers.importing.places import (
    Endpoint,
    Located,
    UnknownPlaceError,
    locate,
)
from agentbox_cli.providers.registry import LOOPBACK_HOSTS, Registry

_GLOB = re.compile(r"([*?[])")
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """How a source says a provider's key: by a variable, in clear, or not at all."""

    variable: str | None = None
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A link, and the place in the source that it comes from."""

    provider: str
    model: str
    path: Path
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> dict[str, Any]:
        """The link as it stands in the section."""
        return {"provider": self.provider, "model": self.model, **self.options}


@dataclass(slots=True, kw_only=True)
class Account:
    """A provider with the key it is called with, and the place that it comes from."""

    data: dict[str, Any]
    path: Path
    variables: list[str]


class Draft:
    """Collects providers, chains and settings, and what has no counterpart.

    Args:
        registry: the providers that plugins describe.
        taken: the variables that the source refers to.
    """

    def __init__(self, registry: Registry, taken: Iterable[str]) -> None:
        self.accounts: dict[str, Account] = {}
        self.chains: dict[str, list[Step]] = {}
        self.patterns: dict[str, tuple[str, Path]] = {}
        self.router: dict[str, tuple[Any, Path]] = {}
        self.notes: list[Note] = []
        self._registry = registry
        self._credentials = Credentials(taken)
        self._aliases: dict[str, str] = {}

    def note(self, path: Path, what: str, why: str) -> None:
        """Tell about something that has no counterpart, once."""
        # Names of a source may hold anything, a key in the wrong place too.
        found = Note(path=path, what=_safe(what), why=_safe(why))
        if found not in self.notes:
            self.notes.append(found)

    def account(
        self,
        endpoint: Endpoint,
        credential: Credential,
        headers: Mapping[str, Any],
        path: Path,
    ) -> str | None:
        """The provider of the section for an endpoint; None, with a note, if there is none."""
        if endpoint.api_base is not None and not _is_address(endpoint.api_base):
            self.note(path, "address", "it is no plain http:// or https:// address")
            return None
        try:
            located = locate(endpoint, self._registry)
        except UnknownPlaceError as error:
            self.note(path, f"provider {endpoint.name}", str(error))
            return None
        variables: list[str] = []
        data: dict[str, Any] = {}
        if located.api_base is not None:
            data["api_base"] = located.api_base
        variable = self._variable(located, credential)
        if variable is not None:
            data["api_key"] = f"${{{variable}}}"
            variables.append(variable)
        if located.speaks == "anthropic" and located.name not in self._registry.providers:
            data["protocol"] = "anthropic"
        if sent := self._headers(headers, located.name, path, variables):
            data["headers"] = sent
        return self._named(located, Account(data=data, path=path, variables=variables))

    def has_no_key(self, provider: str) -> bool:
        """Whether a provider on another machine is called without a key."""
        data = self.accounts[provider].data
        return "api_key" not in data and not _is_here(data.get("api_base"))

    def name_aliases(self, names: Iterable[str], path: Path) -> None:
        """Choose an alias for each name of the source; one that is legal stays as it is."""
        ordered = list(dict.fromkeys(names))
        for name in ordered:
            if NAME.fullmatch(name) and len(name) <= _LONGEST_NAME:
                self._aliases.setdefault(name, name)
        for name in ordered:
            if name not in self._aliases:
                self._aliases[name] = self._free_alias(name)
                self.pattern(name, self._aliases[name], path)

    def alias(self, name: str) -> str:
        """The alias of a name that was given to `name_aliases`."""
        return self._aliases[name]

    def pattern(self, name: str, alias: str, path: Path, *, is_glob: bool = False) -> None:
        """Let callers use a name that is no alias."""
        glob = name if is_glob or "*" in name else _GLOB.sub(r"[\1]", name)
        if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
            self.note(path, "a model's name", "it is empty, too long, or has odd characters")
        elif glob in self.patterns and self.patterns[glob][0] != alias:
            self.note(path, f"name {name}", "another model has this name")
        else:
            self.patterns.setdefault(glob, (alias, path))

    def chain(self, alias: str, steps: Iterable[Step]) -> None:
        """Add links to an alias; one that stands in the chain already is left out."""
        links = self.chains.setdefault(alias, [])
        for step in steps:
            if (step.provider, step.model) not in {(one.provider, one.model) for one in links}:
                links.append(step)

    def keys(self) -> tuple[KeyToSet, ...]:
        """The variables to set, in the order of the providers."""
        found: dict[str, KeyToSet] = {}
        for name, account in self.accounts.items():
            for variable in account.variables:
                in_source = variable in self._credentials.in_source
                key = KeyToSet(variable=variable, provider=name, in_source=in_source)
                found.setdefault(variable, key)
        return tuple(found.values())

    def _variable(self, located: Located, credential: Credential) -> str | None:
        if credential.variable is not None:
            return credential.variable
        usual = located.variable or usual_variable(located.name)
        if credential.key is not None and not is_placeholder(credential.key):
            return self._credentials.variable_for(credential.key, usual)
        return located.variable if not _is_here(located.api_base) else None

    def _headers(
        self, headers: Mapping[str, Any], provider: str, path: Path, variables: list[str]
    ) -> dict[str, str]:
        sent = {}
        for name, value in headers.items():
            if not isinstance(value, str) or not _may_name_header(str(name)):
                self.note(path, "header", "its name is not allowed, or its value is no text")
            elif may_be_secret(str(name), value):
                proposed = f"{provider}_{name}"
                variable = self._credentials.variable_for(value, proposed)
                variables.append(variable)
                sent[str(name)] = f"${{{variable}}}"
            else:
                sent[str(name)] = value.replace("${", "$${")
        return sent

    def _named(self, located: Located, account: Account) -> str:
        name, number = located.name, 1
        while (known := self.accounts.get(name)) is not None:
            if known.data == account.data:
                return name
            number += 1
            name = f"{located.name}_{number}"
        if number > 1 and located.speaks == "anthropic":
            account.data["protocol"] = "anthropic"  # no plugin knows the numbered name
            for other, known in self.accounts.items():
                if other.startswith(f"{located.name}_") and known.data == account.data:
                    return other
        self.accounts[name] = account
        return name

    def _free_alias(self, name: str) -> str:
        slug = re.sub(r"[^A-Za-z0-9._@+:-]+", "-", name)[:_LONGEST_NAME]
        slug = slug.strip("-._@+:") or ("any" if "*" in name else "model")
        alias, number = slug, 1
        while alias in self._aliases.values():
            number += 1
            alias = f"{slug}-{number}"
        return alias


def _safe(text: str) -> str:
    return printable(redact(text, ()))


def _may_name_header(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and HEADER_NAME.fullmatch(name) is not None


def _is_address(address: str) -> bool:
    # A name and password in an address are a key too.
    return bool(HTTP_URL.fullmatch(address)) and "@" not in address and "${" not in address


def _is_here(address: str | None) -> bool:
    host = re.match(r"https?://(\[[^\]]*\]|[^/:]+)", address or "")
    return host is not None and host[1].strip("[]") in LOOPBACK_HOSTS
