import pytest

from agentbox_cli.config.editing.lines import (
    column,
    comment_column,
    comment_gap,
    ending,
    is_blank,
    is_first_on_line,
    is_same_line,
    line_end,
    line_start,
    lines_below,
    next_content,
    next_line,
    previous_end,
)

MIXED = "\ufeffone\ntwo\r\nthree\rfour"


def test_a_line_starts_behind_the_byte_order_mark() -> None:
    assert [line_start(MIXED, index) for index in (1, 3, 5, 8, 10, 16)] == [1, 1, 5, 5, 10, 16]
    assert column(MIXED, 3) == 2


def test_a_line_ends_before_its_line_end_or_with_the_text() -> None:
    assert [line_end(MIXED, index) for index in (0, 5, 10, 16)] == [4, 8, 15, len(MIXED)]


def test_the_next_line_starts_behind_either_line_end() -> None:
    assert [next_line(MIXED, index) for index in (0, 5, 10, 16)] == [5, 10, 16, len(MIXED)]


def test_the_line_end_before_a_line_may_have_two_characters() -> None:
    assert [previous_end(MIXED, start) for start in (5, 10, 16)] == [4, 8, 15]
    assert previous_end(MIXED, 1) == 1
    assert previous_end("a", 0) == 0
    assert previous_end("\na", 1) == 0


def test_u_2028_is_no_line_end() -> None:
    assert line_end("a\u2028b\x85c\nd", 0) == 5


@pytest.mark.parametrize(
    ("text", "index", "end"),
    [("a\r\nb\n", 0, "\r\n"), ("a\r\nb", 3, "\r\n"), ("a\rb\n", 0, "\r"), ("a", 0, "\n")],
)
def test_a_line_without_an_end_has_that_of_the_line_above(text: str, index: int, end: str) -> None:
    assert ending(text, index) == end


def test_only_blanks_stand_before_the_first_on_a_line() -> None:
    assert is_first_on_line("a\n \tb", 4)
    assert not is_first_on_line("- b", 2)


def test_two_indexes_are_on_one_line_up_to_its_end() -> None:
    assert is_same_line("ab\nc", 0, 2)
    assert not is_same_line("ab\nc", 0, 3)


@pytest.mark.parametrize(("line", "blank"), [("", True), (" \t", True), ("#", False)])
def test_a_line_of_blanks_is_blank(line: str, blank: bool) -> None:
    assert is_blank(f"{line}\nx", 0) is blank


@pytest.mark.parametrize(
    ("line", "found"), [("# c", 0), ("  # c", 2), ("\t# c", 1), ("a # c", None), ("", None)]
)
def test_a_comment_line_has_a_column(line: str, found: int | None) -> None:
    assert comment_column(f"x\n{line}\n", 2) == found


def test_the_lines_below_do_not_include_the_line_itself() -> None:
    assert list(lines_below("a\n\nb\n", 0)) == [2, 3]
    assert list(lines_below("a", 0)) == []


def test_the_next_content_is_no_comment() -> None:
    assert next_content("a\n\n # c\n  b\n", 0) == 8
    assert next_content("a\n# c\n", 0) == 6


def test_a_comment_behind_a_value_is_apart_from_it() -> None:
    assert comment_gap("a: 1 \t# c", 4) == (4, 6)
    assert comment_gap("a: 1# c", 4) is None
    assert comment_gap("a: 1 \n# c", 4) is None
