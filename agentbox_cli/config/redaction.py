"""How keys are kept out of every text: those that are known, and whatever looks like one.

Light to import, because every error message passes through here.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from agentbox_cli.config.references import PLACEHOLDERS

# A shorter "secret" is a placeholder, and replacing it would spoil the text.
_SHORTEST = 6
_REDACTED = "[redacted]"
# What variables that hold a key are called, and the values of such that are no key.
_KEY_VARIABLE = re.compile(r"(?i)(_|^)(key|token|secret|password)s?$")
_NO_KEY = re.compile(r"[~./]|[A-Za-z]:\\")
_CREDENTIAL_HEADERS = ("authorization", "key", "token", "secret", "cookie")
_SHAPES = re.compile(
    r"""
      (?<![A-Za-z0-9])(?:sk|pk|rk|gsk|xai|ghp|gho|github_pat|glpat|hf|pplx)[-_][A-Za-z0-9_-]{8,}
    | (?<![A-Za-z0-9])agentbox-client-[A-Za-z0-9_-]{16,}
    | (?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{30,}
    | (?<=Bearer\s)\s*(?!\$\{)[^\s"',;]{4,}
    | (?<=://)[^\s/@:]*:[^\s@]+(?=@)
    | (?<=password=)(?!\$\{)[^\s"'&]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
# A key may stand where none belongs; the names of models and hosts have separators.
_TOKEN = re.compile(
    r"(?<![\w.-])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{20,}(?![\w.-])", re.ASCII
)


class Secret(Protocol):
    """What hides a text, such as pydantic's `SecretStr`."""

    def get_secret_value(self) -> str:
        """The text itself."""


def is_credential(header: str) -> bool:
    """Whether a header of this name carries a key."""
    return any(word in header.lower() for word in _CREDENTIAL_HEADERS)


def redact(
    text: str, secrets: Iterable[Secret], mask: Callable[[str], str] = lambda _: _REDACTED
) -> str:
    """Take keys out of a text: the given ones, the longest first, and whatever looks like one."""
    return _redact(text, {secret.get_secret_value() for secret in secrets}, mask)


def redact_environment(text: str, environ: Mapping[str, str]) -> str:
    """Take the values of variables such as `GWDG_API_KEY` out of a text, and what looks like one.

    A value that is a path or a placeholder stays: it is no key, and may be what the text is about.
    """
    return mask_tokens(redact_known(text, environ), mask=lambda _: _REDACTED, spare="/")


def redact_known(text: str, environ: Mapping[str, str]) -> str:
    """As `redact_environment`, but long words stay: in a program most of them are names."""
    values = {
        value
        for name, value in environ.items()
        if _KEY_VARIABLE.search(name)
        and not _NO_KEY.match(value)
        and value.lower() not in PLACEHOLDERS
    }
    return redact_values(text, values)


def mask_tokens(text: str, mask: Callable[[str], str], *, spare: str = "") -> str:
    """Take long words of letters and digits out of a text, which is what many keys look like.

    Args:
        text: the text.
        mask: what stands there instead.
        spare: a character beside which a word stays, such as the `/` of a path.
    """

    def masked(word: re.Match[str]) -> str:
        beside = text[max(0, word.start() - 1) : word.start()] + text[word.end() : word.end() + 1]
        return word[0] if spare and spare in beside else mask(word[0])

    return _TOKEN.sub(masked, text)


def redact_values(text: str, values: Iterable[str]) -> str:
    """Take keys that are at hand as text out of a text, and whatever looks like one."""
    return _redact(text, values, lambda _: _REDACTED)


def _redact(text: str, values: Iterable[str], mask: Callable[[str], str]) -> str:
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORTEST:
            text = text.replace(value, mask(value))
    return _SHAPES.sub(lambda found: mask(found[0]), text)
