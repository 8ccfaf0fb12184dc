"""The built-in table of errors: by which codes and words providers say what went wrong.

Collected from OpenAI, Azure, Anthropic, Gemini, vLLM, SGLang, TGI, llama.cpp, Ollama, Mistral,
Groq, DeepSeek, xAI, OpenRouter, Bedrock, Cohere and LiteLLM. The first rule that fits decides.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy.errortext import ErrorText

# An error inside a 200 that does not say which status it amounts to.
UNKNOWN = 0

# Long enough for every wording, short enough to leave out most of a prompt that is quoted back.
_SEARCHED = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table.

    Args:
        kind: what it means.
        on: the statuses it is for.
        codes: codes and types, in lower case, that decide by themselves.
        words: what else the message may say.
    """

    kind: ErrorKind
    on: frozenset[int]
    codes: frozenset[str] = frozenset()
    words: re.Pattern[str] | None = None

    def fits(self, status: int, text: ErrorText) -> bool:
        """Tell whether an error with this status and text is meant."""
        if status not in self.on:
            return False
        if not self.codes.isdisjoint(text.codes):
            return True
        return self.words is not None and self.words.search(searched(text)) is not None


def searched(text: ErrorText) -> str:
    """The text that patterns are searched in: the message, then the code and the type."""
    message = text.message[:_SEARCHED].replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return "\n".join((message, text.code or "", text.error_type or ""))


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


_REQUEST = frozenset({400, 422})
_SERVER = frozenset(range(500, 600))
_UNKNOWN = frozenset({UNKNOWN})

_CONTEXT_CODES = frozenset(
    {
        "context_length_exceeded",
        "context_window_exceeded",
        "context_window_error",
        "exceed_context_size_error",
        "model_max_prompt_tokens_exceeded",
        "prompt_too_long",
        "request_too_large",
        "string_above_max_length",
        "tokens_limit_reached",
    }
)
# Certain enough to be believed under a 429. A request that alone exceeds the tokens per minute
# never succeeds by waiting, and a cooldown would only keep shorter ones away: it is too long.
_CONTEXT_CERTAIN = (
    r"request too large for",
    r"maximum context length",
    r"prompt is too long",
    r"extra usage is required for long context",
    r"ContextWindowExceeded",
)
# Go programs say "context deadline exceeded" of a timeout.
_LENGTH = r"(?:context(?! (?:deadline|cancell?ed))|input|prompt)"
_EXCEEDS = r"(?:exceeds?|exceeded|exceeding)"
_CONTEXT_WORDS = (
    *_CONTEXT_CERTAIN,
    r"(?:model's|maximum|available) (?:context|prompt|model|input) (?:length|size|window)",
    r"exceed\w*\b.{0,60}?\bcontext(?! (?:deadline|cancell?ed))",
    rf"{_LENGTH}\b.{{0,60}}?\b{_EXCEEDS}\b.{{0,60}}?\b(?:limit|max(?:imum)?|tokens?|length)\b",
    r"exceed\w*\b.{0,40}?\btoken limit",
    r"context (?:length|window|size|limit)\b.{0,40}?\b(?:exceed|overflow|too)",
    rf"{_LENGTH}(?: tokens?| length| text)? (?:is |are )?too (?:long|large)",
    r"too many (?:input |prompt |total )?(?:tokens|text bytes)",
    r"too large for (?:the )?model",
    r"(?:reduce|shorten|decrease) (?:the length of )?(?:the |your )?(?:message|prompt|input)s?\b",
    r"must have less than \d+ tokens",
    r"`?inputs`? tokens \+ `?max_new_tokens`? must be",
    r"(?:greater|longer) than the (?:\w+ )?(?:context|model) length",
    r"cannot exceed \d+.{0,40}received \d+",
    r"string too long\. Expected a string with maximum length",
)

