"""A chat's answers, whole and streamed, in Google's words."""

import json
from typing import Any

import pytest

from agentbox_cli.providers.model import Protocol
from agentbox_cli.proxy.answers import Spent
from agentbox_cli.proxy.google.answer import answer_of
from agentbox_cli.proxy.google.stream import Translator

USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
SPENT = Spent(protocol=Protocol.OPENAI_CHAT, usage=USAGE)
NOTHING = Spent(protocol=Protocol.OPENAI_CHAT)
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
CALLED = {"functionCall": {"name": "look", "args": {"a": 1}, "id": "c1"}}


def whole(message: dict[str, Any], reason: str = "stop", *, thoughts: bool = False) -> Any:
    choice = {"index": 0, "message": message, "finish_reason": reason}
    body = json.dumps({"id": "x", "model": "m", "choices": [choice]}).encode()
    return json.loads(answer_of(body, SPENT, thoughts=thoughts))


def streamed(*deltas: dict[str, Any], reason: str = "stop", thoughts: bool = False) -> list[Any]:
    """What comes of a stream that arrives byte by byte."""
    translator = Translator(thoughts=thoughts)
    out = b""
    choices: list[dict[str, Any]] = [{"delta": delta} for delta in deltas]
    for choice in [*choices, {"delta": {}, "finish_reason": reason}]:
        chunk: dict[str, Any] = {"id": "x", "model": "m", "choices": [{"index": 0, **choice}]}
        event = f"data: {json.dumps(chunk)}\n\n".encode()
        out += b"".join(translator.take(event[at : at + 1]) for at in range(len(event)))
    out += translator.take(b": a comment\n\ndata: [DONE]\n\n") + translator.end(SPENT)
    assert out.endswith(b"\n\n")
    return [json.loads(event.removeprefix(b"data: ")) for event in out.split(b"\n\n")[:-1]]


def test_a_whole_answer() -> None:
    assert whole({"role": "assistant", "content": "yes"}) == {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": "yes"}]},
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 10,
            "candidatesTokenCount": 5,
            "totalTokenCount": 17,
            "cachedContentTokenCount": 4,
            "thoughtsTokenCount": 2,
        },
        "modelVersion": "m",
        "responseId": "x",
    }


def test_calls_of_tools_keep_their_ids() -> None:
    (candidate,) = whole({"content": None, "tool_calls": [CALL]}, "tool_calls")["candidates"]
    assert candidate["content"]["parts"] == [CALLED]
    assert candidate["finishReason"] == "STOP"


@pytest.mark.parametrize("arguments", ['{"a":', "[]", "3"])
def test_arguments_that_are_no_object_are_told_as_google_does(arguments: str) -> None:
    call = {"id": "c1", "function": {"name": "look", "arguments": arguments}}
    (candidate,) = whole({"tool_calls": [call]}, "tool_calls")["candidates"]
    assert candidate["finishReason"] == "MALFORMED_FUNCTION_CALL"
    *_, last = streamed({"tool_calls": [{"index": 0, **call}]}, reason="tool_calls")
    assert last["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"


def test_a_call_without_arguments_has_none() -> None:
    call = {"id": "c1", "function": {"name": "look", "arguments": ""}}
    (candidate,) = whole({"tool_calls": [call]}, "tool_calls")["candidates"]
    assert candidate["content"]["parts"][0]["functionCall"]["args"] == {}


@pytest.mark.parametrize(
    ("reason", "told"), [("length", "MAX_TOKENS"), ("content_filter", "SAFETY"), ("odd", "OTHER")]
)
def test_why_it_ended(reason: str, told: str) -> None:
    assert whole({"content": "x"}, reason)["candidates"][0]["finishReason"] == told
    assert streamed({"content": "x"}, reason=reason)[-1]["candidates"][0]["finishReason"] == told


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_are_shown_to_those_who_ask(name: str) -> None:
    message = {name: "hmm", "content": "yes"}
    seen = [{"text": "hmm", "thought": True}, {"text": "yes"}]
    for thoughts, parts in ((True, seen), (False, seen[1:])):
        (candidate,) = whole(message, thoughts=thoughts)["candidates"]
        assert candidate["content"]["parts"] == parts
        first = streamed(message, thoughts=thoughts)[0]
        assert first["candidates"][0]["content"]["parts"] == parts


def test_a_stream_tells_text_at_once_and_its_end_with_what_it_cost() -> None:
    first, second, last = streamed({"role": "assistant", "content": "a"}, {"content": "b"})
    texts = [each["candidates"][0]["content"]["parts"] for each in (first, second)]
    assert texts == [[{"text": "a"}], [{"text": "b"}]]
    assert "finishReason" not in second["candidates"][0]
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert last["usageMetadata"]["totalTokenCount"] == 17


def test_calls_of_a_stream_are_put_together() -> None:
    def piece(index: int, arguments: str, **more: str) -> dict[str, Any]:
        function = {"arguments": arguments, **({"name": "look"} if more else {})}
        return {"tool_calls": [{"index": index, "function": function, **more}]}

    (last,) = streamed(
        piece(0, "", id="c1"),
        piece(0, '{"a"'),
        piece(1, '{"b": 2}', id="c2"),
        piece(0, ": 1}"),
        reason="tool_calls",
    )
    parts = last["candidates"][0]["content"]["parts"]
    assert parts == [CALLED, {"functionCall": {"name": "look", "args": {"b": 2}, "id": "c2"}}]


def test_without_a_report_nothing_is_said_of_tokens() -> None:
    body = b'{"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}'
    assert "usageMetadata" not in json.loads(answer_of(body, NOTHING, thoughts=False))


def test_tokens_of_anthropic_are_counted_as_google_does() -> None:
    usage = {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5}
    spent = Spent(protocol=Protocol.ANTHROPIC_MESSAGES, usage=usage)
    told = json.loads(answer_of(b'{"choices": []}', spent, thoughts=False))
    assert told["usageMetadata"] == {
        "promptTokenCount": 7,
        "candidatesTokenCount": 5,
        "totalTokenCount": 12,
        "cachedContentTokenCount": 4,
    }
