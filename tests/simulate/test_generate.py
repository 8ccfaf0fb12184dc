"""The simulated provider in Google's form."""

import json
from typing import Any

import pytest

from agentbox_cli.simulate.answer import Answer
from agentbox_cli.simulate.asked import Endpoint, Malformed, Place, place_of, read_request
from agentbox_cli.simulate.generate import answer_generate, answer_google_count

CALL = 'call the tool look with {"path": "x"}'
LOOK = {"functionDeclarations": [{"name": "look", "parametersJsonSchema": {"type": "object"}}]}


def answer(*turns: tuple[str, Any], stream: bool = False, **fields: Any) -> Answer:
    verb = "streamGenerateContent" if stream else "generateContent"
    contents = [{"role": role, "parts": [part]} for role, part in turns]
    body = json.dumps({"contents": contents, **fields}).encode()
    place = place_of(f"/gemini/v1/models/gemini-2.5-pro:{verb}")
    return answer_generate(read_request(Endpoint.GENERATE, place.provider, body, place))


def parts(sent: bytes) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(sent)["candidates"][0]["content"]["parts"]
    return told


def test_it_echoes_whole_and_streamed() -> None:
    text = "[gemini/gemini-2.5-pro] you said: hi there"
    assert parts(answer(("user", {"text": "hi there"})).body) == [{"text": text}]
    streamed = answer(("user", {"text": "hi there"}), stream=True)
    events = [event.removeprefix(b"data: ") for event in streamed.events]
    assert "".join(part["text"] for event in events for part in parts(event)) == text
    assert json.loads(events[-1])["candidates"][0]["finishReason"] == "STOP"
    assert streamed.unfinished == len(events) - 1


@pytest.mark.parametrize("stream", [False, True])
def test_it_calls_a_tool_and_repeats_what_that_said(stream: bool) -> None:
    called = answer(("user", {"text": CALL}), stream=stream, tools=[LOOK])
    sent = called.events[1].removeprefix(b"data: ") if stream else called.body
    assert parts(sent)[0]["functionCall"] == {"name": "look", "args": {"path": "x"}}
    result = {"functionResponse": {"name": "look", "response": {"output": "what it says"}}}
    told = answer(("user", {"text": CALL}), ("model", parts(sent)[0]), ("user", result))
    assert parts(told.body)[0]["text"].endswith("you said: what it says")


def test_it_counts_words() -> None:
    body = json.dumps({"contents": [{"parts": [{"text": "one two"}]}]}).encode()
    place = place_of("/gemini/v1/models/m:countTokens")
    asked = read_request(Endpoint.GOOGLE_COUNT, "gemini", body, place)
    assert json.loads(answer_google_count(asked).body) == {"totalTokens": 2}


def test_a_request_without_contents_is_malformed() -> None:
    place = place_of("/gemini/v1/models/m:generateContent")
    with pytest.raises(Malformed, match="contents"):
        read_request(Endpoint.GENERATE, "gemini", b"{}", place)


def test_other_paths_name_no_model() -> None:
    assert place_of("/a/v1/models") == Place(provider="a", endpoint=Endpoint.MODELS)
    assert place_of("/a/v1/models/{model}:generateContent").model == "{model}"
    assert place_of("/a/v1/models/x").endpoint is None
    assert place_of("/a/b/v1/models").endpoint is None
