"""Acme, an OpenAI-compatible provider."""

from agentbox_cli.api import ModelKind, ModelSpec, Price, Protocol, ProviderSpec, hookimpl


@hookimpl
def agentbox_providers() -> list[ProviderSpec]:
    return [
        ProviderSpec(
            name="acme",
            title="Acme",
            protocols=frozenset({Protocol.OPENAI_CHAT}),
            litellm_prefix={ModelKind.CHAT: "custom_openai"},
            api_base="https://api.acme.example/v1",
            api_key_env="ACME_API_KEY",
            models=(
                ModelSpec(
                    id="acme-large",
                    context_window=128_000,
                    price=Price(input_usd=1.0, output_usd=4.0),
                    capabilities=frozenset({"tools"}),
                ),
            ),
            default_aliases={"default": "acme-large"},
            docs_url="https://acme.example/docs",
        )
    ]
