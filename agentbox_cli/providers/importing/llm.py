"""llm's extra-openai-models.yaml: each model becomes an alias with one link."""

from collections.abc import Mapping, Sequence
from typing import Any

from agentbox_cli.config.document import Path
from agentbox_cli.providers.importing.credentials import is_placeholder, usual_variable
from agentbox_cli.providers.importing.draft import Credential, Draft, Step
from agentbox_cli.providers.importing.places import Endpoint
from agentbox_cli.providers.importing.values import listed, mapping

_AZURE = ("api_type", "api_version", "api_engine")
_USED = frozenset({"model_id", "model_name", "api_base", "api_key_name", "aliases", "headers"})
# What llm offers for a model; the proxy passes on whatever the model can do.
_SILENT = frozenset({"vision", "audio", "reasoning", "supports_schema", "supports_tools"})
_WHY = {
    "can_stream": "a client that streams is streamed to",
    "completion": "ask for it on /v1/completions",
}


def read_llm(entries: Sequence[Any], draft: Draft) -> None:
    """Fill a draft from llm's list of models."""
    steps: dict[str, tuple[Step, Mapping[Any, Any], Path]] = {}
    for index, entry in enumerate(entries):
        path: Path = (index,)
        name = mapping(entry).get("model_id")
        if not isinstance(name, (str, int)) or name == "":
            draft.note(path, "entry", "it has no model_id")
        elif str(name) in steps:
            draft.note((*path, "model_id"), "entry", "an entry above has this model_id")
        elif (step := _step(entry, str(name), path, draft)) is not None:
            steps[str(name)] = (step, entry, path)
    draft.name_aliases(steps, ())
    for name, (step, entry, path) in steps.items():
        draft.chain(draft.alias(name), [step])
        _more_names(entry, name, path, draft)


def _step(entry: Mapping[Any, Any], name: str, path: Path, draft: Draft) -> Step | None:
    for key in _AZURE:
        if entry.get(key):
            draft.note((*path, key), "Azure", "only LiteLLM knows how to call this provider")
            return None
    model = entry.get("model_name", name)
    address = entry.get("api_base")
    if not isinstance(model, str) or (address is not None and not isinstance(address, str)):
        draft.note(path, "entry", "model_name and api_base must be text")
        return None
    provider = draft.account(
        Endpoint(name="openai", api_base=address.strip().rstrip("/") if address else None),
        _credential(entry, path, draft),
        mapping(entry.get("headers")),
        path,
    )
    for key in entry:
        if key not in _USED and key not in _SILENT:
            why = _WHY.get(str(key), "agentbox has no such setting")
            draft.note((*path, str(key)), "setting", why)
    return None if provider is None else Step(provider=provider, model=model, path=path)


def _credential(entry: Mapping[Any, Any], path: Path, draft: Draft) -> Credential:
    """The variable for a key that llm keeps in its keys.json under a name."""
    name = entry.get("api_key_name")
    if not isinstance(name, str) or is_placeholder(name):
        return Credential()
    variable = usual_variable(name)
    why = f"llm keeps this key in its keys.json; set {variable} to it"
    draft.note((*path, "api_key_name"), "stored key", why)
    return Credential(variable=variable)


def _more_names(entry: Mapping[Any, Any], name: str, path: Path, draft: Draft) -> None:
    for index, other in enumerate(listed(entry.get("aliases"))):
        if isinstance(other, (str, int)):
            draft.pattern(str(other), draft.alias(name), (*path, "aliases", index))
