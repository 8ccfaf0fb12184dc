"""An imported section as commented text, in the form that `init` writes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from agentbox_cli.config.editing.scalar_text import flowed, scalar
from agentbox_cli.providers.starter import HEAD, TOGGLES

_COMMENT_COLUMN = 30

_ROUTER: Mapping[str, tuple[Any, str]] = {
    "num_retries": (3, ""),
    "timeout": (120, "seconds for one link to answer"),
    "stream_timeout": (None, "seconds that a stream may pause"),
    "retry_after_seconds": (60, "cooldown of a failing link when the provider names none"),
}


def section_text(section: Mapping[str, Any]) -> str:
    """The `litellm` section as text, with our defaults for what the import does not say."""
    return "".join(_lines(section))


def _lines(section: Mapping[str, Any]) -> Iterator[str]:
    yield HEAD
    yield "\n  # Keys are read from the environment, or from a .env beside this file\n"
    yield from _mapping("providers", section.get("providers", {}), _provider)
    yield "\n  # Alias to chain: the first link is tried first\n"
    yield from _mapping("models", section.get("models", {}), _chain)
    if section.get("model_patterns"):
        yield "\n  # Other names that callers may ask for; the first that fits counts\n"
        yield "  model_patterns:\n"
        for name, alias in section["model_patterns"].items():
            yield f"    {scalar(name)}: {scalar(alias)}\n"
    yield TOGGLES
    yield "\n  router:\n"
    yield from _router(section.get("router", {}))


def _mapping(
    name: str, entries: Mapping[str, Any], render: Callable[[Any], Iterator[str]]
) -> Iterator[str]:
    yield f"  {name}:\n" if entries else f"  {name}: {{}}\n"
    for key, value in entries.items():
        yield f"    {scalar(key)}:"
        yield from render(value)


def _provider(entry: Mapping[str, Any]) -> Iterator[str]:
    yield "\n" if entry else " {}\n"
    for key, value in entry.items():
        if isinstance(value, Mapping):
            yield f"      {key}:\n"
            yield from (f"        {scalar(name)}: {scalar(one)}\n" for name, one in value.items())
        else:
            yield f"      {key}: {scalar(value)}\n"


def _chain(links: list[Mapping[str, Any]]) -> Iterator[str]:
    yield "\n"
    for link in links:
        lead = "      - "
        for key, value in link.items():
            yield f"{lead}{key}: {flowed(value)}\n"
            lead = "        "


def _router(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, (usual, text) in _ROUTER.items():
        value = settings.get(name, usual)
        if value is not None:
            line = f"    {name}: {flowed(value)}"
            yield f"{line.ljust(_COMMENT_COLUMN)}  # {text}\n" if text else f"{line}\n"
