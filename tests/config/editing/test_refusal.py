import pytest

from agentbox_cli.config.document import parse
from agentbox_cli.config.editing.refusal import (
    BY_HAND,
    EditRefusedError,
    bar_broken,
    refused,
)
from agentbox_cli.errors import ConfigError, Exit


def test_a_refusal_names_the_place_the_value_and_the_reason() -> None:
    document = parse("a:\n  b: 1\n", "config.yml")
    error = refused(document, ("a", "b"), "it is so")
    assert (error.message, error.hint) == ("config.yml:2:6: a.b: it is so", BY_HAND)
    assert isinstance(error, ConfigError)
    assert error.exit_code is Exit.CONFIG


def test_a_refusal_can_point_elsewhere_and_have_a_hint_of_its_own() -> None:
    document = parse("a: 1\nb: 2\n", "config.yml")
    error = refused(document, ("a",), "no", at=document.node_at(("b",)), hint="look there")
    assert (error.message, error.hint) == ("config.yml:2:4: a: no", "look there")


def test_a_broken_text_is_refused_with_what_is_wrong_with_it() -> None:
    bar_broken(parse("a: 1\n", "config.yml"))
    with pytest.raises(EditRefusedError, match=r"config\.yml:2:1: error: .* tab") as caught:
        bar_broken(parse("a: 1\n\tb: 2\n", "config.yml"))
    assert caught.value.hint == "mend the file first: agentbox config edit"