_QUOTA_CODES = frozenset(
    {
        "access_terminated_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_exhausted",
        "credits_exhausted",
        "exceeded_current_quota_error",
        "insufficient_balance",
        "insufficient_credits",
        "insufficient_quota",
        "insufficient_user_quota",
        "payment_required",
        "quota_exceeded",
        "usage_limit_reached",
    }
)
_QUOTA_WORDS = (
    r"exceeded your current quota",
    r"insufficient[_ ](?:quota|balance|credits?|funds)",
    r"billing (?:hard )?limit",
    r"(?:credits?|quota|balance)\b.{0,40}?\b(?:exhausted|depleted|used up|run out)",
    r"(?:out of|run out of|ran out of|no more) (?:credits?|quota|funds)",
    r"credit balance is too lowx",
    r"monthly (?:usage |spend(?:ing)? |token )?(?:limit|quota|budget)",
    r"spend(?:ing)? (?:limit|cap)",
    r"(?:specified|monthly) API usage limits",
)
_PAYMENT_WORDS = (
    *_QUOTA_WORDS,
    r"billing (?:is )?not (?:active|enabled)",
    r"account is not active, please check your billing",
    r"doesn't have any credits",
    r"(?:purchase|buy|add) (?:more |some )?credits",
    r"payment (?:is )?required",
    r"in arrears|overdue[- ]payment",
)

_POLICY_CODES = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "contentpolicyviolation",
        "content_moderation",
        "data_inspection_failed",
        "datainspectionfailed",
        "moderation_blocked",
        "prohibited_content",
        "responsibleaipolicyviolation",
        "safety_violation",
        "sensitive_words_detected",
    }
)
_POLICY_WORDS = (
    r"content[_ ](?:management |moderation |filtering )?policy",
    r"content (?:was |has been )?(?:blocked|filtered|flagged)",
    r"content[_ ]filter",
    r"blocked by (?:\w+ ){0,3}(?:filter|safety|moderation|guardrail)",
    r"(?:input|prompt|request|output|response)\b.{0,40}?\bflagged",
    r"safety (?:system|filter|policy|settings)",
    r"responsible ai",
    r"usage polic(?:y|ies)",
    r"inappropriate content",
    r"content exists risk",
    r"PROHIBITED_CONTENT",
    r"ContentPolicyViolation",
)

_AUTH_CODES = frozenset(
    {"api_key_invalid", "authentication_error", "invalid_api_key", "unauthenticated"}
)
_AUTH_WORDS = (
    r"(?:invalid|incorrect|wrong|missing|expired) api[ _-]?key",
    r"api[ _-]?key (?:is |was )?(?:not valid|invalid|incorrect|expired|missing|not found)",
)

_MISSING_MODEL_CODES = frozenset(
    {
        "deploymentnotfound",
        "invalid_model",
        "invalid_model_name",
        "model_decommissioned",
        "model_not_available",
        "model_not_exist",
        "model_not_found",
        "modelnotfound",
        "not_found_error",
        "notfounderror",
        "unknown_model",
    }
)
_MISSING_MODEL_WORDS = (
    r"\bmodel\b.{0,120}?\b(?:does not exist|not exist|not found|is not available)",
    r"\bmodel\b.{0,120}?\bhas been (?:deprecated|decommissioned|retired|removed)",
    r"(?:unknown|invalid|no such|nonexistent) model\b(?! parameter)",
    r"is not a valid model",
    r"model identifier is invalid",
)

_UNSUPPORTED_CODES = frozenset(
    {
        "unknown_parameter",
        "unsupported_api_for_model",
        "unsupported_content_type",
        "unsupported_model",
        "unsupported_parameter",
        "unsupported_value",
        "model_not_supported",
        "notimplementederror",
    }
)
_UNSUPPORTED_WORDS = (
    r"(?:does not|doesn't|do not|don't|cannot) support",
    r"(?:not|only|isn't|aren't|un)[ -]?supported",
    r"unrecognized request argument",
    r"unknown (?:parameter|variant `image)",
    r"extra (?:inputs|fields) (?:are )?not permitted",
    r"not a multimodal model",
    r"at most 0 (?:image|audio|video)",
    r"tool choice requires",
    r"requires --enable-auto-tool-choice",
    r"not available (?:for|with) this model",
    r"supports at most \d+ completion tokens",
    r"maximum allowed number of output tokens",
    r"UnsupportedParams",
)

