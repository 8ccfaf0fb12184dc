import pytest

from agentbox_cli.providers.model import Protocol
from agentbox_cli.proxy.endpoints import (
    BY_PATH,
    COUNT_TOKENS,
    MESSAGES,
    SERVED,
    SIDE,
    provider_url,
)

OPENAI = "https://api.openai.example/v1"


@pytest.mark.parametrize(
    ("api_base", "protocol", "url"),
    [
        (OPENAI, Protocol.OPENAI_CHAT, f"{OPENAI}/chat/completions"),
        (OPENAI, Protocol.OPENAI_RESPONSES, f"{OPENAI}/responses"),
        (OPENAI, Protocol.OPENAI_EMBEDDINGS, f"{OPENAI}/embeddings"),
        (OPENAI, Protocol.ANTHROPIC_MESSAGES, "https://api.openai.example/v1/messages"),
        (
            "https://api.anthropic.example",
            Protocol.ANTHROPIC_MESSAGES,
            "https://api.anthropic.example/v1/messages",
        ),
        (
            "http://127.0.0.1:9/anthropic",
            Protocol.ANTHROPIC_MESSAGES,
            "http://127.0.0.1:9/anthropic/v1/messages",
        ),
        ("http://127.0.0.1:9", Protocol.OPENAI_CHAT, "http://127.0.0.1:9/chat/completions"),
        ("https://g.example/v1beta/openai", Protocol.GOOGLE_GENERATE, "https://g.example/v1beta"),
        ("http://127.0.0.1:9/v1beta", Protocol.GOOGLE_GENERATE, "http://127.0.0.1:9/v1beta"),
    ],
)
def test_where_a_provider_takes_calls(api_base: str, protocol: Protocol, url: str) -> None:
    assert provider_url(api_base, protocol) == url


def test_every_protocol_that_does_not_name_the_model_in_it_has_one_path() -> None:
    named_inside = set(Protocol) - {Protocol.GOOGLE_GENERATE}
    assert {endpoint.protocol for endpoint in BY_PATH.values()} == named_inside
    assert all(path == endpoint.path for path, endpoint in BY_PATH.items())


def test_only_messages_is_worded_as_anthropic_does() -> None:
    assert [each for each in BY_PATH.values() if each.is_anthropic] == [MESSAGES]


def test_the_others_say_themselves_where_they_are() -> None:
    assert {each.path for each in (*SIDE, COUNT_TOKENS)} == SERVED.keys() - BY_PATH.keys()
    for each in (*SIDE, COUNT_TOKENS):
        assert each.path == f"/v1{each.at}"
        assert provider_url(OPENAI, each.protocol, each.at) == f"{OPENAI}{each.at}"
