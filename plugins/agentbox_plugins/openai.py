"""OpenAI."""

from agentbox_cli.api import (
    ErrorKind,
    ErrorPattern,
    ModelKind,
    ModelSpec,
    Protocol,
    ProviderSpec,
    hookimpl,
)

CHAT = frozenset({"tools", "vision"})
REASONING = frozenset({"tools", "vision", "reasoning"})
# Reasoning models count their thinking as output and sample by themselves.
REASONING_RENAME = {"max_tokens": "max_completion_tokens"}
REASONING_DROP = frozenset(
    {"temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs"}
)


def reasoning(model_id: str, context_window: int) -> ModelSpec:
    return ModelSpec(
        id=model_id,
        context_window=context_window,
        capabilities=REASONING,
        rename=REASONING_RENAME,
        drop=REASONING_DROP,
    )


@hookimpl
def agentbox_providers() -> list[ProviderSpec]:
    return [
        ProviderSpec(
            name="openai",
            title="OpenAI",
            protocols=frozenset(
                {
                    Protocol.OPENAI_CHAT,
                    Protocol.OPENAI_EMBEDDINGS,
                    Protocol.OPENAI_RESPONSES,
                }
            ),
            litellm_prefix={ModelKind.CHAT: "custom_openai", ModelKind.EMBEDDING: "openai"},
            api_base="https://api.openai.com/v1",
            api_key_env="OPENAI_API_KEY",
            models=(
                ModelSpec(id="gpt-4o", context_window=128_000, capabilities=CHAT),
                ModelSpec(id="gpt-4o-mini", context_window=128_000, capabilities=CHAT),
                ModelSpec(id="gpt-4.1", context_window=1_047_576, capabilities=CHAT),
                ModelSpec(id="gpt-4.1-mini", context_window=1_047_576, capabilities=CHAT),
                reasoning("o1", 200_000),
                reasoning("o3", 200_000),
                reasoning("o4-mini", 200_000),
                reasoning("gpt-5", 400_000),
                reasoning("gpt-5-mini", 400_000),
                ModelSpec(
                    id="text-embedding-3-small", kind=ModelKind.EMBEDDING, context_window=8_191
                ),
                ModelSpec(
                    id="text-embedding-3-large", kind=ModelKind.EMBEDDING, context_window=8_191
                ),
            ),
            default_aliases={
                "default": "gpt-4o",
                "fast": "gpt-4o-mini",
                "code": "gpt-4o",
                "reasoning": "o1",
                "embedding": "text-embedding-3-small",
            },
            rank=10,
            idempotency_key=True,
            error_patterns=(
                ErrorPattern(
                    pattern="exceeded your current quota", kind=ErrorKind.QUOTA, status=429
                ),
            ),
            docs_url="https://platform.openai.com/docs",
        )
    ]
