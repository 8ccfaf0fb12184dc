"""GWDG SAIA: free for German academia, OpenAI-compatible, with tight request quotas."""

from agentbox_cli.api import (
    FREE,
    ErrorKind,
    ErrorPattern,
    ModelKind,
    ModelSpec,
    Protocol,
    ProviderSpec,
    QuotaWindow,
    RateLimitScope,
    hookimpl,
)

WINDOWS = {"minute": 60, "hour": 3_600, "day": 86_400, "month": 30 * 86_400}


def chat(model_id: str, context_window: int, *capabilities: str) -> ModelSpec:
    # A capability that is not listed makes the proxy skip the link for calls that need it. Whether
    # a model may use tools is the service's setting, so it is left to the service to say no.
    return ModelSpec(
        id=model_id,
        context_window=context_window,
        price=FREE,
        capabilities=frozenset({"tools", *capabilities}),
    )


def window(name: str) -> QuotaWindow:
    # The one reset header speaks of the minute window in practice.
    return QuotaWindow(
        name=name,
        limit_header=f"x-ratelimit-limit-{name}",
        remaining_header=f"x-ratelimit-remaining-{name}",
        reset_header="ratelimit-reset" if name == "minute" else None,
        seconds=WINDOWS[name],
    )


@hookimpl
def agentbox_providers() -> list[ProviderSpec]:
    return [
        ProviderSpec(
            name="gwdg_saia",
            title="GWDG SAIA (Academic Cloud)",
            protocols=frozenset({Protocol.OPENAI_CHAT, Protocol.OPENAI_EMBEDDINGS}),
            # The prefix `openai` would call /responses, which SAIA lacks (measured).
            litellm_prefix={ModelKind.CHAT: "custom_openai", ModelKind.EMBEDDING: "openai"},
            api_base="https://chat-ai.academiccloud.de/v1",
            api_key_env="GWDG_API_KEY",
            models=(
                chat("llama-3.3-70b", 128_000),
                chat("llama-3.3-70b-instruct", 128_000),
                chat("mistral-large", 128_000),
                chat("mistral-large-instruct", 128_000),
                chat("openai-gpt-oss-120b", 128_000, "reasoning"),
                chat("qwen3-32b", 32_768, "reasoning"),
                chat("deepseek-r1", 64_000, "reasoning"),
                chat("codestral-22b", 32_768, "code"),
                chat("qwen3-coder-30b", 128_000, "code"),
                chat("gemma-3-27b-it", 128_000, "vision"),
                chat("qwen2.5-vl-72b-instruct", 32_768, "vision"),
                ModelSpec(
                    id="e5-mistral-7b-instruct",
                    kind=ModelKind.EMBEDDING,
                    context_window=4_096,
                    price=FREE,
                ),
            ),
            default_aliases={
                "default": "llama-3.3-70b",
                "fast": "llama-3.3-70b",
                "code": "codestral-22b",
                "reasoning": "deepseek-r1",
                "vision": "gemma-3-27b-it",
                "embedding": "e5-mistral-7b-instruct",
            },
            rank=20,
            quota_windows=tuple(window(name) for name in WINDOWS),
            rate_limit_scope=RateLimitScope.ACCOUNT,
            error_patterns=(
                ErrorPattern(
                    pattern=r"maximum context length|maximum model length|max_model_len",
                    kind=ErrorKind.CONTEXT_WINDOW,
                    status=400,
                ),
                ErrorPattern(
                    pattern=r"max_tokens.*too large|prompt .*longer than the maximum",
                    kind=ErrorKind.CONTEXT_WINDOW,
                    status=400,
                ),
            ),
            docs_url="https://docs.hpc.gwdg.de/services/saia",
        )
    ]
