"""What a request asks for, read once from its path and body."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from agentbox_cli.simulate.forms import least, wanted_form

ECHO_LIMIT = 4000
MAX_NAME = 200
DEFAULT_DIMENSIONS = 32
MAX_DIMENSIONS = 4096
TOOL_PHRASE = "call the tool"
# `call the tool NAME with {...}`: that one, with these arguments.
_NAMED_TOOL = re.compile(r"call the tool (\S+) with (?=\{)")


class Endpoint(StrEnum):
    """The endpoints that are served, below `/<provider>/v1/`."""

    CHAT = "chat/completions"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    RESPONSES = "responses"
    MESSAGES = "messages"
    COUNT_TOKENS = "messages/count_tokens"
    MODELS = "models"
    GENERATE = "models/{model}:generateContent"
    GOOGLE_COUNT = "models/{model}:countTokens"

    @property
    def is_google(self) -> bool:
        """Whether answers and errors take Google's form."""
        return self in {Endpoint.GENERATE, Endpoint.GOOGLE_COUNT}

    @property
    def is_anthropic(self) -> bool:
        """Whether answers and errors take Anthropic's form."""
        return self in {Endpoint.MESSAGES, Endpoint.COUNT_TOKENS}

    @property
    def can_stream(self) -> bool:
        """Whether `stream: true` means anything here."""
        return self in _STREAMING


_STREAMING = {Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.RESPONSES, Endpoint.MESSAGES}
_REQUIRED = {
    Endpoint.CHAT: ("model", "messages"),
    Endpoint.COMPLETIONS: ("model", "prompt"),
    Endpoint.EMBEDDINGS: ("model", "input"),
    Endpoint.RESPONSES: ("model",),
    Endpoint.MESSAGES: ("model", "max_tokens", "messages"),
    Endpoint.COUNT_TOKENS: ("model", "messages"),
    Endpoint.GENERATE: ("contents",),
    Endpoint.GOOGLE_COUNT: ("contents",),
}


class Malformed(ValueError):  # noqa: N818 - it names the request, the answer is a 400
    """The body is not what the endpoint takes; the text is for the client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call of one of the client's tools.

    Args:
        name: the tool's name.
        arguments: the least that its schema accepts.
    """

    name: str
    arguments: Mapping[str, Any]

    @property
    def arguments_json(self) -> str:
        """The arguments as JSON text."""
        return msgspec.json.encode(self.arguments).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a path says.

    Args:
        provider: its first part.
        endpoint: what is called there; None if nothing is served.
        model: the model that Google's paths name.
        stream: whether they ask for a stream.
    """

    provider: str
    endpoint: Endpoint | None
    model: str | None = None
    stream: bool = False


def place_of(path: str) -> Place:
    """Read a path."""
    provider, _, name = path.removeprefix("/").partition("/v1/")
    if not provider or "/" in provider:
        return Place(provider=provider, endpoint=None)
    if found := _OF_GOOGLE.fullmatch(name):
        counts = found["verb"] == "countTokens"
        return Place(
            provider=provider,
            endpoint=Endpoint.GOOGLE_COUNT if counts else Endpoint.GENERATE,
            model=found["model"],
            stream=found["verb"] == "streamGenerateContent",
        )
    known = name in _NAMES
    return Place(provider=provider, endpoint=Endpoint(name) if known else None)


_OF_GOOGLE = re.compile(
    r"models/(?P<model>.+):(?P<verb>generateContent|streamGenerateContent|countTokens)"
)
_NAMES = frozenset(each for each in Endpoint if not each.is_google)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, as far as a simulated answer depends on it.

    Args:
        endpoint: where it was sent.
        provider: the first part of the path.
        model: the model it names.
        stream: whether the answer is to come as server-sent events.
        include_usage: whether an OpenAI-style stream ends with a usage chunk.
        text: the last thing the user said, at most `ECHO_LIMIT` characters.
        tool: the tool to call, when the user said so.
        form: the schema of the JSON that is wanted instead of words.
        inputs: what to embed.
        dimensions: the length of the embedding vectors.
        base64: whether vectors are wanted as base64 of little-endian float32.
        input_tokens: words in the request, at least 1.
    """

    endpoint: Endpoint
    provider: str
    model: str
    stream: bool = False
    include_usage: bool = False
    text: str = ""
    tool: ToolCall | None = None
    form: Mapping[str, Any] | None = None
    inputs: tuple[str, ...] = ()
    dimensions: int = DEFAULT_DIMENSIONS
    base64: bool = False
    input_tokens: int = 1

    @property
    def deployment(self) -> str:
        """The provider and the model, as chains name them."""
        return f"{self.provider}/{self.model}"

    @property
    def reply(self) -> str:
        """The answer's text: which deployment speaks, and what it heard; or the form."""
        if self.form is not None:
            return msgspec.json.encode(least(self.form)).decode()
        return f"[{self.deployment}] you said: {self.text}"

    @property
    def output_tokens(self) -> int:
        """Words in the answer."""
        return len((self.tool.arguments_json if self.tool else self.reply).split())


