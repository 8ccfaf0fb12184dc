import pytest

from agentbox_cli.config.editing.splices import Splice, on_line, spliced, without_lines


def test_pieces_are_replaced_in_any_order() -> None:
    assert spliced("abcdef", [Splice(4, 5, "E"), Splice(0, 1, ""), Splice(2, 2, "-")]) == "b-cdEf"


def test_indexes_count_from_the_offset() -> None:
    assert spliced("cdef", [Splice(4, 5, "E")], offset=2) == "cdEf"


@pytest.mark.parametrize(
    ("new", "after"),
    [
        ("12", "a: 12   # c"),
        ("1234", "a: 1234 # c"),
        ("12345", "a: 12345 # c"),
        ("x\n  y", "a: x\n  y     # c"),
        ("x\n  yy234", "a: x\n  yy234 # c"),
    ],
)
def test_a_comment_keeps_its_column_where_it_fits(new: str, after: str) -> None:
    text = "a: 1    # c"
    assert spliced(text, on_line(text, Splice(3, 4, new))) == after


def test_a_comment_behind_the_last_value_of_a_line_keeps_its_column() -> None:
    text = "a: {b: 1, c: 2}   # c"
    edit = on_line(text, Splice(7, 8, "100"), last=15)
    assert spliced(text, edit) == "a: {b: 100, c: 2} # c"


def test_without_a_comment_there_is_just_the_splice() -> None:
    splice = Splice(3, 4, "22")
    assert list(on_line("a: 1\n# c\n", splice)) == [splice]


def test_lines_are_removed_with_their_line_end() -> None:
    text = "a\nb\nc\n"
    assert [spliced(text, edit) for edit in without_lines(text, 2, 3)] == ["a\nc\n"]


def test_a_text_without_a_last_line_end_stays_so() -> None:
    text = "a\r\nb"
    assert [spliced(text, edit) for edit in without_lines(text, 3, 4)] == ["a", "a\r\n"]
