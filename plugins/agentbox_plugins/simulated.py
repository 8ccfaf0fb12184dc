"""A provider without a network: the daemon itself answers, or fails, as the model's name says."""

from agentbox_cli.api import FREE, ModelKind, ModelSpec, Protocol, ProviderSpec, hookimpl

MODELS = ("echo", "rate-limited", "down", "hang")


@hookimpl
def agentbox_providers() -> list[ProviderSpec]:
    return [
        ProviderSpec(
            name="simulated",
            title="Simulated (answers without a network)",
            protocols=frozenset(Protocol),
            litellm_prefix={ModelKind.CHAT: "custom_openai", ModelKind.EMBEDDING: "openai"},
            models=tuple(ModelSpec(id=name, price=FREE) for name in MODELS),
            rank=90,
            served_here=True,
        )
    ]
