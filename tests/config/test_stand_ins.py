import pytest

from agentbox_cli.config.stand_ins import reverse, stand_ins

ODD = "\x85\u2028\u2029"


def test_almost_every_text_needs_none() -> None:
    assert stand_ins("a: 1\r\n# \u00e9\n") == {}


@pytest.mark.parametrize("odd", [*ODD, ODD])
def test_they_are_characters_that_the_text_does_not_have(odd: str) -> None:
    text = f"a{odd}b\ue000"
    table = stand_ins(text)
    assert len(table) == len(odd)
    swapped = text.translate(table)
    assert len(swapped) == len(text)
    assert not set(odd) & set(swapped)
    assert swapped.translate(reverse(table)) == text


def test_a_text_that_leaves_none_over_stays_as_it_is() -> None:
    assert stand_ins("".join(map(chr, range(0xE000, 0xF900))) + ODD) == {}
