"""Providers that refuse what the real ones refuse: strict about every field of a conversation.

They are told what to answer next, and keep each body that they took or refused.
"""

import hashlib
import hmac
import itertools
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web

TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
LONGEST_CALL_ID = 40
SECRET = b"only this provider signs so"


class Refusal(Exception):  # noqa: N818 - it names the answer
    """A 400, and why."""


@dataclass(slots=True)
class StrictProvider:
    """What both have.

    Attributes:
        will: the next answers; a status refuses, a list of blocks is said.
        taken: the bodies that were right.
        refused: why others were not.
    """

    base: str = ""
    will: list[Any] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    paths: ClassVar[tuple[str, ...]] = ()

    async def serve(self, http: web.BaseRequest) -> web.StreamResponse:
        if not http.path.endswith(self.paths):
            return web.json_response(self.error(404, "Not Found"), status=404)
        body = json.loads(await http.read())
        next_one = self.will[0] if self.will else None
        if isinstance(next_one, int):
            self.will.pop(0)
            return web.json_response(self.error(next_one, "as told"), status=next_one)
        try:
            self.check(body)
        except Refusal as why:
            self.refused.append(str(why))
            return web.json_response(self.error(400, str(why)), status=400)
        self.taken.append(body)
        said = self.will.pop(0) if self.will else [{"type": "text", "text": "fine"}]
        return await self.say(http, body, said)

    def error(self, status: int, message: str) -> dict[str, Any]:
        raise NotImplementedError

    def check(self, body: dict[str, Any]) -> None:
        raise NotImplementedError

    async def say(
        self, http: web.BaseRequest, body: dict[str, Any], said: Any
    ) -> web.StreamResponse:
        raise NotImplementedError


def need(true: object, why: str) -> None:
    if not true:
        raise Refusal(why)


def only(told: Mapping[str, Any], known: str, where: str) -> None:
    for name in told:
        need(name in known.split(), f"{where}.{name}: Extra inputs are not permitted")


def signed(thought: str) -> str:
    """The signature of a thought."""
    return hmac.new(SECRET, thought.encode(), hashlib.sha256).hexdigest()


_MESSAGES = """model messages max_tokens system stream temperature thinking tool_choice tools top_k
    top_p stop_sequences metadata service_tier container context_management mcp_servers
    output_config output_format inference_geo speed cache_control"""
_BLOCKS = {
    "text": "type text cache_control citations",
    "image": "type source cache_control",
    "document": "type source cache_control title context citations",
    "thinking": "type thinking signature",
    "redacted_thinking": "type data",
    "tool_use": "type id name input cache_control caller",
    "tool_result": "type tool_use_id content is_error cache_control",
}


