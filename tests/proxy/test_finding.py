import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.proxy.finding import holds

LONG = b"x" * 5_000


@given(
    text=st.binary(max_size=200),
    word=st.binary(min_size=1, max_size=3),
    around=st.sampled_from([b"", LONG]),
)
def test_a_word_is_found_wherever_python_finds_it(text: bytes, word: bytes, around: bytes) -> None:
    whole = around + text + around
    assert holds(whole, word) == (word in whole)


@pytest.mark.parametrize("text", [b'{"b"}', LONG + b'\0{"b"}', b'{"b"}' + LONG])
def test_one_of_several_is_enough(text: bytes) -> None:
    assert holds(text, b'"a"', b'"b"')
    assert not holds(text, b'"a"', b'"c"')


def test_nothing_is_in_an_empty_text() -> None:
    assert not holds(b"", b'"a"')
