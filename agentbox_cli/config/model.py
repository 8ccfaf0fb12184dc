"""The `litellm:` section of config.yml as validated, frozen data.

Every other top-level section belongs to somebody else and is neither read nor validated.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from agentbox_cli.config.mcp_servers import SERVER_NAME, McpServerConfig, ServerName
from agentbox_cli.config.section import Section
from agentbox_cli.config.shapes import (
    HEADER_NAME,
    HTTP_URL,
    MODEL_ID,
    NAME,
    HeaderName,
    HttpUrl,
    ModelId,
    Name,
    Seconds,
    keys_shaped,
    shaped,
)
from agentbox_cli.config.spending import BudgetsConfig, UsageConfig

DEFAULT_PORT = 4000

PortNumber = Annotated[int, Field(ge=0, le=65_535)]


class ProviderConfig(Section):
    """One entry of `litellm.providers`."""

    api_key: SecretStr | None = Field(
        None,
        description="The key, by reference: `${OPENAI_API_KEY}`; else the plugin's variable.",
        examples=["${OPENAI_API_KEY}", "${CLUSTER_KEY:-not-needed}"],
    )
    api_base: HttpUrl | None = Field(
        None,
        description="The provider's address; `/v1` belongs to an OpenAI-style one.",
        examples=["https://llm.example.org/v1"],
        json_schema_extra=shaped(HTTP_URL),
    )
    protocol: Literal["openai", "anthropic"] | None = Field(
        None, description="What a provider that no plugin knows speaks; `openai` by default."
    )
    headers: dict[HeaderName, SecretStr] = Field(
        default_factory=dict,
        description="Headers added to every call; `${NAME}` works.",
        examples=[{"x-project": "${CLUSTER_PROJECT}"}],
        json_schema_extra=keys_shaped(HEADER_NAME),
    )


class LinkConfig(Section):
    """One link of a chain."""

    provider: Name = Field(
        description="A name from `litellm.providers`.",
        examples=["openai", "gwdg_saia"],
        json_schema_extra=shaped(NAME),
    )
    model: ModelId = Field(
        description="The provider's own model id.",
        examples=["gpt-4o", "llama-3.3-70b"],
        json_schema_extra=shaped(MODEL_ID),
    )
    timeout: Seconds | None = Field(
        None,
        description="Seconds for this link to answer; `router.timeout` by default.",
        examples=[60],
    )
    stream_timeout: Seconds | None = Field(
        None,
        description="Seconds that its stream may pause; `router.stream_timeout` by default.",
        examples=[300],
    )
    connect_timeout: Seconds | None = Field(
        None,
        description="Seconds for its connection; `router.connect_timeout` by default.",
        examples=[3],
    )
    max_input_tokens: Annotated[int, Field(gt=0)] | None = Field(
        None,
        description="Tokens that a prompt may have here, where the known window is wrong.",
        examples=[30_000],
    )
    drop_params: tuple[str, ...] = Field(
        (),
        strict=False,
        description="Request parameters that this link must not receive.",
        examples=[["logit_bias"]],
    )


class FallbacksConfig(Section):
    """Which failures move a call to the next link."""

    on_rate_limit: bool = Field(
        default=True, description="The provider answers 429: too many requests, or no quota left."
    )
    on_context_window: bool = Field(
        default=True, description="The prompt is too long for this link."
    )
    on_error: bool = Field(
        default=True,
        description="Any other failure: 5xx, timeout, refused, 401/403/404, content policy.",
    )
    on_content_policy: bool | None = Field(
        None, description="A refusal by content policy; as `on_error` by default."
    )


class RouterConfig(Section):
    """Retries, deadlines and cooldown."""

    num_retries: Annotated[int, Field(ge=0, le=10)] = Field(
        3, description="Retries on the same link while nothing was sent yet."
    )
    timeout: Seconds = Field(120.0, description="Seconds for one link to answer.")
    stream_timeout: Seconds = Field(
        120.0, description="Seconds that a stream may pause after its first content."
    )
    connect_timeout: Seconds = Field(
        10.0, description="Seconds for a connection to a provider, name and TLS included."
    )
    total_timeout: Seconds | None = Field(
        None,
        description="Seconds for the whole chain; links times `timeout` by default.",
        examples=[300],
    )
    retry_after_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        60.0, description="Cooldown of a failing link when the provider names none, in seconds."
    )


class EngineConfig(Section):
    """The LiteLLM process behind the proxy."""

    mode: Literal["eager", "lazy", "off"] = Field(
        "eager",
        description="Start it at once, with the first call that needs it (lazy), or never.",
    )


class LiteLLMConfig(Section):
    """The `litellm:` section."""

    enabled: bool = Field(default=True, description="Whether `start` may start the proxy.")
    port: PortNumber = Field(DEFAULT_PORT, description="The proxy's port on 127.0.0.1.")
    providers: dict[Name, ProviderConfig] = Field(
        default_factory=dict,
        description="The providers that chains may use, by name, and their keys.",
        examples=[{"openai": {"api_key": "${OPENAI_API_KEY}"}, "anthropic": {}}],
        json_schema_extra=keys_shaped(NAME),
    )
    models: dict[Name, Annotated[tuple[LinkConfig, ...], Field(strict=False, min_length=1)]] = (
        Field(
            default_factory=dict,
            description="Alias to chain: the first link is tried first.",
            examples=[{"default": [{"provider": "openai", "model": "gpt-4o"}]}],
            json_schema_extra=keys_shaped(NAME),
        )
    )
    model_patterns: dict[str, Name] = Field(
        default_factory=dict,
        description="Globs of model names to aliases, for agents with names of their own.",
        examples=[{"claude-*": "default"}],
    )
    fallbacks: FallbacksConfig = Field(default_factory=FallbacksConfig)
    router: RouterConfig = Field(default_factory=RouterConfig)
    engine: EngineConfig = Field(default_factory=EngineConfig)
    usage: UsageConfig = Field(default_factory=UsageConfig)
    budgets: BudgetsConfig = Field(default_factory=BudgetsConfig)
    mcp_servers: dict[ServerName, McpServerConfig] = Field(
        default_factory=dict,
        description="MCP servers that the gateway at `/mcp` brings together, by name.",
        examples=[{"docs": {"url": "https://mcp.example.org/mcp"}}],
        json_schema_extra=keys_shaped(SERVER_NAME),
    )
    auth: Literal["same-user", "key"] = Field(
        "same-user", description="Who may call: your own processes, or holders of the key only."
    )
    allowed_clients: tuple[str | int, ...] = Field(
        (),
        strict=False,
        description="Other local users (name or uid) that count as same-user.",
        examples=[["alice", 1001]],
    )
    allowed_hosts: tuple[str, ...] = Field(
        (),
        strict=False,
        description="`Host` values accepted besides the loopback names.",
        examples=[["laptop.local"]],
    )
    allowed_origins: tuple[str, ...] = Field(
        (),
        strict=False,
        description="Browser origins that may call.",
        examples=[["http://localhost:5173"]],
    )
    bind: str | None = Field(
        None,
        description="An address other than loopback to listen on; forces `auth: key`.",
        examples=["192.168.1.20"],
    )
    socket: tuple[Name, ...] = Field(
        (),
        strict=False,
        description="Containers that call by a unix socket of their own; usage names them so.",
        examples=[["web", "ci"]],
    )
    socket_dir: str | None = Field(
        None,
        description="Where these sockets are, `NAME/litellm.sock`; the state folder by default.",
        examples=["/srv/agentbox/sockets"],
    )
    socket_access: Literal["owner", "group", "all"] = Field(
        "owner",
        description="Whom the files of the sockets let in: 0600, 0660 or 0666.",
    )
    socket_mcp: bool = Field(
        default=False,
        description="Whether these containers may use `mcp_servers`, which run on the host.",
    )


class HostConfig(BaseModel):
    """config.yml, as far as it is ours."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)

    litellm: LiteLLMConfig
