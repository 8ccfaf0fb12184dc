"""The words that shells complete: aliases, providers, models, config paths, names of clients.

They stand in small files in the cache, one for each kind, which the completion scripts read by
themselves, so that a TAB starts no Python. A file begins with `# ` and the config it was made of,
then has a line `word<TAB>description` for each word. Its modification time is that of the config:
a shell sees by that, without a process, whether the words are still right.
"""

import os
import tempfile
import time
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from agentbox_cli.config.client_tokens import read_tokens
from agentbox_cli.config.document import parse
from agentbox_cli.config.names import dotted
from agentbox_cli.config.schema import known_paths
from agentbox_cli.config.store import read_text
from agentbox_cli.config.tree import OUR_SECTION
from agentbox_cli.errors import AgentboxError, ConfigError
from agentbox_cli.paths import Paths
from agentbox_cli.providers.model import ModelSpec
from agentbox_cli.providers.registry import Registry, discover

_Data = Mapping[Hashable, Any]
_Words = Iterator[tuple[str, str]]
_Places = list[tuple[str, Mapping[str, Any]]]


class WordKind(StrEnum):
    """What a word names; also the name of its file.

    A link is written `provider/model`. A value is written `path=value`; shells offer those of the
    path that stands before on the line. Where a name belongs at that path, they offer the names.
    """

    ALIAS = "alias"
    PROVIDER = "provider"
    MODEL = "model"
    LINK = "link"
    SERVER = "server"
    CLIENT = "client"
    PATH = "path"
    VALUE = "value"


def refresh_words(paths: Paths, file: Path, registry: Registry | None = None) -> None:
    """Write the words anew after a change of the config; a failure leaves the old ones.

    Args:
        paths: where the cache is.
        file: the config that was written, as an absolute path.
        registry: what plugins describe, where the caller knows it already.
    """
    # The words are a convenience: whatever happens here must not fail the change itself.
    with suppress(Exception):
        write_words(paths, str(file), registry)


def refresh_clients(paths: Paths, file: Path) -> None:
    """Write the names of client tokens anew, as `refresh_words` does with all words."""
    with suppress(Exception):
        text = _text(str(file), _listed(_clients(paths)))
        _write(paths.cache_dir / "complete" / WordKind.CLIENT, text, _modified(str(file)))


def write_words(paths: Paths, named: str, registry: Registry | None = None) -> dict[WordKind, str]:
    """Write the words of the config `named`, and give the text of each file.

    A config that is missing has the words of the plugins. One that is no YAML, as happens in the
    middle of an edit, keeps the words it had.
    """
    modified = _modified(named)  # before the text is read, so that no later change is missed
    data = _data(named)
    fresh = words(data or {}, registry or discover())
    fresh[WordKind.CLIENT] = _listed(_clients(paths))
    texts = {}
    for kind in WordKind:
        file = paths.cache_dir / "complete" / kind
        keeps = data is None and kind is not WordKind.CLIENT
        old = _old_text(file, named) if keeps else None
        texts[kind] = old or _text(named, fresh[kind])
        with suppress(OSError):
            _write(file, texts[kind], modified)
    return texts


def words(data: _Data, registry: Registry) -> dict[WordKind, list[tuple[str, str]]]:
    """Every word that the config and plugins have, with its description.

    Args:
        data: the whole config as plain data, valid or not: what does not fit is passed over.
        registry: what plugins describe.
    """
    section = _mapping(data.get(OUR_SECTION))
    places = [(dotted(path), node) for path, node in known_paths(data).items()]
    return {
        WordKind.ALIAS: _listed(_aliases(section, registry)),
        WordKind.PROVIDER: _listed(_providers(section, registry)),
        WordKind.MODEL: _listed(_models(section, registry)),
        WordKind.LINK: _listed(_links(section, registry)),
        WordKind.SERVER: _listed(_servers(section)),
        WordKind.PATH: _listed(_paths(places)),
        WordKind.VALUE: _listed(_values(places)),
    }


