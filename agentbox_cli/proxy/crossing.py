"""What of a conversation may cross from one provider to another.

A conversation that began at one provider may go on at the next, and come back. Thoughts are signed
or sealed by who had them, so nobody else gets them; the ids of tool calls are made to fit where
they go. All else keeps its bytes, marks for caches among it.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import msgspec

from agentbox_cli.providers.model import ModelKind
from agentbox_cli.providers.resolved import Deployment, Lane
from agentbox_cli.proxy.endpoints import CHAT, Endpoint
from agentbox_cli.proxy.finding import holds
from agentbox_cli.proxy.request import Ask

# Stands for the signature of a thought that no Anthropic model had. Anthropic's are base64. That
# it is long makes it quick to look for.
FOREIGN = "agentbox:this-thought-has-no-signature-of-anthropic"
# Anthropic's pattern, and the longest that was seen to be taken.
_VALID_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
LONGEST_OPENAI_ID = 40

_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
_MARK = FOREIGN.encode()
# What LiteLLM adds to a chat message for what Anthropic said.
_LITELLM_FIELDS = frozenset({"thinking_blocks", "provider_specific_fields"})
_LITELLM_MARKS = tuple(f'"{name}"'.encode() for name in _LITELLM_FIELDS)

_NUMBER = b'"index"'
_PDF = b"data:application/pdf;base64,"

_Fields = dict[str, msgspec.Raw]
_messages = msgspec.json.Decoder(list[_Fields]).decode
_blocks = msgspec.json.Decoder(list[msgspec.Raw]).decode
_fields = msgspec.json.Decoder(_Fields).decode
_encode = msgspec.json.Encoder().encode


class _Block(msgspec.Struct, gc=False):
    type: Any = None
    id: Any = None
    tool_use_id: Any = None
    signature: Any = None


class _Url(msgspec.Struct, gc=False):
    url: str = ""


class _Part(msgspec.Struct, gc=False):
    image_url: _Url | None = None


_part = msgspec.json.Decoder(_Part).decode
_block = msgspec.json.Decoder(_Block).decode
# None for a block that does not cross, the block itself if nothing changes.
_Change = Callable[[_Block, msgspec.Raw], msgspec.Raw | None]


def crossed(ask: Ask, endpoint: Endpoint, deployment: Deployment, lane: Lane) -> Ask:
    """A request as a deployment gets it; the same if nothing of it is foreign there."""
    to_anthropic = deployment.provider.spec.litellm_prefix.get(ModelKind.CHAT) == "anthropic"
    if endpoint.is_anthropic:
        return back_to_anthropic(ask) if lane is Lane.DIRECT else from_anthropic(ask)
    if endpoint is not CHAT:
        return ask
    if lane is Lane.LITELLM and to_anthropic:
        return chat_for_anthropic(ask)
    return chat_for_openai(ask)


def valid_id(name: str) -> str:
    """The id of a tool call as Anthropic takes it."""
    return name if _VALID_ID.fullmatch(name) else f"toolu_{_digest(name)}"


def short_id(name: str) -> str:
    """The id of a tool call as OpenAI takes it."""
    return name if len(name) <= LONGEST_OPENAI_ID else f"call_{_digest(name)}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def back_to_anthropic(ask: Ask) -> Ask:
    """Messages for Anthropic itself: without the thoughts of others; as it is if it has none."""
    if not holds(ask.body, _MARK):
        return ask
    return _sent_to_anthropic(ask, _without_foreign)


def without_thoughts(ask: Ask) -> Ask:
    """Messages for Anthropic without any earlier thoughts, for one that refuses them."""
    return _sent_to_anthropic(ask, _without_any)


def from_anthropic(ask: Ask) -> Ask:
    """Messages on their way to a provider of another protocol."""
    return _with_messages(ask, _for_others)


def chat_for_openai(ask: Ask) -> Ask:
    """A chat for an OpenAI-style provider: without what LiteLLM had added to its answers."""
    if not holds(ask.body, *_LITELLM_MARKS):
        return ask
    return _with_chat(ask, _plain)


def chat_of_litellm(ask: Ask) -> Ask:
    """A chat that LiteLLM has made of something else, as OpenAI-style providers take it.

    LiteLLM gives numbers to the calls of earlier responses, which only streams have, and makes
    pictures of PDFs; strict providers refuse both (measured).
    """
    made = _NUMBER in ask.body or _PDF in ask.body
    return _with_chat(ask, _of_litellm) if made else ask


def chat_for_anthropic(ask: Ask) -> Ask:
    """A chat on its way to Anthropic: its tool calls with ids that are taken there."""
    return _with_chat(ask, _with_valid_ids)


def _sent_to_anthropic(ask: Ask, change: _Change) -> Ask:
    told = _with_messages(ask, change)
    if _thinks(told) and not _begins_with_a_thought(told):
        # Anthropic wants the turn of an open tool call to begin with its own thought.
        told = told.telling("thinking", {"type": "disabled"})
        return _without_edits_of_thoughts(told)
    return told


def _with_messages(ask: Ask, change: _Change) -> Ask:
    try:
        messages = _messages(ask.told["messages"])
        changed = [new for each in messages if (new := _message(each, change)) is not None]
    except (KeyError, ValueError, RecursionError):
        return ask  # the provider will say what is wrong with it
    same = len(changed) == len(messages) and all(map(_is, changed, messages))
    return ask if same else ask.telling("messages", changed)


def _is(one: object, other: object) -> bool:
    return one is other


def _message(message: _Fields, change: _Change) -> _Fields | None:
    """A message as it crosses; None if nothing of it does."""
    content = message.get("content")
    if content is None or not bytes(content).lstrip().startswith(b"["):
        return message
    blocks = _blocks(content)
    changed = [new for each in blocks if (new := change(_block(each), each)) is not None]
    if len(changed) == len(blocks) and all(map(_is, changed, blocks)):
        return message
    return {**message, "content": msgspec.Raw(_encode(changed))} if changed else None


def _without_foreign(block: _Block, raw: msgspec.Raw) -> msgspec.Raw | None:
    foreign = block.type == "thinking" and block.signature in {None, "", FOREIGN}
    return None if foreign else _with_ids(block, raw, valid_id)


def _without_any(block: _Block, raw: msgspec.Raw) -> msgspec.Raw | None:
    return None if block.type in _THOUGHTS else _with_ids(block, raw, valid_id)


def _for_others(block: _Block, raw: msgspec.Raw) -> msgspec.Raw | None:
    return None if block.type in _THOUGHTS else _with_ids(block, raw, short_id)


def _with_ids(block: _Block, raw: msgspec.Raw, fit: Callable[[str], str]) -> msgspec.Raw:
    name = "id" if block.type == "tool_use" else "tool_use_id"
    told = getattr(block, name)
    if not isinstance(told, str) or fit(told) == told:
        return raw
    return msgspec.Raw(_encode(_fields(raw) | {name: msgspec.Raw(_encode(fit(told)))}))


def _thinks(ask: Ask) -> bool:
    thinking = _read(ask, "thinking")
    return isinstance(thinking, dict) and thinking.get("type") == "enabled"


def _begins_with_a_thought(ask: Ask) -> bool:
    """Whether the last turn of the assistant does, if it calls tools."""
    try:
        turns = _messages(ask.told["messages"])
    except (KeyError, ValueError):
        return True
    last = next((turn for turn in reversed(turns) if _role_of(turn) == b'"assistant"'), None)
    content = bytes(last.get("content", b"")) if last else b""
    if not content.startswith(b"["):
        return True
    kinds = [_block(each).type for each in _blocks(content)]
    return "tool_use" not in kinds or kinds[0] in _THOUGHTS


def _role_of(message: _Fields) -> bytes:
    return bytes(message.get("role", b""))


def _without_edits_of_thoughts(ask: Ask) -> Ask:
    managed = _read(ask, "context_management")
    edits = managed.get("edits") if isinstance(managed, dict) else None
    if not isinstance(edits, list):
        return ask
    left = [edit for edit in edits if not str(edit).count("clear_thinking")]
    return ask.telling("context_management", {**managed, "edits": left})


def _with_chat(ask: Ask, change: Callable[[_Fields], _Fields]) -> Ask:
    try:
        messages = _messages(ask.told["messages"])
        changed = [change(each) for each in messages]
    except (KeyError, ValueError, RecursionError):
        return ask
    return ask if all(map(_is, changed, messages)) else ask.telling("messages", changed)


def _plain(message: _Fields) -> _Fields:
    if _LITELLM_FIELDS.isdisjoint(message):
        return message
    dropped = _LITELLM_FIELDS | {"reasoning_content"}
    return {name: value for name, value in message.items() if name not in dropped}


def _of_litellm(message: _Fields) -> _Fields:
    told = message
    if _NUMBER in bytes(message.get("tool_calls", b"")):
        calls = msgspec.json.decode(message["tool_calls"], type=list[_Fields])
        plain = [{name: it for name, it in call.items() if name != "index"} for call in calls]
        told = told | {"tool_calls": msgspec.Raw(_encode(plain))}
    if _PDF in (content := bytes(message.get("content", b""))) and content.startswith(b"["):
        parts = [_as_file(_part(raw), raw) for raw in _blocks(content)]
        told = told | {"content": msgspec.Raw(_encode(parts))}
    return told


def _as_file(part: _Part, raw: msgspec.Raw) -> msgspec.Raw:
    """A PDF as OpenAI takes it, which wants a name too."""
    if part.image_url is None or not part.image_url.url.startswith(_PDF.decode()):
        return raw
    file = {"filename": "document.pdf", "file_data": part.image_url.url}
    return msgspec.Raw(_encode({"type": "file", "file": file}))


def _with_valid_ids(message: _Fields) -> _Fields:
    told = dict(message)
    if "tool_call_id" in message:
        told["tool_call_id"] = _fitted(message["tool_call_id"])
    if "tool_calls" in message and bytes(message["tool_calls"]) != b"null":
        calls = msgspec.json.decode(message["tool_calls"], type=list[_Fields])
        fitted = [call | {"id": _fitted(call["id"])} for call in calls if "id" in call]
        told["tool_calls"] = msgspec.Raw(_encode(fitted))
    return told


def _fitted(name: msgspec.Raw) -> msgspec.Raw:
    told = msgspec.json.decode(name)
    return msgspec.Raw(_encode(valid_id(told))) if isinstance(told, str) else name


def _read(ask: Ask, name: str) -> Any:
    raw = ask.told.get(name)
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return None
