import re

import pytest

from agentbox_cli import errors
from agentbox_cli.errors import AgentboxError, Exit


def kinds(error: type[AgentboxError]) -> list[type[AgentboxError]]:
    """The classes of the module; rooms may make their own of them, with the same codes."""
    direct = [kind for kind in error.__subclasses__() if kind.__module__ == errors.__name__]
    return [error, *(below for kind in direct for below in kinds(kind))]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn = re.findall(r"[├└]── (\w+) +(\d+) ", errors.__doc__ or "")
    assert drawn == [
        (kind.__name__, str(int(kind.exit_code))) for kind in kinds(AgentboxError)[1:]
    ]


def test_no_two_kinds_share_an_exit_code() -> None:
    codes = [kind.exit_code for kind in kinds(AgentboxError)]
    assert len(codes) == len(set(codes))


def test_the_exit_codes_are_those_that_scripts_rely_on() -> None:
    assert {code.name: int(code) for code in Exit} == {
        "OK": 0,
        "NO": 1,
        "USAGE": 2,
        "CONFIG": 3,
        "PROVIDER": 4,
        "PROXY": 5,
        "USAGE_STORE": 6,
        "BUG": 70,
        "INTERRUPTED": 130,
        "BROKEN_PIPE": 141,
    }


@pytest.mark.parametrize("kind", kinds(AgentboxError))
def test_an_error_has_a_message_and_perhaps_a_hint(kind: type[AgentboxError]) -> None:
    assert str(kind("what")) == "what"
    assert kind("what").hint is None
    assert kind("what", hint="next").hint == "next"
