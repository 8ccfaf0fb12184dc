"""Whatever JSON comes from a client or a provider is read as far as it goes, and never a fault."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.providers.model import Protocol
from agentbox_cli.proxy.answer import read_answer
from agentbox_cli.proxy.answers import Spent
from agentbox_cli.proxy.endpoints import GENERATE
from agentbox_cli.proxy.google.answer import answer_of
from agentbox_cli.proxy.google.request import chat_of, shows_thoughts
from agentbox_cli.proxy.google.stream import Translator
from agentbox_cli.proxy.google_signatures import without_signatures
from agentbox_cli.proxy.request import answers_wanted, needs_of, output_limit, read_named
from agentbox_cli.proxy.stream import StreamReader
from agentbox_cli.proxy.token_counting import estimate

NAMES = [
    *("contents", "parts", "role", "text", "thought", "functionCall", "functionResponse", "args"),
    *("id", "name", "response", "inlineData", "mimeType", "data", "fileData", "tools", "type"),
    *("functionDeclarations", "parameters", "toolConfig", "functionCallingConfig", "mode"),
    *("allowedFunctionNames", "generationConfig", "responseSchema", "responseMimeType"),
    *("thinkingConfig", "temperature", "topP", "systemInstruction", "nullable", "properties"),
    *("choices", "delta", "message", "tool_calls", "function", "arguments", "index", "content"),
    *("finish_reason", "candidates", "finishReason", "promptFeedback", "blockReason", "error"),
    *("usageMetadata", "candidateCount", "maxOutputTokens", "thoughtSignature"),
]
WORDS = [
    "model",
    "user",
    "image/png",
    "text/plain",
    "ANY",
    "OBJECT",
    "application/json",
    "aGk",
    "",
]
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(), st.sampled_from(WORDS), st.text()
)
JSONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), JSONS, max_size=6)
SPENT = Spent(protocol=Protocol.OPENAI_CHAT)


def plain(told: Any) -> bytes:
    """JSON as it may be sent: without what is none."""
    return json.dumps(told, allow_nan=True).replace("NaN", "1").replace("Infinity", "1").encode()


@given(OBJECTS, st.booleans())
def test_a_request(told: dict[str, Any], to_anthropic: bool) -> None:
    ask = read_named(plain(told), "default", stream=True)
    chat = chat_of(ask, to_anthropic=to_anthropic)
    assert json.loads(chat.body)["model"] == "default"
    assert shows_thoughts(ask) in {True, False}
    assert needs_of(ask, GENERATE, [1]).protocol is Protocol.GOOGLE_GENERATE
    assert estimate(ask) > 0
    assert answers_wanted(ask) > 0
    assert output_limit(ask) != 0
    assert without_signatures(ask).model == "default"


@given(OBJECTS)
def test_a_chats_answer(told: dict[str, Any]) -> None:
    assert "candidates" in json.loads(answer_of(plain(told), SPENT, thoughts=True))


@given(st.lists(OBJECTS, max_size=4))
def test_a_chats_stream(chunks: list[dict[str, Any]]) -> None:
    translator = Translator(thoughts=True)
    sent = b"".join(b"data: " + plain(told) + b"\n\n" for told in chunks)
    out = translator.take(sent) + translator.end(SPENT)
    for event in out.split(b"\n\n")[:-1]:
        assert "candidates" in json.loads(event.removeprefix(b"data: "))


@given(OBJECTS)
def test_an_answer_of_google(told: dict[str, Any]) -> None:
    read = read_answer(Protocol.GOOGLE_GENERATE, plain(told))
    assert read.failure is None or read.failure.message


@given(st.lists(OBJECTS, max_size=4), st.booleans())
def test_a_stream_of_google(events: list[dict[str, Any]], bare: bool) -> None:
    reader = StreamReader(Protocol.GOOGLE_GENERATE)
    for told in events:
        reader.feed((b"" if bare else b"data: ") + plain(told) + b"\n\n")
    assert reader.finish() is reader.complete
