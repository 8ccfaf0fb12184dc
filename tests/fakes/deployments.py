"""Deployments as a resolved config has them."""

from collections.abc import Iterable

from pydantic import SecretStr

from agentbox_cli.providers.model import ModelKind, ModelSpec, Protocol, ProviderSpec
from agentbox_cli.providers.resolved import (
    Deployment,
    KeyState,
    ProviderKey,
    ResolvedProvider,
)

PROVIDER_KEY = "provider-key-that-nobody-may-see"


def deployment(
    name: str,
    *,
    prefix: str = "custom_openai",
    kind: ModelKind = ModelKind.CHAT,
    speaks: Iterable[Protocol] = (),
    key: KeyState = KeyState.SET,
) -> Deployment:
    """A deployment named `provider/model`."""
    provider, _, model = name.partition("/")
    spec = ProviderSpec(
        name=provider,
        title=provider,
        protocols=frozenset(speaks),
        litellm_prefix={kind: prefix} if prefix else {},
    )
    return Deployment(
        provider=ResolvedProvider(
            spec=spec,
            api_base="https://provider.example/v1",
            key=ProviderKey(
                state=key, value=SecretStr(PROVIDER_KEY) if key is KeyState.SET else None
            ),
        ),
        model=ModelSpec(id=model, kind=kind),
    )
