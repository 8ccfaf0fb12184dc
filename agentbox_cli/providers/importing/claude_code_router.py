"""claude-code-router's config.json: routes become aliases, fallback lists become links."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from agentbox_cli.config.document import Path
from agentbox_cli.providers.importing.draft import Credential, Draft, Step
from agentbox_cli.providers.importing.model import Speaks
from agentbox_cli.providers.importing.places import Endpoint
from agentbox_cli.providers.importing.values import is_number_in, listed, mapping

REFERENCE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")

# The router's routes and the aliases that agents know; any other route keeps its name.
_ALIASES = {
    "default": "default",
    "background": "fast",
    "think": "reasoning",
    "longContext": "long-context",
    "webSearch": "web-search",
}
_LONG = "longContext"
# Claude Code asks for its own models; the router sends the small one to `background`.
_PATTERNS = (("claude-*haiku*", "background"), ("claude-*", "default"))

_WHY = {
    "APIKEY": "agentbox makes a key of its own: agentbox litellm key",
    "CUSTOM_ROUTER_PATH": "calls are routed by the name they ask for, never by a script",
    "HOST": "the proxy listens on loopback; litellm.bind changes that",
    "PORT": "the proxy has a port of its own: litellm.port",
    "PROXY_URL": "set HTTPS_PROXY",
    "transformers": "there are none: calls pass unchanged, or LiteLLM translates them",
}
_SILENT = frozenset(
    {
        "API_TIMEOUT_MS",
        "CLAUDE_PATH",
        "LOG",
        "LOG_LEVEL",
        "NON_INTERACTIVE_MODE",
        "Providers",
        "Router",
        "StatusLine",
        "fallback",
        "metadata",
    }
)
_TRANSFORMER = "there are none: calls pass unchanged, or LiteLLM translates them"
_ENTRY_KEYS = frozenset({"name", "api_base_url", "api_key", "models", "transformer"})
_DAY_MS = 86_400_000
_LONGEST = 12

Routes = dict[str, Step]


def read_claude_code_router(data: Mapping[Any, Any], draft: Draft) -> None:
    """Fill a draft from the config of claude-code-router."""
    offered = _offered(data.get("Providers"), draft)
    routed = dict(_routes(data, offered, draft))
    used = {(step.provider, step.model) for steps in routed.values() for step in steps}
    others = [name for name, step in offered.items() if (step.provider, step.model) not in used]
    draft.name_aliases([*routed, *others], ("Providers",))
    for name, steps in routed.items():
        draft.chain(draft.alias(name), steps)
    for name in others:
        draft.chain(draft.alias(name), [offered[name]])
    for glob, route in _PATTERNS:
        if _ALIASES[route] in routed:
            draft.pattern(glob, _ALIASES[route], ("Router", route), is_glob=True)
    _take_timeout(data, draft)
    for key in data:
        if key not in _SILENT and data[key] not in (None, "", [], {}):
            why = _WHY.get(str(key), "agentbox has no such setting")
            draft.note((str(key),), "setting", why)


def _offered(entries: Any, draft: Draft) -> Routes:
    """Every model of every provider, by the name that the router gives it: `provider,model`."""
    found: Routes = {}
    for index, entry in enumerate(listed(entries)):
        path: Path = ("Providers", index)
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            draft.note(path, "entry", "it has no name")
            continue
        provider = _account(entry, path, draft)
        if provider is None:
            continue
        _note_rest(entry, path, draft)
        for number, model in enumerate(listed(entry.get("models"))):
            at: Path = (*path, "models", number)
            if isinstance(model, str) and model:
                name = f"{entry['name']},{model}"
                found.setdefault(name, Step(provider=provider, model=model, path=at))
            else:
                draft.note(at, "model", "it is no text")
    return found


def _account(entry: Mapping[Any, Any], path: Path, draft: Draft) -> str | None:
    address = entry.get("api_base_url")
    if not isinstance(address, str) or not address:
        draft.note((*path, "api_base_url"), "address", "it is missing, or no text")
        return None
    base, speaks = _our_base(address, _transformers(entry))
    if base is None:
        draft.note((*path, "api_base_url"), "address", "only this router knows how to call it")
        return None
    endpoint = Endpoint(name=entry["name"], api_base=base, speaks=speaks, is_named=True)
    return draft.account(endpoint, _credential(entry, path, draft), {}, path)


def _our_base(address: str, transformers: list[str]) -> tuple[str | None, Speaks]:
    """The address as we write one, without the path of one endpoint, and its protocol."""
    base = address.rstrip("/")
    if "generativelanguage.googleapis.com" in base:
        return f"{base.split('/v1beta')[0]}/v1beta/openai", "openai"
    if "v1internal" in base:
        return None, "openai"
    if base.endswith("/messages") or transformers == ["anthropic"]:
        return base.removesuffix("/messages").removesuffix("/v1"), "anthropic"
    for end in ("/chat/completions", "/responses", "/completions"):
        base = base.removesuffix(end)
    return base, "openai"


def _transformers(entry: Mapping[Any, Any]) -> list[str]:
    used = listed(mapping(entry.get("transformer")).get("use"))
    names = [one[0] if isinstance(one, list) and one else one for one in used]
    return [name.lower() for name in names if isinstance(name, str)]


def _credential(entry: Mapping[Any, Any], path: Path, draft: Draft) -> Credential:
    key = entry.get("api_key")
    if not isinstance(key, str):
        if key is not None:
            draft.note((*path, "api_key"), "key", "it is no text; the usual variable is used")
        return Credential()
    reference = REFERENCE.fullmatch(key.strip())
    return Credential(variable=reference[1]) if reference else Credential(key=key)


def _note_rest(entry: Mapping[Any, Any], path: Path, draft: Draft) -> None:
    used = _transformers(entry)
    special = mapping(entry.get("transformer")).keys() - {"use"}
    if special or [name for name in used if name != "anthropic"]:
        draft.note((*path, "transformer"), "transformer", _TRANSFORMER)
    for key in entry:
        if key not in _ENTRY_KEYS:
            draft.note((*path, str(key)), "setting", "agentbox has no such setting")


def _routes(
    data: Mapping[Any, Any], offered: Routes, draft: Draft
) -> Iterator[tuple[str, list[Step]]]:
    """The chain of each route: its model, those to fall back to, and the one for long prompts."""
    routes = mapping(data.get("Router"))
    long = _chain(data, _LONG, routes.get(_LONG), offered, draft)
    for route, target in routes.items():
        if route == "longContextThreshold":
            why = "a prompt moves on when it does not fit the model that was asked"
            draft.note(("Router", route), "threshold", why)
            continue
        steps = _chain(data, str(route), target, offered, draft)
        if not steps:
            continue
        if route in ("webSearch", "image"):
            why = f"calls are not routed by their content; ask for {_alias(str(route))!r}"
            draft.note(("Router", str(route)), "route", why)
        if route in ("default", "background", "think"):
            steps = [*steps, *long]
        yield _alias(str(route)), steps
    if long:
        why = "the last link of default, fast and reasoning, for what does not fit the others"
        draft.note(("Router", _LONG), "route", why)


def _alias(route: str) -> str:
    return _ALIASES.get(route, route)


def _chain(
    data: Mapping[Any, Any], route: str, target: Any, offered: Routes, draft: Draft
) -> list[Step]:
    if target in (None, ""):
        return []
    after = listed(mapping(data.get("fallback")).get(route))
    named: list[tuple[Any, Path]] = [(target, ("Router", route))]
    named += [(name, ("fallback", route, index)) for index, name in enumerate(after)]
    steps = []
    for name, path in named:
        step = offered.get(_normal(name)) if isinstance(name, str) else None
        if step is None:
            draft.note(path, "route", "it names no provider,model that was taken over")
        else:
            steps.append(step)
    return steps


def _normal(name: str) -> str:
    provider, _, model = name.partition(",")
    return f"{provider.strip()},{model.strip()}"


def _take_timeout(data: Mapping[Any, Any], draft: Draft) -> None:
    given = data.get("API_TIMEOUT_MS")
    if isinstance(given, str) and given.isdecimal() and len(given) < _LONGEST:
        given = int(given)
    if is_number_in(given, 1, _DAY_MS):
        seconds = given / 1000
        whole = int(seconds) if seconds.is_integer() else seconds
        draft.router["timeout"] = (whole, ("API_TIMEOUT_MS",))
    elif given is not None:
        draft.note(("API_TIMEOUT_MS",), "timeout", "it is no number of milliseconds, up to a day")
