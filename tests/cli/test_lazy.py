"""A group imports only the command that is used."""

import re
import sys

import pytest

from agentbox_cli.cli import app
from tests.fakes.commandline import Agentbox


@pytest.fixture
def with_broken_command(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {**app.LitellmCommands.table, "broken": ("not_a_module_anywhere", "Is broken.")}
    monkeypatch.setattr(app.LitellmCommands, "table", table)


@pytest.mark.usefixtures("with_broken_command")
def test_a_broken_command_does_not_break_the_help_of_its_group(agentbox: Agentbox) -> None:
    result = agentbox("litellm", "--help")
    assert result.exit_code == 0
    assert "  broken         Is broken." in result.out.splitlines()


@pytest.mark.usefixtures("with_broken_command")
def test_a_broken_command_does_not_break_the_others(agentbox: Agentbox) -> None:
    assert agentbox("litellm", "status").out == "the proxy is stopped\n"


@pytest.mark.usefixtures("with_broken_command")
def test_a_broken_command_is_our_fault(agentbox: Agentbox) -> None:
    assert agentbox("litellm", "broken").exit_code == 70


def test_the_help_of_a_group_imports_none_of_its_commands(
    agentbox: Agentbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("agentbox_cli.cli.litellm.")]:
        monkeypatch.delitem(sys.modules, name)
    agentbox("litellm", "--help")
    agentbox("litellm", "strat")
    assert not [name for name in sys.modules if name.startswith("agentbox_cli.cli.litellm.")]


def test_options_that_are_given_are_still_converted(agentbox: Agentbox) -> None:
    assert agentbox("litellm", "logs", "--lines", "-1").exit_code == 2
    assert agentbox("litellm", "start", "--wait", "tea").exit_code == 2


def test_help_names_no_types_of_python(agentbox: Agentbox) -> None:
    for line in ("litellm init", "litellm chaos", "litellm models add", "litellm test-fallback"):
        shown = agentbox(*line.split(), "--help")
        assert shown.exit_code == 0
        assert not re.search(r"<[a-z\[\] ]+>", shown.out), shown.out
