"""Chains as a drill plans them."""

from collections.abc import Callable

import pytest

from agentbox_cli.providers.model import ModelSpec, Protocol, ProviderSpec, RateLimitScope
from agentbox_cli.providers.resolved import (
    Chain,
    Deployment,
    KeyState,
    Link,
    ProviderKey,
    ResolvedProvider,
)

MakeChain = Callable[..., Chain]


@pytest.fixture
def chain_of() -> MakeChain:
    """Makes a chain of `provider/model` names; `account` providers limit the whole account."""

    def make(*names: str, account: tuple[str, ...] = (), chat_only: bool = False) -> Chain:
        protocols = {Protocol.OPENAI_CHAT} if chat_only else set(Protocol)
        links = []
        for number, name in enumerate(names, start=1):
            provider, _, model = name.partition("/")
            spec = ProviderSpec(
                name=provider,
                title=provider,
                protocols=frozenset(protocols),
                rate_limit_scope=RateLimitScope.ACCOUNT
                if provider in account
                else RateLimitScope.MODEL,
            )
            resolved = ResolvedProvider(
                spec=spec,
                api_base="http://127.0.0.1:9/v1",
                key=ProviderKey(state=KeyState.NOT_NEEDED),
            )
            deployment = Deployment(provider=resolved, model=ModelSpec(id=model))
            links.append(Link(number=number, deployment=deployment, timeout=1.0))
        return Chain(alias="alias", links=tuple(links))

    return make
