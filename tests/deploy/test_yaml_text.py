"""What is written is what a reader of YAML 1.1 reads."""

from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # it comes with LiteLLM, and without types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentbox_cli.deploy.yaml_text import comment, yaml_text

scalars = st.one_of(
    st.text(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False, min_value=1e-9, max_value=1e9),
)
documents = st.dictionaries(
    st.text(),
    st.recursive(
        scalars | st.lists(st.text()),
        lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner, min_size=1),
        max_leaves=8,
    ),
    min_size=1,
)


# A busy machine makes documents slowly.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(documents)
def test_any_data_is_read_back_as_it_was(data: dict[str, Any]) -> None:
    assert yaml.safe_load(yaml_text(data)) == data


@pytest.mark.parametrize("word", ["yes", "on", "no", "12:30", "1e-06", "null", "~", "0777", "=x"])
def test_words_that_mean_something_to_yaml_stay_text(word: str) -> None:
    assert yaml.safe_load(yaml_text({word: word})) == {word: word}


def test_a_small_number_stays_a_number() -> None:
    assert yaml.safe_load(yaml_text({"a": 1e-06})) == {"a": 1e-06}


def test_it_is_pleasant_to_read() -> None:
    data = {"list": [{"a": 1, "b": ["x", "y"]}, {"a": {}}], "off": 120.0, "empty": []}
    assert yaml_text(data) == (
        'list:\n  - a: 1\n    b: ["x", "y"]\n  - a: {}\n"off": 120\nempty: []\n'
    )


def test_every_line_of_a_comment_is_one() -> None:
    assert comment("one\n\ntwo") == "# one\n#\n# two\n"
