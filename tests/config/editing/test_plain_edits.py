from typing import Any

from agentbox_cli.config.editing import plain_edits as plain


def test_only_what_stands_on_the_way_is_copied() -> None:
    shared: dict[str, Any] = {"k": 1}
    data = {"a": {"b": [shared, 2]}, "same": shared}
    changed = plain.changed(data, ("a", "b", 0, "k"), lambda _: 9)
    assert changed == {"a": {"b": [{"k": 9}, 2]}, "same": {"k": 1}}
    assert data["same"] == {"k": 1}
    assert changed["same"] is shared
    assert plain.changed(data, (), lambda _: 5) == 5


def test_what_stands_at_a_path_is_found() -> None:
    assert plain.at({"a": [{1: "x"}]}, ("a", 0, 1)) == "x"
    assert plain.at(7, ()) == 7


def test_a_new_key_comes_last_and_an_old_one_keeps_its_place() -> None:
    assert [*plain.with_key({"a": 1, "b": 2}, "c", 3)] == ["a", "b", "c"]
    assert [*plain.with_key({"a": 1, "b": 2}, "a", 3).items()] == [("a", 3), ("b", 2)]


def test_a_child_is_left_out_of_a_copy() -> None:
    section, items = {"a": 1, "b": 2}, [1, 2]
    assert (plain.without(section, "a"), plain.without(items, 0)) == ({"b": 2}, [2])
    assert (section, items) == ({"a": 1, "b": 2}, [1, 2])


def test_items_are_inserted_and_moved() -> None:
    assert plain.with_item([1, 2], 1, 9) == [1, 9, 2]
    assert plain.with_item([1, 2], 2, 9) == [1, 2, 9]
    assert plain.moved([1, 2, 3], 0, 2) == [2, 3, 1]
    assert plain.moved([1, 2, 3], 2, 0) == [3, 1, 2]


def test_a_renamed_key_keeps_its_place() -> None:
    assert [*plain.renamed({"a": 1, "b": 2}, "a", "z").items()] == [("z", 1), ("b", 2)]
