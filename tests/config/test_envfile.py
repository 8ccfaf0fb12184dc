import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentbox_cli.config.envfile import (
    masked,
    odd_lines,
    values_of,
    with_variable,
    without_variable,
)
from agentbox_cli.errors import ConfigError


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "A=new\n"),
        ("# note\n", "# note\nA=new\n"),
        ("B=1", "B=1\nA=new\n"),
        ("B=1\r\n", "B=1\r\nA=new\r\n"),
        ("\ufeffA=1\n", "\ufeffA=new\n"),
        ("A=old\n", "A=new\n"),
        ("A=old", "A=new"),
        ("\n\n  export A = old   # mine\r\nB=x\n", "\n\n  export A=new   # mine\r\nB=x\n"),
        ("A='o # l\\'d' # mine\n", "A=new # mine\n"),
        ('A="two\nlines"\nB=1\n', "A=new\nB=1\n"),
        ("A=old#part\n", "A=new\n"),
        ("A= # nothing yet\n", "A=new # nothing yet\n"),
        ("A\nB=1\n", "A=new\nB=1\n"),
        ("A=\nB=1\n", "A=new\nB=1\n"),
        ("A=1\n\nB=2\nA=3 # last\n", "\nB=2\nA=new # last\n".removeprefix("")),
        ("  C=${X} \nA=1\n", "  C=${X} \nA=new\n"),
        ("what is this\nA=1\n", "what is this\nA=new\n"),
    ],
)
def test_one_variable_is_set_and_every_other_byte_stays(before: str, after: str) -> None:
    assert with_variable(before, "A", "new") == after


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("sk-abc_0123", "sk-abc_0123"),
        ("a/b+c==", "a/b+c=="),
        ("two words", "'two words'"),
        ("a#b", "'a#b'"),
        ("${NOPE}tail", "'${NOPE}tail'"),
        ("it's", "'it\\'s'"),
        ('"quoted"', "'\"quoted\"'"),
        ("back\\slash", "'back\\\\slash'"),
    ],
)
def test_a_value_is_written_as_its_characters_ask_for(value: str, written: str) -> None:
    text = with_variable("", "A", value)
    assert text == f"A={written}\n"
    assert values_of(text) == {"A": value}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A=1\n", ""),
        ("# note\nA=1\nB=2\n", "# note\nB=2\n"),
        ("A=1\n\nA='2'\nB=2", "\nB=2"),
        ("B=2\n", "B=2\n"),
        ("\ufeffA=1\nB=2\n", "\ufeffB=2\n"),
    ],
)
def test_every_line_of_a_variable_is_removed_and_no_other(before: str, after: str) -> None:
    assert without_variable(before, "A") == after


def test_a_text_whose_lines_would_change_their_meaning_is_refused() -> None:
    with pytest.raises(ConfigError, match="without changing what other lines mean"):
        with_variable("B='open\n", "A", "it's")


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not the name of a variable"):
        with_variable("", "A B", "x")


def test_lines_that_nobody_understands_are_counted() -> None:
    assert odd_lines("A=1\nwhat is this\nB=2\n") == [2]


def test_what_is_shown_holds_no_value() -> None:
    text = "# A=sk-old\n# note\nA='secret # one' # why\nB=secret-2\nodd secret-3 here\n"
    assert masked(text, changed="B") == (
        "# ...\n# note\nA=******** # why\nB=******** (new)\n# ...\n"
    )


VALUES = (
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"]))
    .map(str.strip)
    .filter(bool)
)
PIECES = st.sampled_from(
    [
        "A=1\n",
        "A='x y'\n",
        "export A=b # c\n",
        "# note\n",
        "\n",
        '  A = "q\\"r" # s\r\n',
        "B=a#b\n",
        "B='m\nn'\n",
        "A\n",
        "A= # c\n",
        "junk here\n",
        "C=${X}\n",
        'B="open\n',
        "A=x",
        "A=\r\n",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=6).map("".join), VALUES)
def test_whatever_is_set_is_read_back_and_can_be_removed(text: str, value: str) -> None:
    try:
        changed = with_variable(text, "A", value)
    except ConfigError:
        return
    assert values_of(changed) == {**values_of(text), "A": value}
    assert with_variable(changed, "A", value) == changed
    others = {name: found for name, found in values_of(text).items() if name != "A"}
    assert values_of(without_variable(changed, "A")) == others
