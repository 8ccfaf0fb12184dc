"""A provider for real agents: it calls a tool that it is offered, and tells its answer.

`call the tool NAME with {...}` in a prompt names the tool by the end of its name; without that it
is `echo`.
"""

import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

TOLD = "the tool said: "
_ASKED = re.compile(r"call the tool (\S+) with (?=\{)")
_USUAL = ("echo", {"message": "hello"})


@asynccontextmanager
async def tool_user() -> AsyncIterator[str]:
    """Serve Anthropic messages and OpenAI responses; gives the base of both."""
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/messages", _messages)
    app.router.add_post("/openai/v1/responses", _responses)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def _messages(http: web.Request) -> web.Response:
    asked = await http.json()
    parts = [
        part
        for message in asked["messages"]
        for part in (message["content"] if isinstance(message["content"], list) else ())
    ]
    results = [part for part in parts if part["type"] == "tool_result"]
    wanted, given = _asked(
        [part.get("text", "") for part in parts]
        + [each["content"] for each in asked["messages"] if isinstance(each["content"], str)]
    )
    names = [each["name"] for each in asked.get("tools", ())]
    name = next((each for each in names if each.endswith(wanted)), None)
    if name and not results:
        block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(given)}
    else:
        block = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": TOLD + json.dumps(results)}
    stop = "tool_use" if block["type"] == "tool_use" else "end_turn"
    usage = {"input_tokens": 1, "output_tokens": 1}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
    ends = {"stop_reason": None, "stop_sequence": None}
    return _events(
        {"type": "message_start", "message": {**head, **ends, "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {**ends, "stop_reason": stop}, "usage": usage},
        {"type": "message_stop"},
    )


async def _responses(http: web.Request) -> web.Response:
    asked = await http.json()
    results = [item for item in asked["input"] if item.get("type") == "function_call_output"]
    parts = [part for item in asked["input"] for part in item.get("content") or ()]
    wanted, given = _asked([part.get("text", "") for part in parts])
    tool = _named(asked.get("tools", ()), wanted)
    if tool and not results:
        call = {"type": "function_call", "id": "fc_1", "call_id": "call_1"}
        call["arguments"] = json.dumps(given)
        item: dict[str, Any] = {**call, **tool, "status": "completed"}
    else:
        content = {"type": "output_text", "text": TOLD + json.dumps(results), "annotations": []}
        item = {"type": "message", "id": "m_1", "role": "assistant", "content": [content]}
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    whole = {"id": "resp_1", "object": "response", "model": "m", "output": [item], "usage": usage}
    return _events(
        {"type": "response.created", "response": whole | {"status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole | {"status": "completed"}},
    )


def _asked(texts: Iterable[str]) -> tuple[str, Mapping[str, Any]]:
    """The tool that a prompt names, and its arguments."""
    for text in texts:
        if found := _ASKED.search(text):
            given, _ = json.JSONDecoder().raw_decode(text[found.end() :])
            return found[1], given
    return _USUAL


def _named(tools: Any, name: str) -> dict[str, str] | None:
    """The tool of that name; Codex puts those of a server into a namespace."""
    for tool in tools:
        for inner in tool.get("tools", ()):
            if inner["name"].endswith(name):
                return {"name": inner["name"], "namespace": tool["name"]}
        if tool.get("name", "").endswith(name):
            return {"name": tool["name"]}
    return None


def _events(*events: Mapping[str, Any]) -> web.Response:
    text = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events)
    return web.Response(text=text, content_type="text/event-stream")
