"""The turns of a conversation in Google's words as the messages of a chat."""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from agentbox_cli.proxy.crossing import short_id
from agentbox_cli.proxy.google.told import Told, object_in, objects_in, text_in, value

_SOUNDS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3"}
# What a tool says, where it says it in Google's own word for that.
_OUTPUT = "output"


def messages_of(told: Told) -> Iterator[Told]:
    """The messages of a chat that say the same as a request."""
    if system := _system(told):
        yield {"role": "system", "content": system}
    calls = _Calls()
    for turn in objects_in(told, "contents"):
        parts = objects_in(turn, "parts")
        if turn.get("role") == "model":
            yield from _said(parts, calls)
        else:
            yield from _heard(parts, calls)


def _system(told: Told) -> str:
    found = value(told, "systemInstruction")
    if isinstance(found, str):
        return found
    parts = objects_in(found, "parts") if isinstance(found, dict) else []
    return "\n\n".join(text for part in parts if (text := text_in(part, "text")))


@dataclass(slots=True)
class _Calls:
    """The calls of tools that are not answered yet: Google's need no id."""

    made: int = 0
    waiting: list[tuple[str, str]] = field(default_factory=list)

    def call(self, made: Told) -> Told:
        name = text_in(made, "name")
        self.made += 1
        call_id = short_id(text_in(made, "id") or f"call_{self.made}")
        self.waiting.append((call_id, name))
        arguments = json.dumps(object_in(made, "args"), ensure_ascii=False)
        function = {"name": name, "arguments": arguments}
        return {"id": call_id, "type": "function", "function": function}

    def answered(self, answer: Told) -> str | None:
        """The id of the call that an answer belongs to; None if there was none."""
        name, said = text_in(answer, "name"), short_id(text_in(answer, "id"))
        same = [each for each in self.waiting if said and each[0] == said]
        found = next(iter(same or [each for each in self.waiting if each[1] == name]), None)
        if found is None:
            return None
        self.waiting.remove(found)
        return found[0]


def _said(parts: list[Told], calls: _Calls) -> Iterator[Told]:
    """A turn of the model: what it thought stays with who thought it."""
    told = [part for part in parts if not part.get("thought")]
    text = "".join(_spoken(part) for part in told)
    made = [calls.call(call) for part in told if (call := object_in(part, "functionCall"))]
    if made:
        yield {"role": "assistant", "content": text or None, "tool_calls": made}
    elif text:
        yield {"role": "assistant", "content": text}


def _spoken(part: Told) -> str:
    if code := text_in(object_in(part, "executableCode"), "code"):
        return f"```\n{code}\n```\n"
    if output := text_in(object_in(part, "codeExecutionResult"), "output"):
        return f"```\n{output}\n```\n"
    return text_in(part, "text")


def _heard(parts: list[Told], calls: _Calls) -> Iterator[Told]:
    """A turn of the user: the answers of tools stand first, right behind their calls."""
    content: list[Told] = []
    for part in parts:
        answer = object_in(part, "functionResponse")
        if not answer:
            content += _content(part)
            continue
        call_id = calls.answered(answer)
        if call_id is None:
            named = f"{text_in(answer, 'name')}: {_result(answer)}"
            content.append({"type": "text", "text": named})
        else:
            yield {"role": "tool", "tool_call_id": call_id, "content": _result(answer)}
        content += [each for inner in objects_in(answer, "parts") for each in _content(inner)]
    if content:
        only = content[0]["text"] if len(content) == 1 and "text" in content[0] else content
        yield {"role": "user", "content": only}


def _result(answer: Told) -> str:
    response = object_in(answer, "response")
    output = response.get(_OUTPUT) if response.keys() == {_OUTPUT} else None
    return output if isinstance(output, str) else json.dumps(response, ensure_ascii=False)


def _content(part: Told) -> Iterator[Told]:
    if text := text_in(part, "text"):
        yield {"type": "text", "text": text}
    elif data := object_in(part, "inlineData"):
        yield _data(text_in(data, "mimeType"), text_in(data, "data"), text_in(data, "displayName"))
    elif file := object_in(part, "fileData"):
        yield {"type": "image_url", "image_url": {"url": text_in(file, "fileUri")}}


def _data(kind: str, data: str, name: str) -> Told:
    # The protocol allows both alphabets of base64, a chat only the usual one.
    usual = data.translate(_USUAL)
    if kind in _SOUNDS:
        return {"type": "input_audio", "input_audio": {"data": usual, "format": _SOUNDS[kind]}}
    if kind.startswith("text/"):
        return {"type": "text", "text": _decoded(usual)}
    url = f"data:{kind};base64,{usual}"
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {"filename": name or "file", "file_data": url}}


_USUAL = str.maketrans("-_", "+/")


def _decoded(data: str) -> str:
    try:
        return base64.b64decode(data + "=" * (-len(data) % 4)).decode("utf-8", "replace")
    except binascii.Error:
        return data
