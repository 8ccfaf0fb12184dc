import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.config.references import (
    Reference,
    ReferenceSyntaxError,
    is_clear,
    literal_text,
    names,
    split,
    why_not_sendable,
)


@pytest.mark.parametrize(
    ("template", "parts"),
    [
        ("", ()),
        ("plain $HOME {x}", ("plain $HOME {x}",)),
        ("${A}", (Reference(name="A"),)),
        ("Bearer ${A_1}!", ("Bearer ", Reference(name="A_1"), "!")),
        ("${A:-}", (Reference(name="A", default=""),)),
        ("${A:-x:-y}", (Reference(name="A", default="x:-y"),)),
        ("$${A}", ("${", "A}")),
        ("a$$b", ("a$$b",)),
    ],
)
def test_templates_are_literals_and_references(
    template: str, parts: tuple[str | Reference, ...]
) -> None:
    assert split(template) == parts


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("${A", "'${' has no closing '}'"),
        ("${A} ${", "'${' has no closing '}'"),
        ("${}", "a name between '${' and '}' has letters, digits and _ only"),
        ("${1A}", "a name between '${' and '}' has letters, digits and _ only"),
        ("${A-x}", "a name between '${' and '}' has letters, digits and _ only"),
    ],
)
def test_malformed_references_are_refused_without_repeating_them(
    template: str, reason: str
) -> None:
    with pytest.raises(ReferenceSyntaxError) as caught:
        split(template)
    assert str(caught.value) == reason
    assert names(template) == ()
    assert literal_text(template) == template


def test_names_of_a_template_are_known() -> None:
    assert names("${A} and ${B:-x} and $${C}") == ("A", "B")


@pytest.mark.parametrize(
    ("template", "clear"),
    [
        ("${A}", False),
        (" ${A} ", False),
        ("not-needed", False),
        ("EMPTY", False),
        ("${A:-not-needed}", False),
        ("", False),
        ("hunter2", True),
        ("${A:-hunter2}", True),
        ("Bearer ${A}", True),
        ("${A", True),
    ],
)
def test_what_is_no_reference_may_be_a_key(template: str, *, clear: bool) -> None:
    assert is_clear(template) is clear


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("sk-1", None),
        ("Grüße", None),
        ("a\nb", "has a line break"),
        ("a\r", "has a line break"),
        ("a\tb", "has a control character"),
        ("a\x85b", "has a control character"),
        ("a\u201cb", "has a character that HTTP headers cannot carry"),
    ],
)
def test_what_cannot_stand_in_a_header_is_named(value: str, reason: str | None) -> None:
    assert why_not_sendable(value) == reason


@given(st.text(alphabet="${}:-AB1 "))
def test_any_text_splits_or_is_refused(text: str) -> None:
    try:
        parts = split(text)
    except ReferenceSyntaxError:
        return
    written = [
        part.replace("${", "$${")
        if isinstance(part, str)
        else f"${{{part.name}{'' if part.default is None else f':-{part.default}'}}}"
        for part in parts
    ]
    assert "".join(written) == text
