"""What a status says by itself, and which status an error inside a 200 amounts to."""

from collections.abc import Mapping

from agentbox_cli.providers.model import ErrorKind

KIND_OF_STATUS: Mapping[int, ErrorKind] = {
    401: ErrorKind.AUTH,
    402: ErrorKind.PAYMENT,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.NOT_FOUND,
    408: ErrorKind.TIMEOUT,
    410: ErrorKind.NOT_FOUND,
    413: ErrorKind.CONTEXT_WINDOW,
    # The work failed, not the request: TGI's 424, Groq's 498 (no capacity), nginx's 499.
    424: ErrorKind.SERVER,
    429: ErrorKind.THROTTLE,
    451: ErrorKind.FORBIDDEN,
    498: ErrorKind.SERVER,
    499: ErrorKind.SERVER,
    501: ErrorKind.UNSUPPORTED,
}

STATUS_OF_KIND: Mapping[ErrorKind, int] = {
    ErrorKind.THROTTLE: 429,
    ErrorKind.AUTH: 401,
    ErrorKind.PAYMENT: 402,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.SERVER: 500,
}

# What codes and types inside a 200 amount to. Ollama calls everything an `api_error`, so that one
# says nothing: words decide, and without any it is a server error all the same.
STATUS_OF_CODE: Mapping[str, int] = {
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "invalid_argument": 400,
    "invalid_prompt": 400,
    "invalid_request": 400,
    "failed_precondition": 400,
    "validationexception": 400,
    "unauthenticated": 401,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "permission_denied": 403,
    "permission_error": 403,
    "not_found": 404,
    "not_found_error": 404,
    "notfounderror": 404,
    "model_not_found": 404,
    "timeout": 408,
    "timeout_error": 408,
    "request_too_large": 413,
    "insufficient_quota": 429,
    "exceeded_current_quota_error": 429,
    "rate_limited": 429,
    "throttlingexception": 429,
    "quota_exceeded": 429,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "resource_exhausted": 429,
    "throttling_error": 429,
    "too_many_requests": 429,
    "usage_limit_reached": 429,
    "overloaded_error": 529,
    "server_is_overloaded": 503,
    "slow_down": 503,
    "unavailable": 503,
    "unavailable_error": 503,
    "service_unavailable": 503,
    "service_unavailable_error": 503,
    "serviceunavailableexception": 503,
    "deadline_exceeded": 504,
    "internal": 500,
    "server_error": 500,
    "internal_error": 500,
    "internal_server_error": 500,
    "internalservererror": 500,
}
