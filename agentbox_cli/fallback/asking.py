"""One request of a drill, as a client makes it, and what came back."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

from agentbox_cli.fallback.plan import Check
from agentbox_cli.fallback.rules import OK
from agentbox_cli.proxy.drill import HEADER, drill_header
from agentbox_cli.proxy.endpoints import BY_PATH, GENERATE

# A check may wait for each failing link and for a busy machine, never for ever.
SECONDS = 90.0
# The answer repeats it: long enough for a stream to break in the middle of it.
PROMPT = "a drill of ten words that will be said again"

_PATHS = {endpoint.name: endpoint.path for endpoint in BY_PATH.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a client saw.

    Args:
        status: the HTTP status; None if there was no answer.
        served_by: who answered, by the proxy's header.
        answer: the text of the answer, or of the error.
        complete: whether the answer ended as its protocol says.
        broken: whether the stream said itself that it failed.
        elapsed_ms: how long it all took.
    """

    status: int | None
    served_by: str | None
    answer: str
    complete: bool
    broken: bool = False
    elapsed_ms: float


@dataclass(slots=True, kw_only=True)
class Told:
    """What a stream told: its text, whether it ended well, whether it ended with an error."""

    parts: list[str] = field(default_factory=list)
    complete: bool = False
    broken: bool = False


def ask(host: str, port: int, secret: str, check: Check, alias: str) -> Seen:
    """Make a request of a check.

    Args:
        host: where the proxy of the drill is.
        port: its port.
        secret: opens the drill header.
        check: how to ask.
        alias: what to ask for.
    """
    began = time.monotonic()
    connection = HTTPConnection(host, port, timeout=SECONDS)
    try:
        path, body = _question(check, alias)
        connection.request("POST", path, body=body, headers=_head(secret, check))
        response = connection.getresponse()
        received = response.read()
        served_by = response.headers.get("x-agentbox-served-by")
    except (OSError, HTTPException) as error:
        return _nothing(f"{type(error).__name__}: {error}", began)
    finally:
        connection.close()
    answer, told = _read(check, response.status, received)
    return Seen(
        status=response.status,
        served_by=served_by,
        answer=answer,
        complete=told.complete,
        broken=told.broken,
        elapsed_ms=_since(began),
    )


def _question(check: Check, alias: str) -> tuple[str, bytes]:
    """The path and the body."""
    fields = _asked(check.endpoint)
    if check.endpoint == GENERATE.name:
        verb = "streamGenerateContent?alt=sse" if check.stream else "generateContent"
        return f"/v1beta/models/{quote(alias)}:{verb}", json.dumps(fields).encode()
    fields["model"] = alias
    if check.stream:
        fields["stream"] = True
    return _PATHS[check.endpoint], json.dumps(fields).encode()


def _asked(endpoint: str) -> dict[str, Any]:
    if endpoint == GENERATE.name:
        turn = {"role": "user", "parts": [{"text": PROMPT}]}
        return {"contents": [turn], "generationConfig": {"maxOutputTokens": 64}}
    if endpoint == "embeddings":
        return {"input": PROMPT}
    said = [{"role": "user", "content": PROMPT}]
    if endpoint == "responses":
        # An answer that the provider keeps would not be asked for twice.
        return {"input": said, "max_output_tokens": 64, "store": False}
    return {"messages": said, "max_tokens": 64}


def _head(secret: str, check: Check) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        HEADER: drill_header(secret, check.id, check.toggles),
    }


def _since(began: float) -> float:
    return (time.monotonic() - began) * 1_000


def _nothing(why: str, began: float) -> Seen:
    return Seen(status=None, served_by=None, answer=why, complete=False, elapsed_ms=_since(began))


def _read(check: Check, status: int, body: bytes) -> tuple[str, Told]:
    text = body.decode("utf-8", "replace")
    try:
        if status != OK:
            return _error_text(json.loads(text)), Told(complete=True)
        if check.stream:
            told = _stream(check.endpoint, text)
            return "".join(told.parts), told
        return _whole_text(check.endpoint, json.loads(text)), Told(complete=True)
    except (ValueError, KeyError, TypeError, IndexError):
        return text[:200], Told()


def _error_text(document: dict[str, Any]) -> str:
    # A provider's own error is passed on as it came, and not every one has OpenAI's shape.
    error = document.get("error")
    return str(error["message"] if isinstance(error, dict) else document)


def _whole_text(endpoint: str, document: dict[str, Any]) -> str:
    match endpoint:
        case "chat":
            return str(document["choices"][0]["message"]["content"])
        case "messages":
            return str(document["content"][0]["text"])
        case "responses":
            items = [item for item in document["output"] if item["type"] == "message"]
            return str(items[0]["content"][0]["text"])
        case "generate":
            return str(document["candidates"][0]["content"]["parts"][0]["text"])
        case _:
            return f"{len(document['data'][0]['embedding'])} dimensions"


def _stream(endpoint: str, text: str) -> Told:
    told = Told()
    for event in _events(text):
        _READERS[endpoint](told, event)
    return told


def _events(text: str) -> Iterable[dict[str, Any]]:
    # Google tells of an error in its streams by mere JSON.
    data = (line.removeprefix("data:").strip() for line in text.splitlines() if _is_data(line))
    return (json.loads(item) for item in data if item != "[DONE]")


def _is_data(line: str) -> bool:
    return line.startswith(("data:", "{"))


def _read_chat(told: Told, event: dict[str, Any]) -> None:
    if "error" in event:
        told.broken = True
        return
    for choice in event["choices"]:
        told.parts.append(choice["delta"].get("content") or "")
        told.complete = told.complete or bool(choice.get("finish_reason"))


def _read_messages(told: Told, event: dict[str, Any]) -> None:
    if event["type"] == "content_block_delta":
        told.parts.append(event["delta"].get("text", ""))
    told.broken = told.broken or event["type"] == "error"
    told.complete = event["type"] == "message_stop"


def _read_responses(told: Told, event: dict[str, Any]) -> None:
    if event["type"] == "response.output_text.delta":
        told.parts.append(event["delta"])
    told.broken = told.broken or event["type"] == "response.failed"
    told.complete = event["type"] == "response.completed"


def _read_generated(told: Told, event: dict[str, Any]) -> None:
    if "error" in event:
        told.broken = True
        return
    for candidate in event.get("candidates", ()):
        told.parts += (part.get("text", "") for part in candidate["content"]["parts"])
        told.complete = told.complete or "finishReason" in candidate


_READERS = {
    "chat": _read_chat,
    "messages": _read_messages,
    "responses": _read_responses,
    "generate": _read_generated,
}
