"""One request of a drill, as a client makes it, and what came back."""

import json
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any

from agentbox_cli.fallback.scenarios import PROTOCOLS, Check
from agentbox_cli.proxy.drill import HEADER, drill_header
from agentbox_cli.proxy.endpoints import BY_PATH

# A check may wait for each failing link and for a busy machine, never for ever.
SECONDS = 60.0
PROMPT = "drill"
OK = 200

_PATHS = {
    name: endpoint.path
    for name, protocol in PROTOCOLS.items()
    for endpoint in BY_PATH.values()
    if endpoint.protocol is protocol
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a client saw.

    Args:
        status: the HTTP status; None if there was no answer.
        served_by: who answered, by the proxy's header.
        answer: the text of the answer, or of the error.
        complete: whether the answer ended as its protocol says.
        elapsed_ms: how long it all took.
    """

    status: int | None
    served_by: str | None
    answer: str
    complete: bool
    elapsed_ms: float


def ask(host: str, port: int, secret: str, check: Check) -> Seen:
    """Make the request of a check."""
    began = time.monotonic()
    connection = HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request(
            "POST", _PATHS[check.endpoint], body=_body(check), headers=_headers(secret, check)
        )
        response = connection.getresponse()
        body = response.read()
        served_by = response.headers.get("x-agentbox-served-by")
    except (OSError, HTTPException) as error:
        return _nothing(f"{type(error).__name__}: {error}", began)
    finally:
        connection.close()
    answer, complete = _read(check, response.status, body)
    return Seen(
        status=response.status,
        served_by=served_by,
        answer=answer,
        complete=complete,
        elapsed_ms=(time.monotonic() - began) * 1_000,
    )


def _body(check: Check) -> bytes:
    fields: dict[str, Any] = {"model": check.chain.alias}
    if check.endpoint == "embeddings":
        fields["input"] = PROMPT
    else:
        fields["messages"] = [{"role": "user", "content": PROMPT}]
        fields["max_tokens"] = 64
        fields["stream"] = check.stream
    return json.dumps(fields).encode()


def _headers(secret: str, check: Check) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        HEADER: drill_header(secret, check.id, check.toggles),
    }


def _nothing(why: str, began: float) -> Seen:
    elapsed = (time.monotonic() - began) * 1_000
    return Seen(status=None, served_by=None, answer=why, complete=False, elapsed_ms=elapsed)


def _read(check: Check, status: int, body: bytes) -> tuple[str, bool]:
    text = body.decode("utf-8", "replace")
    try:
        if status != OK:
            return _error_text(json.loads(text)), True
        if check.stream:
            return _stream_text(check.endpoint, text)
        return _whole_text(check.endpoint, json.loads(text)), True
    except (ValueError, KeyError, TypeError, IndexError):
        return text[:200], False


def _error_text(document: dict[str, Any]) -> str:
    return str(document["error"]["message"])


def _whole_text(endpoint: str, document: dict[str, Any]) -> str:
    if endpoint == "chat":
        return str(document["choices"][0]["message"]["content"])
    if endpoint == "messages":
        return str(document["content"][0]["text"])
    return f"{len(document['data'][0]['embedding'])} dimensions"


def _stream_text(endpoint: str, text: str) -> tuple[str, bool]:
    data = [line.removeprefix("data:").strip() for line in text.splitlines() if _is_data(line)]
    events = [json.loads(item) for item in data if item != "[DONE]"]
    if endpoint == "messages":
        parts = [e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta"]
        return "".join(parts), bool(events) and events[-1]["type"] == "message_stop"
    choices = [choice for event in events for choice in event["choices"]]
    parts = [choice["delta"].get("content") or "" for choice in choices]
    return "".join(parts), any(choice.get("finish_reason") for choice in choices)


def _is_data(line: str) -> bool:
    return line.startswith("data:")
