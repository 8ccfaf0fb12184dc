"""Where the providers of foreign configs are: the plugin, or the address, that belongs to one."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from agentbox_cli.providers.importing.model import Speaks
from agentbox_cli.providers.model import Protocol, ProviderSpec
from agentbox_cli.providers.registry import LOOPBACK_HOSTS, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A provider as a source describes it.

    Args:
        name: LiteLLM's prefix, or the name that the source gives to it.
        api_base: its address as we write one; None for the usual one of that name.
        speaks: the protocol it is called in.
        is_named: whether the name is the user's own, and not that of a protocol.
    """

    name: str
    api_base: str | None = None
    speaks: Speaks = "openai"
    is_named: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A provider as our section describes it.

    Args:
        name: its key under `providers`, if that is free.
        api_base: its address; None where the plugin has none either.
        speaks: what a provider that no plugin knows speaks.
        variable: where its key usually is; None if it usually needs none.
    """

    name: str
    api_base: str | None
    speaks: Speaks
    variable: str | None


class UnknownPlaceError(Exception):
    """There is no way to call this provider; the text says why."""


@dataclass(frozen=True, slots=True)
class _Service:
    api_base: str
    variable: str | None


# OpenAI-compatible services by LiteLLM's prefix, with the addresses and variables that it uses.
_SERVICES = {
    "cerebras": _Service("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "dashscope": _Service(
        "https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"
    ),
    "deepinfra": _Service("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    "deepseek": _Service("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "fireworks_ai": _Service("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    "gemini": _Service(
        "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"
    ),
    "groq": _Service("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "mistral": _Service("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "moonshot": _Service("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    "nvidia_nim": _Service("https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    "ollama": _Service("http://localhost:11434/v1", None),
    "openrouter": _Service("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "perplexity": _Service("https://api.perplexity.ai", "PERPLEXITYAI_API_KEY"),
    "sambanova": _Service("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    "together_ai": _Service("https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
    "volcengine": _Service("https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY"),
    "xai": _Service("https://api.x.ai/v1", "XAI_API_KEY"),
    "zai": _Service("https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
}
_SAME = {"ollama_chat": "ollama", "together": "together_ai", "codestral": "mistral"}

# Prefixes that name a protocol; the address says who is meant.
PROTOCOLS = frozenset(
    {
        "openai",
        "custom_openai",
        "openai_like",
        "hosted_vllm",
        "vllm",
        "litellm_proxy",
        "lm_studio",
        "llamafile",
        "docker_model_runner",
        "lemonade",
        "xinference",
        "infinity",
        "anthropic",
    }
)
# Of these, the ones that name a program, which usually runs on this machine.
_SERVERS = frozenset(
    {"hosted_vllm", "lm_studio", "llamafile", "docker_model_runner", "lemonade", "xinference"}
)
# What these speak, or how they are signed, is known to LiteLLM alone.
_SPECIAL = re.compile(
    r"azure|bedrock|sagemaker|vertex|watsonx|oci$|snowflake|databricks|cohere|replicate"
    r"|huggingface|cloudflare|github|chatgpt|gigachat|predibase|nlp_cloud|petals|triton"
    r"|aleph_alpha|palm|text-completion|gemini-cli|qwen-cli|custom$"
)
_SPECIAL_HOSTS = re.compile(r"(?:azure\.com|amazonaws\.com|cloudcode-pa\.googleapis\.com)$")


def locate(endpoint: Endpoint, registry: Registry) -> Located:
    """Find the plugin or the well-known service that a provider is, or name it by its address.

    Raises:
        UnknownPlaceError: it has no address, or one that only LiteLLM can call.
    """
    spec = _spec(endpoint, registry)
    if spec is not None:
        return _of_plugin(endpoint, spec)
    parts = _parts(endpoint.api_base)
    if _SPECIAL.match(endpoint.name) or (parts and _SPECIAL_HOSTS.search(parts.hostname or "")):
        raise UnknownPlaceError("only LiteLLM knows how to call this provider, and no plugin does")
    name, service = _service(endpoint, parts)
    api_base = endpoint.api_base or (service.api_base if service else None)
    if api_base is None:
        raise UnknownPlaceError("no plugin knows this provider, and it has no address")
    own = endpoint.name if endpoint.is_named or not service else name
    if not endpoint.is_named and not service and endpoint.name in PROTOCOLS and parts:
        own = _name_of(parts, endpoint.name)
    free = _legal(own)
    if free in registry.providers or free in registry.conflicts:
        free = f"{free}_custom"  # the plugin of this name is for another address
    variable = service.variable if service else None
    return Located(name=free, api_base=api_base, speaks=endpoint.speaks, variable=variable)


def is_known(name: str, registry: Registry) -> bool:
    """Whether this is a prefix that stands for a provider or a protocol."""
    return (
        name in PROTOCOLS
        or name in registry.providers
        or _SAME.get(name, name) in _SERVICES
        or _SPECIAL.match(name) is not None
    )


def _spec(endpoint: Endpoint, registry: Registry) -> ProviderSpec | None:
    if endpoint.api_base is None:
        spec = registry.providers.get(endpoint.name)
        return None if spec is None or spec.served_here else spec
    host = _authority(_parts(endpoint.api_base))
    for spec in registry.providers.values():
        same = spec.api_base is not None and _authority(_parts(spec.api_base)) == host
        speaks = endpoint.speaks == "openai" or Protocol.ANTHROPIC_MESSAGES in spec.protocols
        if same and speaks:
            return spec
    return None


def _of_plugin(endpoint: Endpoint, spec: ProviderSpec) -> Located:
    usual = spec.api_base
    is_usual = usual is not None and endpoint.api_base in (None, usual, usual.removesuffix("/v1"))
    only_anthropic = spec.protocols == {Protocol.ANTHROPIC_MESSAGES}
    # Anthropic's OpenAI-style address has a /v1, and the protocol that the plugin speaks none.
    api_base = usual if is_usual or only_anthropic else endpoint.api_base
    return Located(
        name=spec.name,
        api_base=api_base,
        speaks="anthropic" if only_anthropic else "openai",
        variable=spec.api_key_env,
    )


def _service(endpoint: Endpoint, parts: SplitResult | None) -> tuple[str, _Service | None]:
    name = _SAME.get(endpoint.name, endpoint.name)
    if parts is None:
        return name, _SERVICES.get(name)
    hosts = {_authority(_parts(known.api_base)): name for name, known in _SERVICES.items()}
    found = hosts.get(_authority(parts))
    if found is not None:
        return found, _SERVICES[found]
    if not endpoint.is_named and name in _SERVICES:
        return name, _SERVICES[name]  # the same service behind another address
    return name, None


def _parts(address: str | None) -> SplitResult | None:
    try:
        return urlsplit(address) if address else None
    except ValueError:
        return None


def _authority(parts: SplitResult | None) -> tuple[str, int | None] | None:
    if parts is None or not parts.hostname:
        return None
    host = "localhost" if parts.hostname in LOOPBACK_HOSTS else parts.hostname
    try:
        port = parts.port
    except ValueError:
        return None
    return host, port or {"http": 80, "https": 443}.get(parts.scheme)


def _name_of(parts: SplitResult, prefix: str) -> str:
    """A name for an address: `https://llm.example.org/v1` is `example`."""
    host = parts.hostname or ""
    if host in LOOPBACK_HOSTS:
        return prefix if prefix in _SERVERS else "local"
    labels = host.split(".")
    if len(labels) == 1 or all(label.isdigit() for label in labels):
        return host.replace(".", "_")
    return labels[-2]


def _legal(name: str) -> str:
    return re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9._@+:-]+", "_", name).strip("_")[:60] or "provider"
