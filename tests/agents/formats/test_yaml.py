import pytest

from agentbox_cli.agents.formats.broken import BrokenTextError
from agentbox_cli.agents.formats.editing import drop, put, value_at
from agentbox_cli.providers.agent import SettingsFormat

YAML, LIST = SettingsFormat.YAML, SettingsFormat.YAML_LIST
MODELS = """\
# of mine
- model_id: local   # at home
  model_name: llama
# the end
"""
OURS = {"model_id": "agentbox/code", "model_name": "code", "headers": {"a": "b"}}


def test_keys_are_set_with_comments_kept() -> None:
    text = "model: gpt   # mine\n# the end\n"
    edited = put(YAML, put(YAML, text, ("model",), "abc"), ("weak-model",), "x")
    assert edited == "model: abc   # mine\nweak-model: x\n# the end\n"
    assert drop(YAML, put(YAML, edited, ("model",), "gpt"), ("weak-model",)) == text


def test_an_item_is_added_and_comes_out_again_to_the_byte() -> None:
    edited = put(LIST, MODELS, ("agentbox/code",), OURS)
    assert value_at(LIST, edited, ("agentbox/code",)) == OURS
    assert value_at(LIST, edited, ("local",)) == {"model_id": "local", "model_name": "llama"}
    assert "# at home" in edited
    assert drop(LIST, edited, ("agentbox/code",)) == MODELS


def test_an_item_is_replaced_by_a_newer_one() -> None:
    edited = put(LIST, MODELS, ("agentbox/code",), OURS)
    newer = OURS | {"model_name": "other"}
    assert (
        value_at(LIST, put(LIST, edited, ("agentbox/code",), newer), ("agentbox/code",)) == newer
    )


@pytest.mark.parametrize("comment", ["", "# only a word\n"])
def test_the_only_item_comes_out_and_comments_stay(comment: str) -> None:
    edited = put(LIST, "", ("agentbox/code",), OURS) + comment
    assert drop(LIST, edited, ("agentbox/code",)) == comment


@pytest.mark.parametrize("text", ["", "# only a word\n"])
def test_a_list_without_items_gets_one(text: str) -> None:
    edited = put(LIST, text, ("agentbox/code",), OURS)
    assert value_at(LIST, edited, ("agentbox/code",)) == OURS
    assert text.strip() in edited


@pytest.mark.parametrize(
    ("kind", "text", "line", "column"),
    [
        (YAML, "a: 1\nb: [1\n", 3, 1),
        (YAML, "- a\n", 1, 1),
        (LIST, "- a: 1\n\t- b\n", 2, 1),
        (LIST, "a: 1\n", 1, 1),
    ],
)
def test_a_broken_text_is_told_with_its_place(
    kind: SettingsFormat, text: str, line: int, column: int
) -> None:
    with pytest.raises(BrokenTextError) as raised:
        put(kind, text, ("agentbox/code",), OURS)
    assert (raised.value.line, raised.value.column) == (line, column)
