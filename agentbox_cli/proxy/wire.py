"""What clients see of a failure, in their own protocol."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from agentbox_cli.providers.model import ErrorKind, Protocol
from agentbox_cli.proxy.events import StreamState

KEEP_ALIVE = b": keep-alive\n\n"
# Google's own clients read nothing after a comment, or take it for an error (measured).
_KEEP_ALIVE_OF_GOOGLE = b"\n\n"

OVERLOADED = 529


def error_body(  # noqa: PLR0913 - an error has these parts, in this order
    protocol: Protocol,
    status: int,
    kind_or_type: ErrorKind | str | None,
    message: str,
    code: str | None = None,
    *,
    request_id: str | None = None,
    retry_after: float | None = None,
) -> bytes:
    """Write an error body.

    Args:
        protocol: the client's.
        status: the answer's HTTP status.
        kind_or_type: a kind, whose type follows from the status, or the type itself.
        message: for people.
        code: the error's code; an OpenAI-style error names its kind by default.
        request_id: ours, where the protocol has a place for it.
        retry_after: seconds to wait, where the protocol has a place for it.
    """
    if protocol is Protocol.GOOGLE_GENERATE:
        return msgspec.json.encode({"error": _google_error(status, message, code, retry_after)})
    named = None if isinstance(kind_or_type, ErrorKind) else kind_or_type
    if protocol is Protocol.ANTHROPIC_MESSAGES:
        error = {"type": named or _type_of(_ANTHROPIC_TYPES, status, "api_error")}
        body = {"type": "error", "error": error | {"message": _clean(message)}}
        return msgspec.json.encode(body | ({"request_id": request_id} if request_id else {}))
    error_type = named or _type_of(_OPENAI_TYPES, status, "server_error")
    kind = kind_or_type.value if isinstance(kind_or_type, ErrorKind) else None
    return msgspec.json.encode({"error": _openai_error(message, error_type, code or kind)})


def terminal_event(protocol: Protocol, message: str, state: StreamState | None = None) -> bytes:
    """Write the event after which each client knows that its stream failed; no `[DONE]` follows.

    Other forms pass unnoticed or lose the message in one client or another (measured).

    Args:
        protocol: the client's.
        message: for people.
        state: what the stream had told, of which responses need ids and numbers.
    """
    if protocol is Protocol.OPENAI_RESPONSES:
        return _event("response.failed", _failed_response(_clean(message), state or StreamState()))
    if protocol is Protocol.GOOGLE_GENERATE:
        # Bare, as Google does: behind a `data:` its client for Node would not see it (measured).
        return msgspec.json.encode({"error": _google_error(503, message, None, None)}) + b"\n\n"
    if protocol is Protocol.ANTHROPIC_MESSAGES:
        error = {"type": "api_error", "message": _clean(message)}
        return _event("error", {"type": "error", "error": error})
    error = _openai_error(message, "server_error", "upstream_stream_error")
    return b"data: " + msgspec.json.encode({"error": error}) + b"\n\n"


def keep_alive(protocol: Protocol) -> bytes:
    """What may be sent while nothing can be said yet."""
    return _KEEP_ALIVE_OF_GOOGLE if protocol is Protocol.GOOGLE_GENERATE else KEEP_ALIVE


def total_failure_status(protocol: Protocol, *, rate_limited: bool) -> int:
    """Choose the status for a chain of which no link answers for now."""
    if rate_limited:
        return HTTPStatus.TOO_MANY_REQUESTS
    if protocol is Protocol.ANTHROPIC_MESSAGES:
        return OVERLOADED
    return HTTPStatus.SERVICE_UNAVAILABLE


def _type_of(types: Mapping[int, str], status: int, server: str) -> str:
    other = server if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    return types.get(status, other)


_ANTHROPIC_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_OPENAI_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


_GOOGLE_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_DETAIL = "type.googleapis.com/google.rpc"


def _google_error(
    status: int, message: str, code: str | None, retry_after: float | None
) -> dict[str, Any]:
    server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    named = _GOOGLE_STATUSES.get(status, "INTERNAL" if server else "FAILED_PRECONDITION")
    error = {"code": status, "message": _clean(message), "status": named}
    details: list[dict[str, Any]] = []
    if code is not None:
        info = {"@type": f"{_DETAIL}.ErrorInfo", "reason": code.upper(), "domain": "agentbox"}
        details.append(info)
    if retry_after is not None:
        details.append({"@type": f"{_DETAIL}.RetryInfo", "retryDelay": f"{retry_after:g}s"})
    return error | ({"details": details} if details else {})


def _openai_error(message: str, error_type: str, code: str | None) -> dict[str, Any]:
    return {"message": _clean(message), "type": error_type, "param": None, "code": code}


def _event(name: str, data: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))


def _failed_response(message: str, state: StreamState) -> dict[str, Any]:
    # The inner error is for Codex, the outer one makes the OpenAI SDK raise (measured).
    error = {"code": "server_error", "message": message}
    number = -1 if state.sequence_number is None else state.sequence_number
    return {
        "type": "response.failed",
        "sequence_number": number + 1,
        "response": {
            "id": state.response_id or "resp_failed",
            "object": "response",
            "created_at": state.created_at or 0,
            "status": "failed",
            "model": state.model or "unknown",
            "output": [],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "error": error,
            "incomplete_details": None,
            "instructions": None,
            "metadata": None,
            "temperature": None,
            "top_p": None,
            "usage": None,
        },
        "error": error,
    }


def _clean(message: str) -> str:
    """Keep a message on one line, for clients that cut lines at any kind of line end."""
    return " ".join(message.encode("utf-8", "replace").decode().split())