RULES: tuple[Rule, ...] = (
    Rule(
        kind=ErrorKind.CONTEXT_WINDOW,
        on=_REQUEST | _SERVER | _UNKNOWN,
        codes=_CONTEXT_CODES,
        words=_words(*_CONTEXT_WORDS),
    ),
    Rule(
        kind=ErrorKind.CONTEXT_WINDOW,
        on=frozenset({429}),
        codes=_CONTEXT_CODES,
        words=_words(*_CONTEXT_CERTAIN),
    ),
    Rule(kind=ErrorKind.QUOTA, on=frozenset({429}), codes=_QUOTA_CODES),
    # Gemini says "exceeded your current quota" of a minute, too, and then when to come back.
    Rule(
        kind=ErrorKind.THROTTLE,
        on=frozenset({429}),
        words=_words(r"(?:retry|try again) (?:in|after) \d", r"per ?minute"),
    ),
    Rule(kind=ErrorKind.QUOTA, on=frozenset({429}), words=_words(*_QUOTA_WORDS)),
    Rule(
        kind=ErrorKind.PAYMENT,
        on=_REQUEST | _UNKNOWN | {403},
        codes=_QUOTA_CODES | {"billing_error"},
        words=_words(*_PAYMENT_WORDS),
    ),
    Rule(
        kind=ErrorKind.CONTENT_POLICY,
        on=_REQUEST | _UNKNOWN | {403},
        codes=_POLICY_CODES,
        words=_words(*_POLICY_WORDS),
    ),
    Rule(
        kind=ErrorKind.AUTH,
        on=_REQUEST | _UNKNOWN,
        codes=_AUTH_CODES,
        words=_words(*_AUTH_WORDS),
    ),
    # A missing response, file or conversation is the request's fault; the model is there.
    Rule(
        kind=ErrorKind.BAD_REQUEST,
        on=frozenset({404}),
        codes=frozenset({"previous_response_not_found"}),
        words=_words(
            r"(?:response|conversation|item|file|container)\b.{0,9}\bwith id\b.{0,80}?not found",
            r"no such (?:file|container|conversation|batch)",
        ),
    ),
    Rule(
        kind=ErrorKind.UNSUPPORTED,
        on=frozenset({404}),
        words=_words(r"no endpoints found that support"),
    ),
    Rule(
        kind=ErrorKind.NOT_FOUND,
        on=_REQUEST | _UNKNOWN,
        codes=_MISSING_MODEL_CODES,
        words=_words(*_MISSING_MODEL_WORDS),
    ),
    Rule(
        kind=ErrorKind.UNSUPPORTED,
        on=_REQUEST | _UNKNOWN,
        codes=_UNSUPPORTED_CODES,
        words=_words(*_UNSUPPORTED_WORDS),
    ),
    Rule(
        kind=ErrorKind.THROTTLE,
        on=_UNKNOWN,
        words=_words(r"rate[ _-]?limit", r"too many requests", r"throttl"),
    ),
)

KIND_OF_STATUS: Mapping[int, ErrorKind] = {
    401: ErrorKind.AUTH,
    402: ErrorKind.PAYMENT,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.NOT_FOUND,
    408: ErrorKind.TIMEOUT,
    413: ErrorKind.CONTEXT_WINDOW,
    429: ErrorKind.THROTTLE,
    501: ErrorKind.UNSUPPORTED,
}

STATUS_OF_KIND: Mapping[ErrorKind, int] = {
    ErrorKind.THROTTLE: 429,
    ErrorKind.AUTH: 401,
    ErrorKind.PAYMENT: 402,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.SERVER: 500,
}

# What codes and types inside a 200 amount to.
STATUS_OF_CODE: Mapping[str, int] = {
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "invalid_argument": 400,
    "invalid_prompt": 400,
    "invalid_request": 400,
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
    "timeout_error": 408,
    "request_too_large": 413,
    "insufficient_quota": 429,
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
    "api_error": 500,
    "server_error": 500,
    "internal_error": 500,
    "internal_server_error": 500,
    "internalservererror": 500,
}
