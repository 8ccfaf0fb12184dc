"""Google's Gemini API, in its own protocol and in OpenAI's."""

from agentbox_cli.api import (
    ErrorKind,
    ErrorPattern,
    ModelKind,
    ModelSpec,
    Protocol,
    ProviderSpec,
    hookimpl,
)

WINDOW = 1_048_576
CAPABILITIES = frozenset({"tools", "vision", "reasoning", "code"})


def gemini(model_id: str) -> ModelSpec:
    return ModelSpec(id=model_id, context_window=WINDOW, capabilities=CAPABILITIES)


@hookimpl
def agentbox_providers() -> list[ProviderSpec]:
    return [
        ProviderSpec(
            name="gemini",
            title="Google Gemini",
            protocols=frozenset(
                {
                    Protocol.GOOGLE_GENERATE,
                    Protocol.OPENAI_CHAT,
                    Protocol.OPENAI_EMBEDDINGS,
                }
            ),
            # By LiteLLM's own prefix its calls would not come back to the proxy.
            litellm_prefix={ModelKind.CHAT: "custom_openai", ModelKind.EMBEDDING: "openai"},
            # The OpenAI-style address, below which Google's own protocol has its paths.
            api_base="https://generativelanguage.googleapis.com/v1beta/openai",
            api_key_env="GEMINI_API_KEY",
            models=(
                gemini("gemini-2.5-pro"),
                gemini("gemini-2.5-flash"),
                gemini("gemini-2.5-flash-lite"),
                ModelSpec(
                    id="gemini-embedding-001", kind=ModelKind.EMBEDDING, context_window=2_048
                ),
            ),
            default_aliases={
                "default": "gemini-2.5-flash",
                "fast": "gemini-2.5-flash-lite",
                "code": "gemini-2.5-pro",
                "reasoning": "gemini-2.5-pro",
            },
            rank=40,
            error_patterns=(
                ErrorPattern(
                    pattern="api key not valid|api key expired", kind=ErrorKind.AUTH, status=400
                ),
                ErrorPattern(
                    pattern=r"input token count .*exceeds the maximum",
                    kind=ErrorKind.CONTEXT_WINDOW,
                    status=400,
                ),
            ),
            docs_url="https://ai.google.dev/gemini-api/docs",
        )
    ]
