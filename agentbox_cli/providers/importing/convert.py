"""From the text of a foreign config to our section: the whole import, without files."""

from collections.abc import Mapping

from agentbox_cli.errors import ConfigError
from agentbox_cli.providers.importing import claude_code_router, deployments
from agentbox_cli.providers.importing.claude_code_router import read_claude_code_router
from agentbox_cli.providers.importing.draft import Draft
from agentbox_cli.providers.importing.litellm import read_litellm
from agentbox_cli.providers.importing.llm import read_llm
from agentbox_cli.providers.importing.model import Imported, Source
from agentbox_cli.providers.importing.reading import read, recognise
from agentbox_cli.providers.importing.settle import settle
from agentbox_cli.providers.registry import Registry

_SHAPES = {
    Source.LITELLM: (dict, "a mapping with `model_list`"),
    Source.CCR: (dict, "an object with `Providers`"),
    Source.LLM: (list, "a list of entries with `model_id`"),
}


def convert(
    text: str,
    name: str,
    registry: Registry,
    environ: Mapping[str, str],
    source: Source | None = None,
) -> Imported:
    """Turn a foreign config into a section that validates and resolves.

    Args:
        text: the file's text.
        name: what it is called in messages.
        registry: the providers that plugins describe.
        environ: where addresses that the file takes from the environment are looked up.
        source: whose config it is; None to tell by its content.

    Raises:
        ConfigError: it cannot be read, belongs to no known program, or holds nothing to take over.
    """
    data = read(text, name)
    kind = recognise(data, name) if source is None else source
    shape, expected = _SHAPES[kind]
    if not isinstance(data, shape):
        raise ConfigError(f"{name} is not {kind.described}: it must be {expected}")
    draft = Draft(registry, _referred(text))
    if kind is Source.LITELLM:
        read_litellm(data, draft, registry, environ)
    elif kind is Source.CCR:
        read_claude_code_router(data, draft)
    else:
        read_llm(data, draft)
    section = settle(draft, registry)
    if not section.get("models"):
        raise ConfigError(f"nothing in {name} can be taken over", hint=_reason(draft))
    return Imported(source=kind, section=section, keys=draft.keys(), notes=tuple(draft.notes))


def _referred(text: str) -> set[str]:
    patterns = (deployments.REFERENCE, claude_code_router.REFERENCE)
    return {found[1] for pattern in patterns for found in pattern.finditer(text)}


def _reason(draft: Draft) -> str:
    if not draft.notes:
        return "it names no model"
    first = draft.notes[0]
    return f"{first.where}: {first.what}: {first.why}"
