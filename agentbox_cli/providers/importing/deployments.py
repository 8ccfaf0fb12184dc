"""The deployments of LiteLLM's `model_list`, as links."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from agentbox_cli.config.document import Path
from agentbox_cli.providers.importing.draft import Credential, Draft, Step
from agentbox_cli.providers.importing.places import Endpoint, is_known
from agentbox_cli.providers.importing.settings import INFO, LINK_SETTINGS, SILENT, said, why_not
from agentbox_cli.providers.importing.values import is_number_in, listed, mapping
from agentbox_cli.providers.registry import Registry

REFERENCE = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)")

_OPENAI_MODEL = re.compile(r"(?:ft:)?(?:gpt-|chatgpt-|o\d|text-embedding-)")
_LAST = 1_000_000
_A_MOMENT, _DAY = 0.001, 86_400
_MOST_TOKENS = 10**9

Groups = dict[str, list[Step]]


class _UnusableError(Exception):
    """A deployment that cannot become a link; the note about it is made."""


class DeploymentReader:
    """Turns the entries of `model_list` into links.

    Args:
        draft: where providers and notes go.
        registry: the providers that plugins describe.
        environ: where addresses that the file takes from the environment are looked up.
        credentials: the entries of `credential_list`, by their name.
    """

    def __init__(
        self,
        draft: Draft,
        registry: Registry,
        environ: Mapping[str, str],
        credentials: Mapping[str, Mapping[Any, Any]],
    ) -> None:
        self._draft = draft
        self._registry = registry
        self._environ = environ
        self._credentials = credentials

    def groups(self, entries: Any) -> Groups:
        """The links of each model group, in the order in which LiteLLM prefers them."""
        ranked: dict[str, list[tuple[int, Step]]] = {}
        for index, entry in enumerate(listed(entries)):
            path: Path = ("model_list", index)
            name = mapping(entry).get("model_name")
            if not isinstance(name, (str, int)) or name == "":
                self._draft.note(path, "entry", "it has no model_name")
                continue
            try:
                step = self._step(entry, path)
            except _UnusableError:
                continue
            ranked.setdefault(str(name), []).append((_order(entry), step))
        return {
            name: [step for _, step in sorted(steps, key=lambda found: found[0])]
            for name, steps in ranked.items()
        }

    def _step(self, entry: Mapping[Any, Any], path: Path) -> Step:
        own = entry.get("litellm_params")
        if not isinstance(own, dict):
            raise self._unusable(path, "entry", "it has no litellm_params")
        at: Path = (*path, "litellm_params")
        params = {**self._credentials.get(str(own.get("litellm_credential_name")), {}), **own}
        endpoint, model = self._endpoint(params, at)
        provider = self._draft.account(
            endpoint,
            self._credential(params, at),
            mapping(params.get("extra_headers") or params.get("headers")),
            at,
        )
        if provider is None:
            raise _UnusableError
        if "api_key" not in params and self._draft.has_no_key(provider):
            why = "it is called without one; LiteLLM would send OPENAI_API_KEY to it"
            self._draft.note(at, "no api_key", why)
        for key in params:
            if key not in LINK_SETTINGS and key not in SILENT:
                self._draft.note((*at, str(key)), said(key), why_not(key))
        info = mapping(entry.get("model_info"))
        for key in info:
            if key not in INFO:
                self._draft.note((*path, "model_info", str(key)), said(key), why_not(key))
        options = dict(self._options(params, info, at))
        return Step(provider=provider, model=model, path=at, options=options)

    def _endpoint(self, params: Mapping[Any, Any], at: Path) -> tuple[Endpoint, str]:
        named = params.get("model")
        if not isinstance(named, str) or not named.strip():
            raise self._unusable((*at, "model"), "model", "it is missing, or no text")
        key = "api_base" if params.get("api_base") else "base_url"
        address = self._looked_up(params.get(key), (*at, key))
        whole = self._looked_up(named, (*at, "model")) or ""
        prefix, model = _split(whole, params.get("custom_llm_provider"), address, self._registry)
        if prefix is None:
            raise self._unusable((*at, "model"), "model", "LiteLLM itself wants a provider/ here")
        if "*" in model:
            raise self._unusable((*at, "model"), "wildcard", "a link names one model")
        endpoint = Endpoint(
            name=prefix,
            api_base=_our_base(address, prefix) if address else None,
            speaks="anthropic" if prefix == "anthropic" else "openai",
        )
        return endpoint, model

    def _credential(self, params: Mapping[Any, Any], at: Path) -> Credential:
        key = params.get("api_key")
        if isinstance(key, str):
            reference = REFERENCE.fullmatch(key.strip())
            return Credential(variable=reference[1]) if reference else Credential(key=key)
        if key is not None:
            self._draft.note((*at, "api_key"), "key", "it is no text; the usual variable is used")
        return Credential()

    def _options(
        self, params: Mapping[Any, Any], info: Mapping[Any, Any], at: Path
    ) -> Iterator[tuple[str, Any]]:
        for name in ("timeout", "stream_timeout"):
            seconds = params.get(name)
            if is_number_in(seconds, _A_MOMENT, _DAY):
                yield name, seconds
            elif seconds is not None:
                why = "it is no number of seconds, up to a day"
                self._draft.note((*at, name), said(name), why)
        tokens = info.get("max_input_tokens")
        if is_number_in(tokens, 1, _MOST_TOKENS):
            yield "max_input_tokens", int(tokens)
        dropped = [one for one in listed(params.get("additional_drop_params")) if _is_text(one)]
        if dropped:
            yield "drop_params", dropped

    def _looked_up(self, value: Any, path: Path) -> str | None:
        """A text that is no key; `os.environ/NAME` is looked up now, and only now."""
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self._unusable(path, said(path[-1]), "it is no text")
        reference = REFERENCE.fullmatch(value.strip())
        if reference is None:
            return value.strip()
        found = self._environ.get(reference[1], "").strip()
        what = "from the environment"
        if not found:
            why = f"{reference[1]} is not set, and agentbox takes keys alone from the environment"
            raise self._unusable(path, what, why)
        self._draft.note(
            path, what, f"{reference[1]} as it is now; it will not be looked up again"
        )
        return found

    def _unusable(self, path: Path, what: str, why: str) -> _UnusableError:
        self._draft.note(path, what, why)
        return _UnusableError()


def _split(
    model: str, named: Any, address: str | None, registry: Registry
) -> tuple[str | None, str]:
    """LiteLLM's prefix and the provider's own model id."""
    head, slash, rest = model.partition("/")
    if isinstance(named, str) and named:
        return named, rest if slash and head == named else model
    if slash and (is_known(head, registry) or address is None):
        return head, rest.removeprefix("responses/") if head == "openai" else rest
    if _OPENAI_MODEL.match(model):
        return "openai", model
    if model.startswith("claude-"):
        return "anthropic", model
    return ("openai" if address else None), model


def _order(entry: Mapping[Any, Any]) -> int:
    # With `order` in a group LiteLLM never asks the deployments that have none.
    for section in ("litellm_params", "model_info"):
        order = mapping(entry.get(section)).get("order")
        if isinstance(order, int):
            return order
    return _LAST


def _our_base(address: str, prefix: str) -> str:
    base = address.rstrip("/")
    for end in ("/chat/completions", "/v1/messages", "/messages"):
        base = base.removesuffix(end)
    if prefix == "anthropic":
        return base.removesuffix("/v1")
    if prefix in ("ollama", "ollama_chat") and not base.endswith("/v1"):
        return f"{base}/v1"  # LiteLLM calls Ollama's own API, which has another address
    return base


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