class StrictAnthropic(StrictProvider):
    """`/v1/messages` as Anthropic checks it."""

    paths = ("/v1/messages",)

    def error(self, status: int, message: str) -> dict[str, Any]:
        kind = "invalid_request_error" if status == 400 else "api_error"
        return {"type": "error", "error": {"type": kind, "message": message}}

    def check(self, body: dict[str, Any]) -> None:
        only(body, _MESSAGES, "body")
        need(isinstance(body.get("max_tokens"), int), "max_tokens: Field required")
        need(body.get("messages"), "messages: at least one message is required")
        for tool in body.get("tools") or ():
            if tool.get("type") in {None, "custom"}:
                known = "type name description input_schema cache_control strict"
                only(tool, f"{known} defer_loading eager_input_streaming input_examples", "tools")
        need(body["messages"][0]["role"] == "user", "messages: first message must be user")
        pending: list[str] = []
        for number, message in enumerate(body["messages"]):
            only(message, "role content", f"messages.{number}")
            need(message["role"] in {"user", "assistant"}, f"messages.{number}.role: unexpected")
            pending = self._check_content(number, message, pending)
        need(not pending, "messages: `tool_use` ids without `tool_result` blocks")
        self._check_thinking(body)

    def _check_content(
        self, number: int, message: dict[str, Any], pending: list[str]
    ) -> list[str]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        need(blocks, f"messages.{number}: content must not be empty")
        uses, results = [], []
        for place, block in enumerate(blocks):
            where = f"messages.{number}.content.{place}"
            need(block["type"] in _BLOCKS, f"{where}: unknown type {block['type']!r}")
            only(block, _BLOCKS[block["type"]], where)
            if block["type"] == "text":
                need(block["text"].strip(), f"{where}: text content blocks must be non-empty")
            if block["type"] == "tool_use":
                need(TOOL_ID.fullmatch(block["id"]), f"{where}.id: String should match pattern")
                need(isinstance(block["input"], dict), f"{where}.input: should be an object")
                uses.append(block["id"])
            if block["type"] == "tool_result":
                results.append(block["tool_use_id"])
            if block["type"] == "thinking":
                right = block.get("signature") == signed(block["thinking"])
                need(right, f"{where}: Invalid `signature` in `thinking` block")
        need(len(set(uses)) == len(uses), "messages: `tool_use` ids must be unique")
        if pending or results:
            need(message["role"] == "user", f"messages.{number}: tool_result in assistant")
            need(
                set(results) == set(pending),
                f"messages.{number}: `tool_result` blocks must answer the `tool_use` before",
            )
        return uses

    def _check_thinking(self, body: dict[str, Any]) -> None:
        enabled = (body.get("thinking") or {}).get("type") == "enabled"
        for edit in (body.get("context_management") or {}).get("edits", ()):
            clears = edit["type"].startswith("clear_thinking")
            need(not clears or enabled, "`clear_thinking` strategy requires `thinking`")
        last = next((m for m in reversed(body["messages"]) if m["role"] == "assistant"), None)
        if not enabled or last is None or isinstance(last["content"], str):
            return
        if any(block["type"] == "tool_use" for block in last["content"]):
            first = last["content"][0]["type"]
            need(
                first in {"thinking", "redacted_thinking"},
                f"messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found"
                f" `{first}`. When `thinking` is enabled, a final `assistant` message must start"
                " with a thinking block",
            )

    async def say(
        self, http: web.BaseRequest, body: dict[str, Any], said: Any
    ) -> web.StreamResponse:
        content = [self._block(block) for block in said]
        used = any(block["type"] == "tool_use" for block in content)
        whole = {
            "id": f"msg_{next(self.numbers)}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": content,
            "stop_reason": "tool_use" if used else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 5},
        }
        if not body.get("stream"):
            return web.json_response(whole)
        return await _stream(http, _message_events(whole), named=True)

    def _block(self, block: dict[str, Any]) -> dict[str, Any]:
        if block["type"] == "thinking":
            return block | {"signature": signed(block["thinking"])}
        if block["type"] == "tool_use":
            return {"id": f"toolu_{next(self.numbers):024}", **block}
        return block


def _message_events(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": whole | {"content": [], "stop_reason": None}}
    for index, block in enumerate(whole["content"]):
        begun, deltas = _parts(block)
        yield {"type": "content_block_start", "index": index, "content_block": begun}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}}
    yield {"type": "message_stop"}


