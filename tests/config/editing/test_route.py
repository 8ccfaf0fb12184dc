from typing import Any

import pytest

from agentbox_cli.config.document import parse
from agentbox_cli.config.editing.refusal import EditRefusedError
from agentbox_cli.config.editing.route import bar_marked, bar_shared, below, plain, route_to
from tests.config.editing.routes import way

TEXT = "a:\n  - b: 1\n  - b: 2\n1: x\n"


def test_a_route_leads_as_far_as_the_path_exists() -> None:
    route = way(TEXT, "a", 1, "b")
    assert (route.names, route.rest, route.node.data) == (("a", 1, "b"), (), 2)
    assert [step.index for step in route.steps] == [0, 1, 0]
    assert [one.data for one in route.containers[2:]] == [{"b": 2}, 2]
    short = way(TEXT, "a", 7, "b", "c")
    assert (short.names, short.rest) == (("a",), (7, "b", "c"))
    assert short.node.data == [{"b": 1}, {"b": 2}]


def test_a_key_that_is_no_text_has_its_own_name() -> None:
    assert way(TEXT, "1").names == (1,)


def test_the_root_is_a_route_too() -> None:
    route = way(TEXT)
    assert (route.steps, route.node) == ((), route.document.root)


def test_in_a_broken_text_there_is_no_way() -> None:
    with pytest.raises(EditRefusedError, match=r"config\.yml:2:1: error: .* tab") as caught:
        way("a: 1\n\tb: 2\n", "a")
    assert caught.value.hint == "mend the file first: agentbox config edit"


def test_a_way_through_an_alias_or_a_merge_is_barred() -> None:
    text = "a: &x {k: 1}\nb: *x\nc: {<<: *x}\n"
    with pytest.raises(EditRefusedError, match=r"2:4: b\.k: .* alias \(\*x\) .* line 1"):
        way(text, "b", "k")
    with pytest.raises(EditRefusedError, match=r"3:4: c\.k: it comes from another section"):
        way(text, "c", "k")
    assert way(text, "b").rest == ()


def test_what_is_used_elsewhere_is_barred_and_an_unused_anchor_is_not() -> None:
    route = way("a: &x {k: 1}\nb: *x\n", "a", "k")
    with pytest.raises(EditRefusedError, match=r"share the anchored value \(&\) in line 1"):
        bar_shared(route, route.containers)
    free = way("a: &x {k: 1}\nb: '*x'\n", "a", "k")
    bar_shared(free, free.containers)


@pytest.mark.parametrize(
    ("value", "reason"),
    [("*x", r"an alias \(\*x\)"), ("&y 1", "an anchor"), ("!!str 1", "a tag")],
)
def test_a_marked_value_is_barred(value: str, reason: str) -> None:
    with pytest.raises(EditRefusedError, match=reason):
        bar_marked(way(f"x: &x 1\na: {value}\n", "a"))
    bar_marked(way("a: 1\n", "a"))


def test_below_a_node_stand_its_keys_and_values_but_not_what_aliases_mean() -> None:
    document = parse("a: &x [1]\nb: *x\n", "c")
    assert [one.data for one in below(document.root)].count([1]) == 2
    assert [one.data for one in below(document.root)].count(1) == 1


def test_plain_data_is_copied() -> None:
    value = {"a": [1, 2.5, None, True, "x"]}
    assert plain(value) == value
    assert plain(value) is not value


class Word(str):
    __slots__ = ()


def test_a_kind_of_text_becomes_text() -> None:
    assert type(plain(Word("x"))) is str


@pytest.mark.parametrize("value", [{1, 2}, (1,), b"x", "\ud800", {"a": object()}])
def test_other_data_is_refused(value: Any) -> None:
    with pytest.raises(EditRefusedError):
        plain(value)


def test_the_document_of_a_refusal_is_named() -> None:
    document = parse("a: 1\n", "other.yml")
    assert route_to(document, ("a",)).refusal("no").message == "other.yml:1:4: a: no"
