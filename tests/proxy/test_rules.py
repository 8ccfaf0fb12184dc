"""The table itself: every pattern in it is quick, whatever a provider may say."""

import re
import time
from typing import Any

import pytest

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy import errortext, recovery, rules
from agentbox_cli.proxy.answers import ERROR_BODY_BYTES
from agentbox_cli.proxy.classify import compile_patterns
from agentbox_cli.proxy.errortext import LOOKED_AT, ErrorText
from agentbox_plugins import anthropic, gwdg_saia, openai

GENEROUS_SECONDS = 10.0
# What the rules search in is cut before: a message, a code, a type and some limits.
SEARCHED = 16 * 1024

RULES = [(rule.words, SEARCHED) for rule in rules.RULES if rule.words is not None]
OF_PLUGINS = [
    (pattern.regex, SEARCHED)
    for plugin in (anthropic, gwdg_saia, openai)
    for spec in plugin.agentbox_providers()
    for pattern in compile_patterns(spec.error_patterns)
]
READERS = [
    (value, ERROR_BODY_BYTES if isinstance(value.pattern, bytes) else LOOKED_AT)
    for module in (errortext, recovery)
    for value in vars(module).values()
    if isinstance(value, re.Pattern)
]

# What patterns begin with, and what keeps them hoping for more.
HOPES = (
    "input",
    "prompt ",
    "input exceeds ",
    "context ",
    "exceed ",
    "model ",
    "the model x ",
    "quota ",
    "quota exceeded for ",
    "response with id ",
    "output ",
    "blocked by a ",
    "input (",
    "limit exceeded ",
    "n_keep ",
    "cannot exceed 1 ",
    "PerDay",
    "a",
    "a_",
    "litellm.",
    "litellm.a.",
    "aError: ",
    "a - ",
    " ",
    "1",
    "1m",
    "1 m ",
    "1.1s",
    "retry after 1",
    "try again in 1 day ",
    '"retryDelay": ',
    '\\\\"retry_after',
    '"message":"\\\\',
    '"message" : "a',
    "r=1,",
    "<",
    "<title",
    "<style",
    "Bearer ",
    "sk-",
    "sk-*",
    "AIza",
    "{",
)


@pytest.mark.parametrize(
    ("pattern", "size"), [*RULES, *OF_PLUGINS, *READERS], ids=lambda it: repr(it)[12:40]
)
def test_no_pattern_takes_long_whatever_the_text(pattern: re.Pattern[Any], size: int) -> None:
    texts = [(hope * size)[:size] for hope in HOPES]
    texts.append(("".join(HOPES) * size)[:size])
    given = [text.encode() if isinstance(pattern.pattern, bytes) else text for text in texts]
    began = time.process_time()
    for text in given:
        for _ in pattern.finditer(text):
            pass
    assert time.process_time() - began < GENEROUS_SECONDS


def test_every_rule_decides_by_something() -> None:
    assert all(rule.on and (rule.codes or rule.words) for rule in rules.RULES)
    assert all(code == code.lower() for rule in rules.RULES for code in rule.codes)


