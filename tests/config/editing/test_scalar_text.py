import math
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # it comes with LiteLLM, and without types
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from agentbox_cli.config.editing.scalar_text import flowed, scalar

TRAPS = [
    *("yes", "No", "ON", "off", "y", "N", "true", "False", "null", "Null", "~", "", "=", "<<"),
    *("12:30", "1:2:3.5", "0777", "0o17", "0x1F", "0b11", "1_000", "1e-6", "1e3", "1.", ".5"),
    *("+1", "-0", ".inf", "-.INF", ".NaN", "2024-01-01", "2024-1-1 10:00:00", "1.2.3", "1.5e+3"),
    *("@at", "`tick", "%d", "&a", "*a", "!t", "- x", "? x", ": x", "#x", "a: b", "a #b", "a:"),
    *(
        "[x",
        "{y",
        "]",
        "}",
        ",",
        "|",
        ">",
        "'",
        '"',
        "it's",
        'say "x"',
        "back\\slash",
        "---",
        "...",
    ),
    *(
        " lead",
        "trail ",
        "tab\t",
        "two\nlines",
        "cr\r",
        "nel\x85",
        "ls\u2028",
        "\ufeffbom",
        "\x00",
    ),
    *("${KEY}", "${KEY:-x}", "a, b", "https://x.org/v1", "gpt-4o", "größe", "漢字", "😀", "\xa0"),
]
PIECES = st.sampled_from([*TRAPS, *"0123456789.:-+_eExon~#{}[],&*!|>'\"%@` \t"])
texts = st.sampled_from(TRAPS) | st.text(max_size=20) | st.lists(PIECES, max_size=6).map("".join)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(texts, below, max_size=3),
    max_leaves=6,
)


def readings(text: str) -> list[Any]:
    """What YAML 1.2 (ruamel) and YAML 1.1 (PyYAML) read."""
    return [YAML(typ="safe", pure=True).load(text), yaml.safe_load(text)]


@given(texts, st.sampled_from(["", "'", '"']))
def test_text_is_read_as_this_text_by_both_versions(text: str, style: str) -> None:
    shown = scalar(text, style=style)
    assert "\n" not in shown
    for read in readings(f"key: {shown}  # note\n{scalar(text)}: 1\n"):
        assert read == ({"key": text} | {text: 1})


@given(values)
def test_a_value_in_brackets_is_read_as_this_value_by_both_versions(value: Any) -> None:
    for read in readings(f"key: {flowed(value)}\n"):
        assert repr(read) == repr({"key": value})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-06, "1.0e-06"),
        (1.5e300, "1.5e+300"),
        (1e16, "1.0e+16"),
        (0.1, "0.1"),
        (float("inf"), ".inf"),
        (float("-inf"), "-.inf"),
        (None, "null"),
        (True, "true"),
    ],
)
def test_what_is_no_text_is_written_so_that_both_versions_read_it(value: Any, text: str) -> None:
    assert scalar(value) == text
    assert readings(f"key: {text}") == [{"key": value}] * 2


def test_not_a_number_is_written_as_both_versions_read_it() -> None:
    assert all(math.isnan(read["key"]) for read in readings(f"key: {scalar(math.nan)}"))


@pytest.mark.parametrize(
    "text", ["gpt-4o", "${OPENAI_API_KEY}", "https://x.org/v1", "a b", "größe"]
)
def test_harmless_text_needs_no_quotes(text: str) -> None:
    assert scalar(text) == text


def test_the_quotes_of_the_old_value_are_taken_over_where_they_can_be() -> None:
    assert scalar("it's", style="'") == "'it''s'"
    assert scalar("a\nb", style="'") == '"a\\nb"'
    assert scalar("plain", style='"') == '"plain"'


def test_a_quote_may_be_the_style_of_everything() -> None:
    value = {"k": ["v", 1, 1e-06, None, True], "it's": {}}
    assert flowed(value, style='"') == '{"k": ["v", 1, 1.0e-06, null, true], "it\'s": {}}'
    assert flowed(value, style="'") == "{'k': ['v', 1, 1.0e-06, null, true], 'it''s': {}}"
