"""LiteLLM's settings: which become ours, and why the others have no counterpart."""

import math
from collections.abc import Mapping
from typing import Any

from agentbox_cli.config.document import Path
from agentbox_cli.providers.importing.draft import Draft
from agentbox_cli.providers.importing.values import is_number_in, mapping

SECTIONS = {
    "general_settings": "they are about LiteLLM's own server; agentbox guards its port itself",
    "environment_variables": "set them yourself, or in the .env beside config.yml",
    "mcp_servers": "they are no part of a chain",
    "include": "import each of these files on its own",
}

_IN_ORDER = "links are tried in their order, the first one first"
_LEARNED = "quotas are learned from what a provider answers"
_COOLDOWN = "a failing link cools down at once, for router.retry_after_seconds"
_RETRIES = "retries are the same for every link: router.num_retries"
_ALONE = "the proxy is one process and keeps its state itself"
_PASSED = "calls go out with the parameters that the client sends"
_PRICES = "prices come from the plugin or the price table"
_CALLBACKS = "there are no callbacks"
_CACHE = "answers are not cached"

# By the beginning of the name, the longest first.
_WHY = {
    "allowed_fails": _COOLDOWN,
    "api_version": "only LiteLLM knows how to use it",
    "budget": "budgets of LiteLLM need its database",
    "cache": _CACHE,
    "callback": _CALLBACKS,
    "cooldown": _COOLDOWN,
    "drop_params": f"{_PASSED}; drop_params of a link names those that it must not get",
    "failure_callback": _CALLBACKS,
    "frequency_penalty": _PASSED,
    "guardrails": "there are none",
    "input_cost": _PRICES,
    "max_budget": "budgets of LiteLLM need its database",
    "max_fallbacks": "a chain is tried to its end",
    "max_parallel": _LEARNED,
    "max_retries": _RETRIES,
    "max_output_tokens": _PASSED,
    "max_tokens": _PASSED,
    "merge_reasoning": _PASSED,
    "mock_": "answers come from providers; `simulated` is one for drills",
    "model_group_retry_policy": _RETRIES,
    "num_retries": _RETRIES,
    "organization": "add it as a header of the provider",
    "output_cost": _PRICES,
    "presence_penalty": _PASSED,
    "reasoning_effort": _PASSED,
    "redis": _ALONE,
    "retry_after": _RETRIES,
    "retry_policy": _RETRIES,
    "routing": _IN_ORDER,
    "rpm": _LEARNED,
    "success_callback": _CALLBACKS,
    "supports_": "what a model can do, the plugin of its provider tells",
    "temperature": _PASSED,
    "thinking": _PASSED,
    "top_p": _PASSED,
    "tpm": _LEARNED,
    "weight": _IN_ORDER,
}

# Settings of a deployment that become part of a link or of its provider.
LINK_SETTINGS = frozenset(
    {
        "additional_drop_params",
        "api_base",
        "api_key",
        "base_url",
        "custom_llm_provider",
        "extra_headers",
        "headers",
        "litellm_credential_name",
        "model",
        "order",
        "stream_timeout",
        "timeout",
    }
)
# Settings of the router that become part of chains or of ours.
SETTINGS = frozenset(
    {
        "content_policy_fallbacks",
        "context_window_fallbacks",
        "cooldown_time",
        "default_fallbacks",
        "fallbacks",
        "model_group_alias",
        "num_retries",
        "request_timeout",
        "stream_timeout",
        "timeout",
    }
)
# What agentbox does anyway, or what changes nothing about a call.
SILENT = frozenset(
    {
        "debug_level",
        "enable_pre_call_checks",
        "json_logs",
        "set_verbose",
        "stream",
        "telemetry",
        "tags",
        "use_in_pass_through",
    }
)

# What is told of a model, or names it, and changes nothing about a call.
INFO = frozenset(
    {"base_model", "db_model", "description", "id", "max_input_tokens", "mode", "order"}
)

# Ours, theirs, and the bounds of ours.
_ROUTER: tuple[tuple[str, tuple[str, ...], float, float], ...] = (
    ("num_retries", ("num_retries",), 0, 10),
    ("timeout", ("timeout", "request_timeout"), 0.001, 86_400),
    ("stream_timeout", ("stream_timeout",), 0.001, 86_400),
    ("retry_after_seconds", ("cooldown_time",), 0, 86_400),
)


def said(key: Any) -> str:
    """A setting's name as words."""
    return str(key).replace("_", " ")


def why_not(key: Any) -> str:
    """Why a setting of LiteLLM has no counterpart."""
    beginnings = sorted((known for known in _WHY if str(key).startswith(known)), key=len)
    return _WHY[beginnings[-1]] if beginnings else "agentbox has no such setting"


def take_router(data: Mapping[Any, Any], draft: Draft) -> None:
    """Take over retries, deadlines and cooldown; `router_settings` come before the others."""
    for ours, theirs, low, high in _ROUTER:
        for section in ("router_settings", "litellm_settings"):
            for key in theirs:
                value = mapping(data.get(section)).get(key)
                if value is not None and ours not in draft.router:
                    _take(draft, ours, value, (low, high), (section, key))


def _take(draft: Draft, ours: str, value: Any, bounds: tuple[float, float], path: Path) -> None:
    low, high = bounds
    if not is_number_in(value, low, math.inf):
        draft.note(path, said(path[-1]), f"router.{ours} must be a number, {low} or more")
        return
    fitting = min(value, high)
    if ours == "num_retries":
        fitting = int(fitting)
    if fitting != value:
        draft.note(path, said(path[-1]), f"router.{ours} is {fitting} at most")
    draft.router[ours] = (fitting, path)
