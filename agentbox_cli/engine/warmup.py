"""The first calls to a fresh engine, made by ourselves because LiteLLM imports half of it there.

The first translated call takes 1 to 2.5 s, the others 0.05 s (measured). The egress knows no
attempt of this name and says so at once: that no provider is called is all that matters.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from agentbox_cli.engine.render import translatable
from agentbox_cli.providers.model import Protocol
from agentbox_cli.providers.resolved import Deployment, Lane
from agentbox_cli.supervise.health import Question

ATTEMPT = "warm-up"

_PATHS: Mapping[Protocol, str] = {
    Protocol.ANTHROPIC_MESSAGES: "/v1/messages",
    Protocol.OPENAI_CHAT: "/v1/chat/completions",
    Protocol.OPENAI_RESPONSES: "/v1/responses",
    Protocol.OPENAI_EMBEDDINGS: "/v1/embeddings",
}


def warm_up(deployments: Iterable[Deployment]) -> tuple[Question, ...]:
    """One call for each protocol that is translated for these deployments."""
    return tuple(_questions(translatable(deployments)))


def _questions(deployments: Iterable[Deployment]) -> Iterator[Question]:
    for protocol, path in _PATHS.items():
        for deployment in deployments:
            if deployment.lane(protocol) is Lane.LITELLM:
                body = {"model": deployment.name, **_asked(protocol)}
                yield Question(
                    path=path,
                    method="POST",
                    headers={"Content-Type": "application/json", "x-agentbox-attempt": ATTEMPT},
                    body=json.dumps(body).encode(),
                )
                break


def _asked(protocol: Protocol) -> dict[str, Any]:
    if protocol in {Protocol.OPENAI_RESPONSES, Protocol.OPENAI_EMBEDDINGS}:
        return {"input": "hi"}
    return {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
