"""Anthropic."""

from agentbox_cli.api import (
    ErrorKind,
    ErrorPattern,
    ModelKind,
    ModelSpec,
    Price,
    Protocol,
    ProviderSpec,
    hookimpl,
)

CAPABILITIES = frozenset({"tools", "vision", "reasoning", "code"})


# LiteLLM's table has this one for Bedrock only, at these prices.
OPUS_4_1 = Price(input_usd=15, output_usd=75, cached_usd=1.5, cache_written_usd=18.75)


def claude(model_id: str, price: Price | None = None) -> ModelSpec:
    return ModelSpec(id=model_id, context_window=200_000, capabilities=CAPABILITIES, price=price)


@hookimpl
def agentbox_providers() -> list[ProviderSpec]:
    return [
        ProviderSpec(
            name="anthropic",
            title="Anthropic",
            protocols=frozenset({Protocol.ANTHROPIC_MESSAGES}),
            litellm_prefix={ModelKind.CHAT: "anthropic"},
            api_base="https://api.anthropic.com",
            api_key_env="ANTHROPIC_API_KEY",
            models=(
                claude("claude-opus-4-1", OPUS_4_1),
                claude("claude-sonnet-4-5"),
                claude("claude-haiku-4-5"),
            ),
            default_aliases={
                "default": "claude-sonnet-4-5",
                "fast": "claude-haiku-4-5",
                "code": "claude-sonnet-4-5",
                "reasoning": "claude-opus-4-1",
            },
            rank=30,
            error_patterns=(
                ErrorPattern(pattern="credit balance is too low", kind=ErrorKind.PAYMENT),
            ),
            docs_url="https://docs.anthropic.com",
        )
    ]