def read_request(
    endpoint: Endpoint, provider: str, body: bytes, place: Place | None = None
) -> Asked:
    """Read what a request asks for; `place` is what Google's paths say of it.

    Raises:
        Malformed: the body is not JSON, or lacks what the endpoint needs.
    """
    try:
        fields = _fields(endpoint, body)
        if place is not None and endpoint.is_google:
            fields = _from_google(fields, place)
        turns = _turns(fields)
        text = _last_user_text(turns)
        words = sum(len(words.split()) for words in _all_texts(fields))
    except RecursionError:
        raise Malformed("The request is nested too deeply.") from None
    return Asked(
        endpoint=endpoint,
        provider=provider,
        model=fields["model"],
        stream=(endpoint.can_stream or endpoint.is_google) and fields.get("stream") is True,
        include_usage=_object(fields.get("stream_options")).get("include_usage") is True,
        text=text[:ECHO_LIMIT],
        tool=_tool_to_call(fields, turns, text),
        form=wanted_form(fields),
        inputs=_inputs(fields.get("input")) if endpoint is Endpoint.EMBEDDINGS else (),
        dimensions=_dimensions(fields.get("dimensions")),
        base64=fields.get("encoding_format") == "base64",
        input_tokens=max(1, words),
    )


def _fields(endpoint: Endpoint, body: bytes) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed("We could not parse the JSON body of your request.") from None
    if not isinstance(fields, dict):
        raise Malformed("The body of the request must be a JSON object.")
    for name in _REQUIRED[endpoint]:
        if not fields.get(name):
            raise Malformed(f"Missing required parameter: '{name}'.")
    if endpoint.is_google:
        return fields
    if not isinstance(fields["model"], str) or len(fields["model"]) > MAX_NAME:
        raise Malformed(f"Invalid 'model': expected a string of at most {MAX_NAME} characters.")
    return fields


def _from_google(fields: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """The fields under the names that chats and messages have for them."""
    contents = fields.get("contents")
    turns = [_object(each) for each in contents] if isinstance(contents, list) else []
    tools = fields.get("tools")
    declared = [_object(each).get("functionDeclarations") for each in tools or ()]
    return {
        "model": place.model,
        "stream": place.stream,
        "system": _object(fields.get("systemInstruction")).get("parts"),
        "messages": [{"role": _role(turn), "content": turn.get("parts")} for turn in turns],
        "tools": [tool for group in declared if isinstance(group, list) for tool in group],
    }


def _role(turn: Mapping[str, Any]) -> str:
    parts = turn.get("parts")
    last = _object(parts[-1]) if isinstance(parts, list) and parts else {}
    if "functionResponse" in last:
        return "tool"
    return "assistant" if turn.get("role") == "model" else "user"


def _turns(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    said = fields.get("messages") or fields.get("input") or fields.get("prompt") or []
    items = said if isinstance(said, list) else [said]
    turns = [
        item if isinstance(item, dict) else {"role": "user", "content": item} for item in items
    ]
    # Claude Code ends a conversation with a word of the system.
    return [turn for turn in turns if turn.get("role") not in ("system", "developer")]


def _last_user_text(turns: list[dict[str, Any]]) -> str:
    if turns and _is_result(turns[-1]):
        return " ".join(_texts(turns[-1]))
    for turn in reversed(turns):
        if turn.get("role") == "user":
            return " ".join(_texts(turn.get("content")))
    return ""


def _is_result(turn: Mapping[str, Any]) -> bool:
    """Whether a turn is what a tool answered; Anthropic's stand in turns of the user."""
    return turn.get("role") == "tool" or turn.get("type") == "function_call_output"


def _all_texts(fields: Mapping[str, Any]) -> Iterator[str]:
    for name in ("system", "instructions", "messages", "input", "prompt"):
        yield from _texts(fields.get(name))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int):
        yield str(value)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name in ("content", "text", "output", "functionResponse", "response"):
            yield from _texts(value.get(name))


def _tool_to_call(
    fields: Mapping[str, Any], turns: list[dict[str, Any]], text: str
) -> ToolCall | None:
    # Once the tool has answered, the last turn is no longer the user's: a loop would never end.
    wanted = TOOL_PHRASE in text.lower() and turns and turns[-1].get("role") == "user"
    tools = fields.get("tools")
    if not wanted or not isinstance(tools, list) or fields.get("tool_choice") == "none":
        return None
    named = _NAMED_TOOL.search(text)
    for tool in map(_object, tools):
        function = _object(tool.get("function")) or tool
        if isinstance(name := function.get("name"), str):
            if named and name == named[1]:
                return ToolCall(name=name, arguments=_told_arguments(text[named.end() :]))
            if named:
                continue
            named_so = ("parameters", "input_schema", "parametersJsonSchema")
            schema = next((function[name] for name in named_so if function.get(name)), None)
            return ToolCall(name=name, arguments=least(_object(schema)))
    return None


def _told_arguments(text: str) -> dict[str, Any]:
    try:
        return _object(json.JSONDecoder().raw_decode(text)[0])
    except ValueError:
        raise Malformed("The arguments of the tool to call are not JSON.") from None


def _inputs(value: Any) -> tuple[str, ...]:
    if isinstance(value, list) and not all(isinstance(item, int) for item in value):
        return tuple(" ".join(_texts(item)) for item in value)
    return (" ".join(_texts(value)),)


def _dimensions(value: Any) -> int:
    return min(max(1, value), MAX_DIMENSIONS) if isinstance(value, int) else DEFAULT_DIMENSIONS


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