def _aliases(section: _Data, registry: Registry) -> _Words:
    for alias, chain in _mapping(section.get("models")).items():
        yield str(alias), ", ".join(f"{provider}/{model}" for provider, model in _pairs(chain))
    for name in _mapping(section.get("providers")):
        spec = registry.providers.get(str(name))
        for alias, model in spec.default_aliases.items() if spec else ():
            yield alias, f"{name}/{model}"


def _providers(section: _Data, registry: Registry) -> _Words:
    configured = [str(name) for name in _mapping(section.get("providers"))]
    for name in configured:
        spec = registry.providers.get(name)
        yield name, f"{spec.title}, configured" if spec else "configured"
    for name, spec in registry.providers.items():
        yield name, spec.title


def _models(section: _Data, registry: Registry) -> _Words:
    for _, model, text in _deployments(section, registry):
        yield model, text


def _links(section: _Data, registry: Registry) -> _Words:
    for provider, model, text in _deployments(section, registry):
        yield f"{provider}/{model}", text


def _deployments(section: _Data, registry: Registry) -> Iterator[tuple[str, str, str]]:
    for chain in _mapping(section.get("models")).values():
        for provider, model in _pairs(chain):
            spec = registry.providers.get(provider)
            yield provider, model, _about(spec.model(model) if spec else None)
    for name, spec in registry.providers.items():
        for known in spec.models:
            yield name, known.id, _about(known)


def _servers(section: _Data) -> _Words:
    for name, entry in _mapping(section.get("mcp_servers")).items():
        told = _mapping(entry)
        yield str(name), str(told.get("url") or told.get("command") or "")


def _clients(paths: Paths) -> _Words:
    with suppress(AgentboxError):
        for token in read_tokens(paths.client_tokens):
            yield token.name, time.strftime("since %Y-%m-%d", time.localtime(token.created_at))


def _paths(places: _Places) -> _Words:
    # Sorted, so that bash need not look at all of them.
    yield from sorted((path, node.get("description", "")) for path, node in places)


def _values(places: _Places) -> _Words:
    for path, node in places:
        for value in _allowed(node):
            yield f"{path}={value}", ""


def _allowed(node: Mapping[str, Any]) -> Iterator[str]:
    for branch in node.get("anyOf", (node,)):
        yield from branch.get("enum", ("true", "false") if branch.get("type") == "boolean" else ())


def _about(model: ModelSpec | None) -> str:
    if model is None:
        return ""
    return f"{model.kind}, {model.context_window:,} tokens" if model.context_window else model.kind


def _pairs(chain: Any) -> Iterator[tuple[str, str]]:
    for link in chain if isinstance(chain, list) else ():
        provider, model = _mapping(link).get("provider"), _mapping(link).get("model")
        if isinstance(provider, str) and isinstance(model, str):
            yield provider, model


def _mapping(value: Any) -> _Data:
    return value if isinstance(value, dict) else {}


def _listed(found: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each word once, as it was told first; a line cannot hold control characters."""
    listed: dict[str, str] = {}
    for word, text in found:
        if word and word.isprintable() and not word.startswith("#"):
            listed.setdefault(word, text if text.isprintable() else _printable(text))
    return list(listed.items())


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _modified(named: str) -> int:
    try:
        return Path(named).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


def _data(named: str) -> _Data | None:
    """The config as plain data; empty if there is none, None if it cannot be read."""
    file = Path(named)
    try:
        if not file.exists():
            return {}
        document = parse(read_text(file), named)
    except (ConfigError, OSError, ValueError):
        return None
    return None if document.faults else document.data


def _text(named: str, found: list[tuple[str, str]]) -> str:
    return "".join([f"# {named}\n", *(f"{word}\t{text}\n" for word, text in found)])


def _old_text(file: Path, named: str) -> str | None:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return text if text.startswith(f"# {named}\n") else None


def _write(file: Path, text: str, modified: int) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(text)
        os.utime(temporary, ns=(modified, modified))
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
