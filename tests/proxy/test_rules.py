"""The table itself: every pattern in it is quick, whatever a provider may say."""

import re
import time
from typing import Any

import pytest

from agentbox_cli.proxy import errortext, recovery, rules
from agentbox_cli.proxy.answers import ERROR_BODY_BYTES
from agentbox_cli.proxy.classify import compile_patterns
from agentbox_cli.proxy.errortext import LOOKED_AT
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
