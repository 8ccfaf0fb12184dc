"""The first calls to a fresh engine."""

import json

from agentbox_cli.engine.warmup import warm_up
from agentbox_cli.providers.model import ModelKind, Protocol
from agentbox_cli.providers.resolved import KeyState
from tests.fakes.deployments import deployment

OPENAI = (Protocol.OPENAI_CHAT, Protocol.OPENAI_RESPONSES)


def test_each_translated_protocol_is_asked_once() -> None:
    saia = deployment("saia/llama", speaks=[Protocol.OPENAI_CHAT])
    other = deployment("other/llama", speaks=[Protocol.OPENAI_CHAT])
    claude = deployment("a/c", prefix="anthropic", speaks=[Protocol.ANTHROPIC_MESSAGES])
    asked = [(one.path, json.loads(one.body)["model"]) for one in warm_up([saia, other, claude])]
    assert asked == [
        ("/v1/messages", "saia/llama"),
        ("/v1/chat/completions", "a/c"),
        ("/v1/responses", "saia/llama"),
    ]


def test_the_egress_knows_the_attempt_for_what_it_is() -> None:
    [question] = warm_up([deployment("o/gpt", speaks=OPENAI)])
    assert (question.method, question.headers["x-agentbox-attempt"]) == ("POST", "warm-up")


def test_embeddings_are_asked_with_an_input() -> None:
    vectors = deployment("v/e5", prefix="openai", kind=ModelKind.EMBEDDING)
    [question] = warm_up([vectors])
    assert (question.path, json.loads(question.body)["input"]) == ("/v1/embeddings", "hi")


def test_what_is_never_translated_is_not_asked() -> None:
    keyless = deployment("saia/llama", key=KeyState.MISSING)
    assert warm_up([deployment("simulated/echo", speaks=Protocol), keyless]) == ()
