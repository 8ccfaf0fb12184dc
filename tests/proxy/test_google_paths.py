import pytest

from agentbox_cli.proxy.endpoints import GENERATE, GOOGLE_COUNT
from agentbox_cli.proxy.google_paths import (
    called_at,
    key_in,
    listed_at,
    named_in,
    place_of,
    wants_events,
)


@pytest.mark.parametrize("version", ["v1beta", "v1", "v1alpha"])
@pytest.mark.parametrize("model", ["default", "openai/gpt-4o", "saia/org/llama-3.3:70b@x"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_path_names_the_model_and_the_stream(version: str, model: str, stream: bool) -> None:
    verb = "streamGenerateContent" if stream else "generateContent"
    path = f"/{version}/models/{model}:{verb}"
    assert called_at(path) is GENERATE
    assert named_in(path) == (model, stream)
    assert called_at(f"/{version}/models/{model}:countTokens") is GOOGLE_COUNT


@pytest.mark.parametrize(
    "path",
    [
        "/v1/messages",
        "/v1beta/models/default",
        "/v1beta/models/:generateContent",
        "/v1beta/models/default:embedContent",
        "/v2/models/default:generateContent",
        "/v1beta/models/default:generateContent/x",
    ],
)
def test_other_paths_are_none_of_googles(path: str) -> None:
    assert called_at(path) is None


def test_where_the_list_is() -> None:
    assert listed_at("/v1beta/models") == ""
    assert listed_at("/v1/models/openai/gpt-4o") == "openai/gpt-4o"
    assert listed_at("/models") is None


def test_what_the_query_says() -> None:
    assert key_in("alt=sse&key=a%2Bb") == "a+b"
    assert key_in("") is None
    assert wants_events("key=x&alt=sse")
    assert not wants_events("alt=json")


def test_what_follows_a_providers_address() -> None:
    assert place_of("a b", GENERATE, stream=False) == "/models/a%20b:generateContent"
    assert place_of("m", GENERATE, stream=True) == "/models/m:streamGenerateContent?alt=sse"
    assert place_of("m", GOOGLE_COUNT, stream=False) == "/models/m:countTokens"
