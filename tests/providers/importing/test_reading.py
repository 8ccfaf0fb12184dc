import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.errors import ConfigError
from agentbox_cli.providers.importing.model import Source
from agentbox_cli.providers.importing.reading import read, recognise


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("model_list: []", Source.LITELLM),
        ('{"model_list": []}', Source.LITELLM),
        ('{"Providers": [], "Router": {}}', Source.CCR),
        ("Providers: []", Source.CCR),
        ("- model_id: x", Source.LLM),
        ("---\n- text\n- model_id: x", Source.LLM),
    ],
)
def test_a_source_is_known_by_its_content(text: str, source: Source) -> None:
    assert recognise(read(text, "it"), "it") is source


@pytest.mark.parametrize("text", ["", "# nothing", "a: 1", "- a", "{}", "text", "[]", "5", "null"])
def test_anything_else_is_told_what_was_looked_for(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        recognise(read(text, "some.yaml"), "some.yaml")
    assert caught.value.message == "some.yaml is no config that can be imported"
    assert "model_list" in (caught.value.hint or "")
    assert "Providers" in (caught.value.hint or "")
    assert "model_id" in (caught.value.hint or "")


def test_our_own_config_is_no_source() -> None:
    with pytest.raises(ConfigError, match="config of agentbox itself"):
        recognise(read("litellm: {}", "it"), "it")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("model_list:\n\t- a", "it:2:1"),
        ("a: [1, 2\nb: 3", "it:2:2"),
        ('{\n  "a": sk-secret\n}', "it:2:8"),
        ('{\n  // a comment\n  "a": oops\n}', "it:3:8"),
        ("a: 1\n---\nb: 2", "it:2:1"),
    ],
)
def test_a_broken_text_is_told_by_its_place_alone(text: str, place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text, "it")
    assert caught.value.message.startswith(f"{place}: ")
    assert "secret" not in caught.value.message


def test_json_may_have_comments_and_a_last_comma() -> None:
    text = '\ufeff{ "a": "http://x//y", /* one\n two */ "b": [1, 2,], // three\n}'
    assert read(text, "it") == {"a": "http://x//y", "b": [1, 2]}


def test_a_text_in_json_keeps_what_looks_like_a_comment() -> None:
    data = {"a": '/* no */ // \\" ,}', "b": "'"}
    assert read(json.dumps(data)[:-1] + ", }", "it") == data


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"a": ' + "9" * 5_000 + "}",
        "{" + '"a": [' * 2_000,
        "a: &a [x, x]\nb: &b [*a, *a]\n" + "".join(f"c{n}: [*b, *b]\n" for n in range(9_000)),
    ],
    ids=["lists", "objects", "number", "open", "aliases"],
)
def test_a_text_made_to_hurt_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read(text, "it")


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for one in (text, "{" + text):
        try:
            recognise(read(one, "it"), "it")
        except ConfigError as error:
            assert "it" in error.message  # noqa: PT017 - it may as well be a source
