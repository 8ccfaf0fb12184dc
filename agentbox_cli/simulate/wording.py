"""How providers word their errors: the shapes are theirs, the sentences are ours."""

from enum import StrEnum
from typing import Any


class Wording(StrEnum):
    """What an error says, where its status alone would not tell."""

    PLAIN = "plain"
    CONTEXT_WINDOW = "context-window"
    VLLM_CONTEXT_WINDOW = "vllm-context-window"
    QUOTA = "quota"
    CONTENT_POLICY = "content-policy"
    UNSUPPORTED = "unsupported"
    DETAIL = "detail"
    HTML = "html"


class Form(StrEnum):
    """Whose shape an error has."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"


_CONTEXT = (
    "This model's maximum context length is 128000 tokens. However, your messages resulted in "
    "140000 tokens. Please reduce the length of the messages."
)

# status: type, code, message
_OPENAI_PLAIN: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    402: ("insufficient_balance", None, "The account has no credit left."),
    403: ("permission_error", "forbidden", "This key may not use this model."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist."),
    408: ("timeout_error", None, "The request timed out."),
    413: ("invalid_request_error", "request_too_large", "The request is too large."),
    422: ("invalid_request_error", None, "The request cannot be processed."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached. Please try again later."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("service_unavailable", None, "The model is overloaded. Please try again later."),
    529: ("overloaded_error", "overloaded", "The service is overloaded."),
}

# wording: type, code, param, message
_OPENAI: dict[Wording, tuple[str, str, str | None, str]] = {
    Wording.CONTEXT_WINDOW: (
        "invalid_request_error",
        "context_length_exceeded",
        "messages",
        _CONTEXT,
    ),
    Wording.QUOTA: (
        "insufficient_quota",
        "insufficient_quota",
        None,
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    Wording.CONTENT_POLICY: (
        "invalid_request_error",
        "content_policy_violation",
        None,
        "The request was rejected by our content policy.",
    ),
    Wording.UNSUPPORTED: (
        "invalid_request_error",
        "unsupported_parameter",
        "max_tokens",
        "Unsupported parameter: 'max_tokens' is not supported with this model.",
    ),
}

_ANTHROPIC_PLAIN: dict[int, tuple[str, str]] = {
    400: ("invalid_request_error", "The request is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "The account has no credit left."),
    403: ("permission_error", "This key may not use this model."),
    404: ("not_found_error", "The model does not exist."),
    408: ("timeout_error", "The request timed out."),
    413: ("request_too_large", "Request exceeds the maximum size"),
    422: ("invalid_request_error", "The request cannot be processed."),
    429: ("rate_limit_error", "This request would exceed your rate limit."),
    529: ("overloaded_error", "Overloaded"),
}

_ANTHROPIC: dict[Wording, tuple[str, str]] = {
    Wording.CONTEXT_WINDOW: (
        "invalid_request_error",
        "prompt is too long: 210000 tokens > 200000 maximum",
    ),
    Wording.QUOTA: (
        "invalid_request_error",
        "Your credit balance is too low to access the API.",
    ),
    Wording.CONTENT_POLICY: (
        "invalid_request_error",
        "Output blocked by content filtering policy",
    ),
    Wording.UNSUPPORTED: (
        "invalid_request_error",
        "This model does not support tools.",
    ),
}

# status: its name, and what is said
_GOOGLE_PLAIN: dict[int, tuple[str, str]] = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "The request lacks valid authentication credentials."),
    402: ("FAILED_PRECONDITION", "The account has no credit left."),
    403: ("PERMISSION_DENIED", "The caller does not have permission."),
    404: ("NOT_FOUND", "The model is not found, or is not supported for generateContent."),
    408: ("DEADLINE_EXCEEDED", "The request timed out."),
    413: ("INVALID_ARGUMENT", "Request payload size exceeds the limit."),
    422: ("INVALID_ARGUMENT", "The request cannot be processed."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted, please try again later."),
    500: ("INTERNAL", "An internal error has occurred."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    529: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
}
_GOOGLE: dict[Wording, str] = {
    Wording.CONTEXT_WINDOW: (
        "The input token count (140000) exceeds the maximum number of tokens allowed (128000)."
    ),
    Wording.QUOTA: "You exceeded your current quota, please check your plan and billing details.",
    Wording.CONTENT_POLICY: "The prompt was rejected by our content policy.",
    Wording.UNSUPPORTED: "Function calling is not supported with this model.",
}
_DETAIL = "type.googleapis.com/google.rpc.QuotaFailure"
_PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"

_HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>nginx</body></html>"


def html_page(status: int) -> str:
    """Write the page that a web server in front of the provider would send."""
    return _HTML.format(f"{status} Bad Gateway")


def error_document(
    *,
    form: Form = Form.OPENAI,
    status: int,
    wording: Wording = Wording.PLAIN,
    message: str | None = None,
) -> dict[str, Any]:
    """Word an error as the provider would.

    Args:
        form: whose shape it has.
        status: the HTTP status that it comes with, or would have come with.
        wording: what it says.
        message: its sentence, if another one is wanted.
    """
    match wording:
        case Wording.VLLM_CONTEXT_WINDOW:
            return _vllm_error(message or _CONTEXT, status)
        case Wording.DETAIL:
            fault = {"loc": ["body"], "msg": message or "field required", "type": "missing"}
            return {"detail": [fault]}
        case _ if form is Form.ANTHROPIC:
            return _anthropic_error(status, wording, message)
        case _ if form is Form.GOOGLE:
            return _google_error(status, wording, message)
        case _:
            return _openai_error(status, wording, message)


def _vllm_error(message: str, status: int) -> dict[str, Any]:
    error = {"message": message, "type": "BadRequestError", "param": None, "code": status}
    return {"object": "error", **error}


def _anthropic_error(status: int, wording: Wording, message: str | None) -> dict[str, Any]:
    plain = _ANTHROPIC_PLAIN.get(status, ("api_error", "Internal server error"))
    kind, sentence = _ANTHROPIC.get(wording, plain)
    return {"type": "error", "error": {"type": kind, "message": message or sentence}}


def _openai_error(status: int, wording: Wording, message: str | None) -> dict[str, Any]:
    kind, code, sentence = _OPENAI_PLAIN.get(status, _OPENAI_PLAIN[500])
    param: str | None = None
    if wording in _OPENAI:
        kind, code, param, sentence = _OPENAI[wording]
    error = {"message": message or sentence, "type": kind, "param": param, "code": code}
    return {"error": error}


def _google_error(status: int, wording: Wording, message: str | None) -> dict[str, Any]:
    name, sentence = _GOOGLE_PLAIN.get(status, _GOOGLE_PLAIN[500])
    said = message or _GOOGLE.get(wording) or sentence
    error: dict[str, Any] = {"code": status, "message": said, "status": name}
    if wording is Wording.QUOTA:
        error["details"] = [{"@type": _DETAIL, "violations": [{"quotaId": _PER_DAY}]}]
    return {"error": error}
