"""The built-in table of errors: which codes and words decide under which status.

The first rule that fits decides.
"""

import re
from dataclasses import dataclass

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy import wording
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
    """The text that patterns are searched in: the message, then the code, the type, the limits."""
    message = text.message[:_SEARCHED].replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return "\n".join((message, text.code or "", text.error_type or "", *text.limits))


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


_REQUEST = frozenset({400, 422})
_SERVER = frozenset(range(500, 600))
_UNKNOWN = frozenset({UNKNOWN})

RULES: tuple[Rule, ...] = (
    Rule(
        kind=ErrorKind.CONTEXT_WINDOW,
        on=_REQUEST | _SERVER | _UNKNOWN,
        codes=wording.CONTEXT_CODES,
        words=_words(*wording.CONTEXT_WORDS),
    ),
    Rule(
        kind=ErrorKind.CONTEXT_WINDOW,
        on=frozenset({429}),
        codes=wording.CONTEXT_CODES,
        words=_words(*wording.CONTEXT_CERTAIN),
    ),
    Rule(
        kind=ErrorKind.UNSUPPORTED,
        on=_SERVER,
        codes=frozenset({"not_supported_error"}),
        words=_words(*wording.LACKING_WORDS),
    ),
    Rule(
        kind=ErrorKind.QUOTA,
        on=frozenset({429}),
        codes=wording.QUOTA_CODES,
        words=_words(*wording.QUOTA_OF_A_DAY),
    ),
    # Gemini says "exceeded your current quota" of a minute, too, and then when to come back.
    Rule(
        kind=ErrorKind.THROTTLE,
        on=frozenset({429}),
        words=_words(r"(?:retry|try again) (?:in|after) \d", r"per ?minute"),
    ),
    Rule(kind=ErrorKind.QUOTA, on=frozenset({429}), words=_words(*wording.QUOTA_WORDS)),
    Rule(
        kind=ErrorKind.PAYMENT,
        on=_REQUEST | _UNKNOWN | {403},
        codes=wording.QUOTA_CODES | {"billing_error"},
        words=_words(*wording.PAYMENT_WORDS),
    ),
    Rule(
        kind=ErrorKind.FORBIDDEN,
        on=_REQUEST | _UNKNOWN,
        codes=wording.FORBIDDEN_CODES,
        words=_words(*wording.FORBIDDEN_WORDS),
    ),
    Rule(
        kind=ErrorKind.CONTENT_POLICY,
        on=_REQUEST | _UNKNOWN | {403},
        codes=wording.POLICY_CODES,
        words=_words(*wording.POLICY_WORDS),
    ),
    Rule(
        kind=ErrorKind.AUTH,
        on=_REQUEST | _UNKNOWN,
        codes=wording.AUTH_CODES,
        words=_words(*wording.AUTH_WORDS),
    ),
    Rule(
        kind=ErrorKind.AUTH,
        on=frozenset({403}),
        codes=wording.AUTH_CODES,
        words=_words(*wording.AUTH_WORDS_OF_403),
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
        words=_words(
            r"no endpoints found that support",
            # The model is there, and another endpoint has it.
            r"(?:not|only) supported in (?:the )?v1/",
        ),
    ),
    Rule(
        kind=ErrorKind.NOT_FOUND,
        on=_REQUEST | _UNKNOWN,
        codes=wording.MISSING_MODEL_CODES,
        words=_words(*wording.MISSING_MODEL_WORDS),
    ),
    Rule(kind=ErrorKind.SERVER, on=_REQUEST, words=_words(*wording.BROKEN_WORDS)),
    Rule(
        kind=ErrorKind.UNSUPPORTED,
        on=_REQUEST | _UNKNOWN,
        codes=wording.UNSUPPORTED_CODES,
        words=_words(*wording.UNSUPPORTED_WORDS),
    ),
    Rule(
        kind=ErrorKind.THROTTLE,
        on=_UNKNOWN,
        words=_words(r"rate[ _-]?limit", r"too many requests", r"throttl"),
    ),
)
