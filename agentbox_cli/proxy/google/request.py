"""A request in Google's words as a chat, for providers that do not speak Google's protocol."""

from collections.abc import Iterator
from typing import Any

import msgspec

from agentbox_cli.proxy.google.conversation import messages_of
from agentbox_cli.proxy.google.schema import json_schema
from agentbox_cli.proxy.google.told import Told, object_in, objects_in, text_in, value
from agentbox_cli.proxy.request import Ask

_encode = msgspec.json.Encoder().encode

# A chat's name for what Google calls so; `topK` and `thinkingConfig` have none that all take.
_SETTINGS = {
    "temperature": "temperature",
    "topP": "top_p",
    "maxOutputTokens": "max_tokens",
    "stopSequences": "stop",
    "seed": "seed",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
    "candidateCount": "n",
}
_CHOICES = {"ANY": "required", "NONE": "none"}
_JSON = "application/json"


def chat_of(ask: Ask, *, to_anthropic: bool) -> Ask:
    """A request in Google's words as a chat.

    Args:
        ask: the request.
        to_anthropic: whether it goes on to Anthropic, which takes less.
    """
    told: Told = {name: msgspec.json.decode(raw) for name, raw in ask.told.items()}
    chat: Told = {"model": ask.model, "messages": list(messages_of(told))}
    chat |= dict(_settings(object_in(told, "generationConfig")))
    chat |= _tools(told)
    if to_anthropic:
        _narrow(chat)
    if ask.stream:
        chat["stream"] = True
    fields = {name: msgspec.Raw(_encode(each)) for name, each in chat.items()}
    return Ask(fields=fields, model=ask.model, stream=ask.stream, body=_encode(chat))


def shows_thoughts(ask: Ask) -> bool:
    """Whether the client wants to see what the model thinks."""
    raw = ask.fields.get("generationConfig") or ask.fields.get("generation_config")
    if raw is None:
        return False
    settings = msgspec.json.decode(raw)
    thinking = object_in(settings, "thinkingConfig") if isinstance(settings, dict) else {}
    return value(thinking, "includeThoughts") is True


def _settings(config: Told) -> Iterator[tuple[str, Any]]:
    for name, new in _SETTINGS.items():
        told = value(config, name)
        if told is not None:
            yield new, told
    if text_in(config, "responseMimeType") == _JSON:
        yield "response_format", _format(config)


def _format(config: Told) -> Told:
    schema = value(config, "responseJsonSchema")
    if schema is None:
        schema = json_schema(value(config, "responseSchema"))
    if not isinstance(schema, dict):
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _tools(told: Told) -> Told:
    declared = [
        each
        for tool in objects_in(told, "tools")
        for each in objects_in(tool, "functionDeclarations")
    ]
    if not declared:
        return {}
    calling = object_in(object_in(told, "toolConfig"), "functionCallingConfig")
    allowed = value(calling, "allowedFunctionNames")
    if isinstance(allowed, list) and allowed:
        declared = [each for each in declared if each.get("name") in allowed]
    chat: Told = {
        "tools": [{"type": "function", "function": _function(each)} for each in declared]
    }
    if choice := _CHOICES.get(text_in(calling, "mode").upper()):
        chat["tool_choice"] = choice
    return chat


def _function(declared: Told) -> Told:
    function: Told = {"name": text_in(declared, "name")}
    if described := text_in(declared, "description"):
        function["description"] = described
    parameters = value(declared, "parametersJsonSchema")
    if parameters is None:
        parameters = json_schema(value(declared, "parameters"))
    if isinstance(parameters, dict):
        function["parameters"] = parameters
    return function


def _narrow(chat: Told) -> None:
    """Take out what Anthropic refuses: two ways to sample at once, and a temperature above 1."""
    temperature = chat.get("temperature")
    if isinstance(temperature, int | float):
        chat.pop("top_p", None)
        chat["temperature"] = min(temperature, 1)