def _parts(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match block["type"]:
        case "thinking":
            thought = {"type": "thinking_delta", "thinking": block["thinking"]}
            mark = {"type": "signature_delta", "signature": block["signature"]}
            return block | {"thinking": "", "signature": ""}, [thought, mark]
        case "redacted_thinking":
            return block, []
        case "tool_use":
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            return block | {"input": {}}, [delta]
        case _:
            return block | {"text": ""}, [{"type": "text_delta", "text": block["text"]}]


_CHAT = """model messages audio frequency_penalty function_call functions logit_bias logprobs
    max_tokens max_completion_tokens metadata modalities n parallel_tool_calls prediction
    presence_penalty prompt_cache_key prompt_cache_retention reasoning_effort response_format
    safety_identifier seed service_tier stop store stream stream_options temperature tool_choice
    tools top_logprobs top_p user verbosity web_search_options"""
_ROLES = {
    "system": "role content name",
    "developer": "role content name",
    "user": "role content name",
    "assistant": "role content name refusal tool_calls function_call audio",
    "tool": "role content tool_call_id",
}
_CHAT_PARTS = {
    "text": "type text",
    "image_url": "type image_url",
    "input_audio": "type input_audio",
    "file": "type file",
    "refusal": "type refusal",
}


class StrictOpenAI(StrictProvider):
    """`/chat/completions` as OpenAI checks it."""

    paths = ("/chat/completions",)

    def error(self, status: int, message: str) -> dict[str, Any]:
        kind = "invalid_request_error" if status == 400 else "server_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": None}}

    def check(self, body: dict[str, Any]) -> None:
        only(body, _CHAT, "body")
        need(body.get("messages"), "messages: empty array")
        for tool in body.get("tools") or ():
            only(tool, "type function custom", "tools")
            only(tool.get("function", {}), "name description parameters strict", "tools.function")
        pending: list[str] = []
        for number, message in enumerate(body["messages"]):
            where = f"messages[{number}]"
            need(message.get("role") in _ROLES, f"{where}.role: invalid")
            only(message, _ROLES[message["role"]], where)
            self._check_content(where, message)
            if message["role"] == "tool":
                need(message["tool_call_id"] in pending, f"{where}: no such tool_call")
                pending.remove(message["tool_call_id"])
                continue
            need(not pending, f"{where}: tool_call_ids did not have response messages: {pending}")
            pending = [self._check_call(where, call) for call in message.get("tool_calls") or ()]
        need(not pending, f"tool_call_ids did not have response messages: {pending}")

    def _check_content(self, where: str, message: dict[str, Any]) -> None:
        content = message.get("content")
        if content is None:
            need(message["role"] == "assistant", f"{where}.content: expected a string, got null")
            need(message.get("tool_calls"), f"{where}.content: expected a string, got null")
        if isinstance(content, list):
            for part in content:
                need(part["type"] in _CHAT_PARTS, f"{where}: unknown part {part['type']!r}")
                only(part, _CHAT_PARTS[part["type"]], f"{where}.content")

    def _check_call(self, where: str, call: dict[str, Any]) -> str:
        only(call, "id type function custom", f"{where}.tool_calls")
        only(call["function"], "name arguments", f"{where}.tool_calls.function")
        need(len(call["id"]) <= LONGEST_CALL_ID, f"{where}.tool_calls: id is too long")
        json.loads(call["function"]["arguments"])
        return str(call["id"])

    async def say(
        self, http: web.BaseRequest, body: dict[str, Any], said: Any
    ) -> web.StreamResponse:
        message = self._message(said)
        whole = {
            "id": f"chatcmpl-{next(self.numbers)}",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
        }
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        reason = "tool_calls" if message.get("tool_calls") else "stop"
        if not body.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
            return web.json_response(whole | {"choices": [choice], "usage": usage})
        chunks = _chat_chunks(whole | {"object": "chat.completion.chunk"}, message, reason, usage)
        return await _stream(http, chunks, named=False)

    def _message(self, said: list[dict[str, Any]]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
        for block in said:
            if block["type"] == "text":
                message["content"] = block["text"]
            elif block["type"] == "thinking":
                message["reasoning_content"] = block["thinking"]
            else:
                called = {"name": block["name"], "arguments": json.dumps(block["input"])}
                name = block.get("id") or f"call_{next(self.numbers):024}"
                calls = message.setdefault("tool_calls", [])
                calls.append({"id": name, "type": "function", "function": called})
        return message


def _chat_chunks(
    base: dict[str, Any], message: dict[str, Any], reason: str, usage: dict[str, int]
) -> Iterator[dict[str, Any]]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return base | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    if thought := message.get("reasoning_content"):
        yield chunk({"reasoning_content": thought})
    if message["content"]:
        yield chunk({"content": message["content"]})
    for index, call in enumerate(message.get("tool_calls", ())):
        begun = call | {"index": index, "function": call["function"] | {"arguments": ""}}
        yield chunk({"tool_calls": [begun]})
        more = {"index": index, "function": {"arguments": call["function"]["arguments"]}}
        yield chunk({"tool_calls": [more]})
    yield chunk({}, reason)
    yield base | {"choices": [], "usage": usage}


async def _stream(
    http: web.BaseRequest, events: Iterator[dict[str, Any]], *, named: bool
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(http)
    for event in events:
        name = f"event: {event['type']}\n" if named else ""
        await response.write(f"{name}data: {json.dumps(event)}\n\n".encode())
    if not named:
        await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


@asynccontextmanager
async def listening(provider: StrictProvider) -> AsyncIterator[None]:
    """Serve on 127.0.0.1 until the end of the block."""
    runner = web.ServerRunner(web.Server(provider.serve, access_log=None), shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()