# One sentence for each wording that no case of the corpus needs alone.
SENTENCES = [
    (400, "Request too large for x", ErrorKind.CONTEXT_WINDOW),
    (400, "maximum context length", ErrorKind.CONTEXT_WINDOW),
    (400, "This prompt is too long", ErrorKind.CONTEXT_WINDOW),
    (400, "Extra usage is required for long context", ErrorKind.CONTEXT_WINDOW),
    (400, "ContextWindowExceededError: no", ErrorKind.CONTEXT_WINDOW),
    (429, "The maximum context length was passed", ErrorKind.CONTEXT_WINDOW),
    (429, "This prompt is too long", ErrorKind.CONTEXT_WINDOW),
    (429, "ContextWindowExceededError: no", ErrorKind.CONTEXT_WINDOW),
    (400, "A context size that is too small", ErrorKind.CONTEXT_WINDOW),
    (400, "It is too large for the model", ErrorKind.CONTEXT_WINDOW),
    (400, "Shorten your messages", ErrorKind.CONTEXT_WINDOW),
    (400, "total cannot exceed 4081 - received 4292", ErrorKind.CONTEXT_WINDOW),
    (400, "string too long. Expected a string with maximum length 9", ErrorKind.CONTEXT_WINDOW),
    (500, "the model does not support tools", ErrorKind.UNSUPPORTED),
    (429, "Your quota has been exceeded for this month", ErrorKind.QUOTA),
    (429, "Out of call volume quota", ErrorKind.QUOTA),
    (429, "Key limit exceeded", ErrorKind.QUOTA),
    (429, "The billing hard limit", ErrorKind.QUOTA),
    (429, "Your credits are exhausted", ErrorKind.QUOTA),
    (429, "You ran out of credits", ErrorKind.QUOTA),
    (429, "Your credit balance is too low", ErrorKind.QUOTA),
    (429, "The monthly quota", ErrorKind.QUOTA),
    (429, "Your spend cap", ErrorKind.QUOTA),
    (429, "Your specified API usage limits", ErrorKind.QUOTA),
    (400, "You exceeded your current quota", ErrorKind.PAYMENT),
    (400, "Your quota has been exceeded for this month", ErrorKind.PAYMENT),
    (400, "You have reached your weekly usage limit", ErrorKind.PAYMENT),
    (400, "insufficient funds", ErrorKind.PAYMENT),
    (400, "The billing limit", ErrorKind.PAYMENT),
    (400, "Your balance is used up", ErrorKind.PAYMENT),
    (400, "no more credits", ErrorKind.PAYMENT),
    (400, "the monthly budget", ErrorKind.PAYMENT),
    (403, "tokens limit exceeded: create a key with a higher one", ErrorKind.PAYMENT),
    (400, "Your account is not active, please check your billing", ErrorKind.PAYMENT),
    (400, "The team doesn't have any credits", ErrorKind.PAYMENT),
    (400, "Buy more credits", ErrorKind.PAYMENT),
    (400, "Payment is required", ErrorKind.PAYMENT),
    (400, "The account is in arrears", ErrorKind.PAYMENT),
    (400, "This model requires terms acceptance", ErrorKind.FORBIDDEN),
    (400, "our content management policy", ErrorKind.CONTENT_POLICY),
    (400, "the content filter", ErrorKind.CONTENT_POLICY),
    (400, "blocked by our safety guardrail", ErrorKind.CONTENT_POLICY),
    (400, "rejected by the safety system", ErrorKind.CONTENT_POLICY),
    (400, "responsible AI", ErrorKind.CONTENT_POLICY),
    (400, "against our usage policies", ErrorKind.CONTENT_POLICY),
    (400, "inappropriate content", ErrorKind.CONTENT_POLICY),
    (400, "blockReason: PROHIBITED_CONTENT", ErrorKind.CONTENT_POLICY),
    (400, "No API key found in request", ErrorKind.AUTH),
    (400, "Unauthorized", ErrorKind.AUTH),
    (403, "The API key is not valid", ErrorKind.AUTH),
    (403, "No API key provided", ErrorKind.AUTH),
    (403, "Unauthorized", ErrorKind.AUTH),
    (400, "The model x has been retired", ErrorKind.NOT_FOUND),
    (400, "the runner process has terminated", ErrorKind.SERVER),
    (400, "tool choice requires a parser", ErrorKind.UNSUPPORTED),
    (400, "it requires --enable-auto-tool-choice", ErrorKind.UNSUPPORTED),
    (400, "not available with this model", ErrorKind.UNSUPPORTED),
    (400, "it does not work with the specified model", ErrorKind.UNSUPPORTED),
    (400, "UnsupportedParams: x", ErrorKind.UNSUPPORTED),
    (0, "Too many requests", ErrorKind.THROTTLE),
    (0, "The rate limit", ErrorKind.THROTTLE),
    (0, "Throttled", ErrorKind.THROTTLE),
]


@pytest.mark.parametrize(("status", "sentence", "kind"), SENTENCES)
def test_each_wording_decides_by_itself(status: int, sentence: str, kind: ErrorKind) -> None:
    text = ErrorText(message=sentence)
    assert next(rule.kind for rule in rules.RULES if rule.fits(status, text)) is kind
