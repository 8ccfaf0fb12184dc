"""An MCP server with what the official conformance suite asks a server for; run as a script."""

import base64
import json
import sys
from collections.abc import Callable
from typing import Any

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n and no picture").decode()
SOUND = base64.b64encode(b"RIFF and no sound").decode()
WATCHED = "test://watched-resource"
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
    "additionalProperties": False,
}


def said(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def resource(uri: str, words: str) -> dict[str, Any]:
    return {"uri": uri, "mimeType": "text/plain", "text": words}


IMAGE = {"type": "image", "data": PIXEL, "mimeType": "image/png"}
AUDIO = {"type": "audio", "data": SOUND, "mimeType": "audio/wav"}
EMBEDDED = {
    "type": "resource",
    "resource": resource("test://embedded-resource", "This is an embedded resource content."),
}
MIXED = {
    "type": "resource",
    "resource": {
        "uri": "test://mixed-content-resource",
        "mimeType": "application/json",
        "text": '{"test": "data", "value": 123}',
    },
}
TOOLS: dict[str, dict[str, Any]] = {
    "test_simple_text": {
        "content": [said("This is a simple text response for testing.")],
    },
    "test_image_content": {"content": [IMAGE]},
    "test_audio_content": {"content": [AUDIO]},
    "test_embedded_resource": {"content": [EMBEDDED]},
    "test_multiple_content_types": {
        "content": [said("Multiple content types test:"), IMAGE, MIXED],
    },
    "test_error_handling": {
        "content": [said("This tool intentionally returns an error for testing")],
        "isError": True,
    },
    "test_tool_with_progress": {"content": [said("done")]},
    "json_schema_2020_12_tool": {"content": [said("done")]},
}
PROMPTS = {
    "test_simple_prompt": [],
    "test_prompt_with_arguments": ["arg1", "arg2"],
    "test_prompt_with_embedded_resource": ["resourceUri"],
    "test_prompt_with_image": [],
}


def greet(params: dict[str, Any]) -> dict[str, Any]:
    return {
        "protocolVersion": params["protocolVersion"],
        "capabilities": {
            "tools": {},
            "resources": {"subscribe": True},
            "prompts": {},
            "completions": {},
        },
        "serverInfo": {"name": "conformance", "version": "1"},
    }


def tools(_: dict[str, Any]) -> dict[str, Any]:
    plain = {"type": "object", "properties": {}}
    return {
        "tools": [
            {
                "name": name,
                "description": f"Does {name}.",
                "inputSchema": SCHEMA if name.startswith("json_schema") else plain,
            }
            for name in TOOLS
        ]
    }


def call(params: dict[str, Any]) -> dict[str, Any]:
    if params["name"] == "test_tool_with_progress":
        token = params.get("_meta", {}).get("progressToken")
        for step in (0, 50, 100):
            told = {"progressToken": token, "progress": step, "total": 100}
            send({"method": "notifications/progress", "params": told})
    return TOOLS[params["name"]]


def read(params: dict[str, Any]) -> dict[str, Any]:
    uri = params["uri"]
    if uri == "test://static-binary":
        return {"contents": [{"uri": uri, "mimeType": "image/png", "blob": PIXEL}]}
    if uri.startswith("test://template/"):
        number = uri.split("/")[3]
        words = json.dumps({"id": number, "templateTest": True, "data": f"Data for ID: {number}"})
        return {"contents": [{"uri": uri, "mimeType": "application/json", "text": words}]}
    words = "This is the content of the static text resource."
    return {"contents": [resource(uri, words)]}


def prompt(params: dict[str, Any]) -> dict[str, Any]:
    given = params.get("arguments") or {}
    blocks: dict[str, list[dict[str, Any]]] = {
        "test_simple_prompt": [said("This is a simple prompt for testing.")],
        "test_prompt_with_arguments": [
            said(f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'")
        ],
        "test_prompt_with_embedded_resource": [
            {
                "type": "resource",
                "resource": resource(given.get("resourceUri", ""), "Embedded resource content."),
            },
            said("Please process the embedded resource above."),
        ],
        "test_prompt_with_image": [IMAGE, said("Please analyze the image above.")],
    }
    return {"messages": [{"role": "user", "content": each} for each in blocks[params["name"]]]}


ANSWERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "initialize": greet,
    "tools/list": tools,
    "tools/call": call,
    "resources/list": lambda _: {
        "resources": [
            {"uri": uri, "name": uri}
            for uri in ("test://static-text", "test://static-binary", WATCHED)
        ]
    },
    "resources/templates/list": lambda _: {
        "resourceTemplates": [{"uriTemplate": "test://template/{id}/data", "name": "data"}]
    },
    "resources/read": read,
    "resources/subscribe": lambda _: {},
    "resources/unsubscribe": lambda _: {},
    "prompts/list": lambda _: {
        "prompts": [
            {
                "name": name,
                "description": f"Is {name}.",
                "arguments": [
                    {"name": each, "description": f"The {each}.", "required": True}
                    for each in given
                ],
            }
            for name, given in PROMPTS.items()
        ]
    },
    "prompts/get": prompt,
    "completion/complete": lambda _: {
        "completion": {"values": ["paris", "park"], "total": 2, "hasMore": False}
    },
}


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" not in asked:
            continue
        answer = ANSWERS.get(asked["method"])
        if answer is None:
            error = {"code": -32601, "message": "Method not found"}
            send({"id": asked["id"], "error": error})
        else:
            send({"id": asked["id"], "result": answer(asked.get("params") or {})})


if __name__ == "__main__":
    main()
