"""The command tree as plain data, and what each parameter takes."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

import pytest
import typer

from agentbox_cli.cli.app import root
from agentbox_cli.cli.completion.tree import Argument, Command, Option, command_tree
from agentbox_cli.cli.completion.values import AGENTS, ANYTHING, FILES, TABLE, Values
from agentbox_cli.providers.words import WordKind
from tests.agents.shipped import AGENTS as SHIPPED

# Text that nobody can guess, by the command and the parameter.
FREE = {
    ("litellm mcp call", "tool"),  # only the server knows its tools
    ("config set", "value"),
    ("litellm ask", "prompt"),
    ("litellm explain", "request_id"),
    ("litellm key add", "name"),
    ("litellm mcp add", "name"),
    ("litellm mcp add", "program"),
    ("litellm models rename", "new"),
    ("litellm run", "args"),
}


def tree() -> Command:
    return command_tree(typer.main.get_command(root()))


def found(path: str) -> Command:
    return next(command for command in tree().every() if command.path == path)


def small(function: object) -> Command:
    app = typer.Typer(add_completion=False)
    app.command()(function)  # type: ignore[type-var] # any function is a command
    return command_tree(typer.main.get_command(app))


def arguments() -> Iterator[tuple[str, Argument]]:
    for command in tree().every():
        for argument in command.arguments:
            yield command.path, argument


def test_groups_and_commands_stand_in_the_order_of_the_help() -> None:
    paths = [command.path for command in tree().every()]
    assert paths[:3] == ["", "litellm", "litellm init"]
    assert "litellm models add" in paths
    assert [below.words[-1] for below in tree().below] == [*root_table()]


def root_table() -> list[str]:
    from agentbox_cli.cli.app import Commands

    return list(Commands.table)


def test_options_know_all_their_names_and_what_they_take() -> None:
    options = {option.names[0]: option for option in found("litellm ask").options}
    assert options["--model"] == Option(
        names=("--model", "-m"),
        help="An alias.",
        values=Values(words=WordKind.ALIAS),
        repeatable=False,
    )
    assert options["--json"].values is None
    assert options["--help"].names == ("--help", "-h")


def test_a_group_that_is_a_command_too_has_options_and_commands() -> None:
    models = found("litellm models")
    assert "--json" in [name for option in models.options for name in option.names]
    assert models.below


@pytest.mark.parametrize(
    ("path", "name", "values"),
    [
        ("", "--config", FILES),
        ("litellm start", "--wait", Values(choices=("port", "engine", "none"))),
        ("litellm start", "--port", ANYTHING),
        ("litellm init", "--provider", Values(words=WordKind.PROVIDER)),
    ],
)
def test_an_option_takes(path: str, name: str, values: Values) -> None:
    (option,) = [option for option in found(path).options if name in option.names]
    assert option.values == values


@pytest.mark.parametrize(
    ("path", "name", "kind"),
    [
        ("litellm test-fallback", "aliases", WordKind.ALIAS),
        ("litellm models add", "alias", WordKind.ALIAS),
        ("litellm models add", "link", WordKind.LINK),
        ("litellm models remove", "alias", WordKind.ALIAS),
        ("litellm models move", "alias", WordKind.ALIAS),
        ("litellm models rename", "alias", WordKind.ALIAS),
        ("litellm providers add", "provider", WordKind.PROVIDER),
        ("litellm providers remove", "provider", WordKind.PROVIDER),
        ("litellm mcp remove", "server", WordKind.SERVER),
        ("litellm mcp test", "server", WordKind.SERVER),
        ("litellm mcp call", "server", WordKind.SERVER),
        ("litellm mcp accept", "server", WordKind.SERVER),
        ("litellm key remove", "name", WordKind.CLIENT),
        ("config get", "path", WordKind.PATH),
        ("config set", "path", WordKind.PATH),
        ("config set", "value", WordKind.VALUE),
        ("config unset", "path", WordKind.PATH),
    ],
)
def test_an_argument_takes(path: str, name: str, kind: WordKind) -> None:
    (argument,) = [argument for argument in found(path).arguments if argument.name == name]
    assert argument.values == Values(words=kind)


def test_every_argument_that_is_text_is_completed_or_known_to_be_free() -> None:
    free = {(path, a.name) for path, a in arguments() if a.values == ANYTHING}
    texts = {(path, name) for path, name in free if not is_number(path, name)}
    assert texts <= FREE, "say in cli/completion/values.py what it takes"


def is_number(path: str, name: str) -> bool:
    return name in {"number", "old", "at"} or (path, name) == ("litellm models move", "new")


def test_the_table_names_commands_and_parameters_that_exist() -> None:
    paths = {command.path for command in tree().every()}
    assert {command for command, _ in TABLE} <= paths


def test_hidden_options_are_left_out_and_counted_ones_may_be_repeated() -> None:
    def work(
        verbose: Annotated[int, typer.Option("-v", count=True)] = 0,
        *,
        secret: Annotated[bool, typer.Option("--secret", hidden=True)] = False,
    ) -> None: ...

    options = {option.names: option for option in small(work).options}
    assert ("--secret",) not in options
    assert options["-v",].repeatable
    assert options["-v",].values is None


def test_choices_come_from_the_type() -> None:
    class Colour(StrEnum):
        RED = "red"
        BLUE = "blue"

    def paint(
        colours: list[Colour], *, finish: Literal["matt", "gloss"] | None = None
    ) -> None: ...

    command = small(paint)
    assert command.arguments[0].values == Values(choices=("red", "blue"))
    assert command.arguments[0].many
    assert command.options[0].values == Values(choices=("matt", "gloss"))


def test_the_agents_that_are_offered_are_those_that_agentbox_describes() -> None:
    assert AGENTS.choices == tuple(SHIPPED)
