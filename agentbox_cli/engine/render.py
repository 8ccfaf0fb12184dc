"""LiteLLM's config as text: one model group per deployment, and nothing for LiteLLM to decide.

Which link is called, how often and for how long is the proxy's business: no fallbacks, no retries,
no cooldowns here. Every deployment points at the proxy's own egress, and secrets are named, never
written.
"""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from agentbox_cli.engine.environment import EGRESS_SECRET_VARIABLE, MASTER_KEY_VARIABLE
from agentbox_cli.providers.model import Protocol
from agentbox_cli.providers.resolved import Deployment, Lane

# What LiteLLM expects of the address, by prefix: its OpenAI clients add `/chat/completions` and
# the like to it, its Anthropic client `/v1/messages` (measured). Providers of other prefixes are
# signed for or addressed by LiteLLM itself, so a call of theirs would not come to the egress.
BASE_SUFFIX: Mapping[str, str] = MappingProxyType(
    {"custom_openai": "/v1", "openai": "/v1", "hosted_vllm": "/v1", "anthropic": ""}
)

# The proxy bounds the time of a call; LiteLLM must only never be the first to give up.
TIMEOUT_SECONDS = 86_400


# Fields of other protocols that LiteLLM neither translates nor drops on the way to an OpenAI-style
# provider: its client takes none it does not know, and the call ends as a 500 (measured).
UNTRANSLATED = (
    "betas",
    "cache_control",
    "inference_geo",
    "max_tool_calls",
    "mcp_servers",
    "speed",
    "top_k",
)


def translatable(deployments: Iterable[Deployment]) -> tuple[Deployment, ...]:
    """The deployments that LiteLLM is told of, once each; the index is the egress path's.

    A deployment without a key is left out: LiteLLM would try another provider's (measured).
    """
    named = {deployment.name: deployment for deployment in deployments}
    return tuple(
        deployment
        for deployment in named.values()
        if deployment.provider.usable and _prefix(deployment) in BASE_SUFFIX
    )


def needs_engine(deployments: Iterable[Deployment]) -> bool:
    """Whether any call to these deployments has to be translated."""
    return any(
        deployment.lane(protocol) is Lane.LITELLM
        for deployment in translatable(deployments)
        for protocol in Protocol
    )


def render(deployments: Iterable[Deployment], egress_url: str) -> str:
    """LiteLLM's config: JSON, which every YAML reader takes literally.

    Args:
        deployments: what may be called; those that LiteLLM cannot serve are left out.
        egress_url: where the proxy waits for LiteLLM's calls, without a slash at the end.
    """
    groups = [
        _model_group(index, deployment, egress_url)
        for index, deployment in enumerate(translatable(deployments))
    ]
    return json.dumps({"model_list": groups, **_SETTINGS}, indent=2) + "\n"


def _model_group(index: int, deployment: Deployment, egress_url: str) -> dict[str, Any]:
    prefix = _prefix(deployment)
    return {
        "model_name": deployment.name,
        "litellm_params": {
            "model": f"{prefix}/{deployment.model.id}",
            # By number, for a model's id may hold slashes and anything else.
            "api_base": f"{egress_url}/{index}{BASE_SUFFIX[prefix]}",
            "api_key": f"os.environ/{EGRESS_SECRET_VARIABLE}",
            "max_retries": 0,
            "num_retries": 0,
            "timeout": TIMEOUT_SECONDS,
            "stream_timeout": TIMEOUT_SECONDS,
            # Nobody hears what it would tell of a call, and the telling takes its time (measured).
            "no-log": True,
            "additional_drop_params": [] if prefix == "anthropic" else list(UNTRANSLATED),
        },
    }


def _prefix(deployment: Deployment) -> str:
    return deployment.provider.spec.litellm_prefix.get(deployment.model.kind, "")


_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "litellm_settings": {
            "drop_params": True,
            "num_retries": 0,
            "request_timeout": TIMEOUT_SECONDS,
            "telemetry": False,
            # A model's name alone would make it look for a tokenizer on the internet (measured).
            "disable_hf_tokenizer_download": True,
        },
        "router_settings": {
            "num_retries": 0,
            "disable_cooldowns": True,
            "timeout": TIMEOUT_SECONDS,
            "stream_timeout": TIMEOUT_SECONDS,
        },
        "general_settings": {
            "master_key": f"os.environ/{MASTER_KEY_VARIABLE}",
            # Carries the attempt's id back to the egress.
            "forward_client_headers_to_llm_api": True,
            # Otherwise it asks every address for its models, again and again (measured).
            "disable_model_info_refresh": True,
            "disable_spend_logs": True,
            "disable_error_logs": True,
            "background_health_checks": False,
        },
    }
)
