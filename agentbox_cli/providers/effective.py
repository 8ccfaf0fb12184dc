"""What a config amounts to: every default filled in, as plain data without keys."""

from typing import Any

from pydantic import SecretStr

from agentbox_cli.config.masking import starred_data
from agentbox_cli.config.references import is_clear
from agentbox_cli.providers.resolved import Chain, Resolved, ResolvedProvider

MASK = "********"

# What is shown from the resolved config, not from the file.
_RESOLVED = {"providers", "models", "fallbacks", "router"}


def effective(resolved: Resolved) -> dict[str, Any]:
    """The `litellm` section as the proxy takes it: also what plugins add, without keys."""
    # A password may stand in an address, and a key where none belongs.
    section: dict[str, Any] = starred_data(_section(resolved))
    return section


def _section(resolved: Resolved) -> dict[str, Any]:
    config, router, toggles = resolved.config, resolved.router, resolved.toggles
    configured = [each for each in resolved.providers.values() if each.configured]
    return {
        "enabled": config.enabled,
        "port": config.port,
        "providers": {each.name: _provider(each, resolved) for each in configured},
        "models": {alias: _links(chain) for alias, chain in resolved.chains.items()},
        "fallbacks": {
            "on_rate_limit": toggles.on_rate_limit,
            "on_context_window": toggles.on_context_window,
            "on_error": toggles.on_error,
            "on_content_policy": toggles.on_content_policy,
        },
        "router": {
            "num_retries": router.num_retries,
            "timeout": _short(router.timeout),
            "stream_timeout": _short(router.stream_timeout),
            "connect_timeout": _short(router.connect_timeout),
            "total_timeout": _short(router.total_timeout),
            "retry_after_seconds": _short(router.retry_after_seconds),
        },
        **config.model_dump(mode="json", exclude={"enabled", "port", *_RESOLVED}),
    }


def _provider(provider: ResolvedProvider, resolved: Resolved) -> dict[str, Any]:
    entry = resolved.config.providers[provider.name]
    variable = provider.spec.api_key_env
    key = entry.api_key or (SecretStr(f"${{{variable}}}") if variable else None)
    return {
        "api_base": provider.api_base,
        "api_key": _without_key(key) if key else None,
        "protocol": entry.protocol,
        "headers": {name: _without_key(value) for name, value in entry.headers.items()},
    }


def _without_key(template: SecretStr) -> str:
    text = template.get_secret_value()
    return MASK if is_clear(text) else text


def _links(chain: Chain) -> list[dict[str, Any]]:
    return [
        {
            "provider": link.deployment.provider.name,
            "model": link.deployment.model.id,
            "timeout": _short(link.timeout),
            "stream_timeout": _short(link.stream_timeout),
            "connect_timeout": _short(link.connect_timeout),
            "max_input_tokens": link.max_input_tokens,
            "drop_params": sorted(link.drop_params),
        }
        for link in chain.links
    ]


def _short(seconds: float | None) -> float | None:
    # 120.0 and 120 are the same; people write the second.
    return int(seconds) if seconds is not None and seconds.is_integer() else seconds
