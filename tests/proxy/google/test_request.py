"""What Google's clients ask for, as a chat asks for it."""

import json
from typing import Any

import pytest

from agentbox_cli.proxy.google.request import chat_of, shows_thoughts
from agentbox_cli.proxy.request import read_named

TURN = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
LOOK = {"name": "look", "description": "reads", "parameters": {"type": "OBJECT"}}


def chat(*, stream: bool = False, to_anthropic: bool = False, **fields: Any) -> dict[str, Any]:
    ask = read_named(json.dumps({**TURN, **fields}).encode(), "default", stream=stream)
    asked = chat_of(ask, to_anthropic=to_anthropic)
    told: dict[str, Any] = json.loads(asked.body)
    assert {name: json.loads(bytes(raw)) for name, raw in asked.fields.items()} == told
    return told


def test_the_path_says_the_model_and_whether_to_stream() -> None:
    messages = [{"role": "user", "content": "hi"}]
    assert chat() == {"model": "default", "messages": messages}
    assert chat(stream=True) == {"model": "default", "messages": messages, "stream": True}


def test_settings_have_a_chats_names() -> None:
    config = {
        "temperature": 0.5,
        "topP": 0.9,
        "top_k": 64,
        "maxOutputTokens": 7,
        "stopSequences": ["."],
        "candidateCount": 2,
        "seed": 3,
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 9},
        "responseMimeType": "application/json",
    }
    told = chat(generationConfig=config)
    del told["messages"], told["model"]
    assert told == {
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
        "stop": ["."],
        "n": 2,
        "seed": 3,
        "response_format": {"type": "json_object"},
    }


def test_anthropic_gets_one_way_to_sample_within_its_bounds() -> None:
    told = chat(generationConfig={"temperature": 1.5, "topP": 0.9}, to_anthropic=True)
    assert told["temperature"] == 1
    assert "top_p" not in told
    assert chat(generationConfig={"topP": 0.9}, to_anthropic=True)["top_p"] == 0.9


@pytest.mark.parametrize(
    "schema",
    [
        {"responseJsonSchema": {"type": "array"}},
        {"responseSchema": {"type": "ARRAY", "propertyOrdering": ["a"]}},
    ],
)
def test_a_schema_of_the_answer_is_kept(schema: dict[str, Any]) -> None:
    told = chat(generationConfig={"responseMimeType": "application/json", **schema})
    assert told["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "array"}},
    }


def test_tools_are_functions() -> None:
    named = {"name": "list", "parametersJsonSchema": {"type": "object", "properties": {}}}
    told = chat(tools=[{"functionDeclarations": [LOOK]}, {"function_declarations": [named]}])
    assert [each["function"] for each in told["tools"]] == [
        {"name": "look", "description": "reads", "parameters": {"type": "object"}},
        {"name": "list", "parameters": {"type": "object", "properties": {}}},
    ]
    assert "tool_choice" not in told


@pytest.mark.parametrize(
    ("mode", "choice"), [("ANY", "required"), ("NONE", "none"), ("AUTO", None)]
)
def test_who_decides_on_tools(mode: str, choice: str | None) -> None:
    config = {"functionCallingConfig": {"mode": mode}}
    told = chat(tools=[{"functionDeclarations": [LOOK]}], toolConfig=config)
    assert told.get("tool_choice") == choice


def test_only_the_tools_that_may_be_called_are_told() -> None:
    config = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}}
    declared = [LOOK, {"name": "list"}]
    told = chat(tools=[{"functionDeclarations": declared}], toolConfig=config)
    assert [each["function"]["name"] for each in told["tools"]] == ["look"]


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"thinkingConfig": {"includeThoughts": True}}, True),
        ({"thinking_config": {"include_thoughts": True}}, True),
        ({"thinkingConfig": {}}, False),
        ({}, False),
    ],
)
def test_thoughts_are_shown_to_those_who_ask(config: dict[str, Any], wanted: bool) -> None:
    body = json.dumps({**TURN, "generationConfig": config}).encode()
    assert shows_thoughts(read_named(body, "m", stream=True)) is wanted
