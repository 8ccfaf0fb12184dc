"""The table of contents equals the commands, and every command explains itself."""

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from inline_snapshot import snapshot

from agentbox_cli.cli.app import root
from agentbox_cli.cli.lazy import LazyGroup
from tests.fakes.commandline import Agentbox


def walk(
    group: LazyGroup, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Every command and group: its path, its line in the table, and the real one."""
    for name, (_, text) in group.table.items():
        found = group.load(name)
        yield (*path, name), text, found
        if isinstance(found, LazyGroup):
            yield from walk(found, (*path, name))


def tree() -> LazyGroup:
    group = typer.main.get_command(root())
    assert isinstance(group, LazyGroup)
    return group


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with its path."""
    return ((path, found) for path, _, found in walk(tree()) if not isinstance(found, LazyGroup))


EVERY = [path for path, _, _ in walk(tree())]
LEAVES = [path for path, _ in commands()]


def test_the_commands_are_these() -> None:
    assert [" ".join(path) for path in LEAVES] == snapshot(
        [
            "litellm init",
            "litellm start",
            "litellm stop",
            "litellm restart",
            "litellm status",
            "litellm top",
            "litellm logs",
            "litellm ask",
            "litellm run",
            "litellm env",
            "litellm connect",
            "litellm disconnect",
            "litellm agents",
            "litellm explain",
            "litellm test-fallback",
            "litellm limits reset",
            "litellm chaos",
            "litellm usage errors",
            "litellm usage export",
            "litellm usage reprice",
            "litellm usage prune",
            "litellm usage vacuum",
            "litellm prices show",
            "litellm prices set",
            "litellm models add",
            "litellm models remove",
            "litellm models move",
            "litellm models rename",
            "litellm providers add",
            "litellm providers remove",
            "litellm providers login",
            "litellm providers logout",
            "litellm import",
            "litellm mcp serve",
            "litellm mcp list",
            "litellm mcp add",
            "litellm mcp remove",
            "litellm mcp test",
            "litellm mcp call",
            "litellm mcp accept",
            "litellm mcp import",
            "litellm mcp connect",
            "litellm mcp disconnect",
            "litellm key add",
            "litellm key list",
            "litellm key remove",
            "litellm bridge",
            "litellm export dockerfile",
            "litellm export container-init",
            "litellm export systemd",
            "litellm export launchd",
            "litellm health",
            "litellm render",
            "config check",
            "config path",
            "config show",
            "config get",
            "config set",
            "config unset",
            "config edit",
            "config diff",
            "config undo",
            "config schema",
            "plugins list",
            "completions",
        ]
    )


def test_the_table_says_what_the_commands_say() -> None:
    told = {" ".join(path): text for path, text, _ in walk(tree())}
    real = {" ".join(path): found.help.partition("\n")[0] for path, _, found in walk(tree())}
    assert told == real


@pytest.mark.parametrize("path", [(), *EVERY], ids=" ".join)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_has_help(agentbox: Agentbox, path: tuple[str, ...], option: str) -> None:
    result = agentbox(*path, option)
    assert (result.exit_code, result.err) == (0, "")
    assert result.out.startswith(f"Usage: {' '.join(('agentbox', *path))} ")
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.parametrize("path", [(), *EVERY], ids=" ".join)
def test_help_fits_a_narrow_terminal_and_loses_no_word(
    agentbox: Agentbox, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    wide = agentbox(*path, "--help").out
    monkeypatch.setenv("COLUMNS", "40")
    narrow = agentbox(*path, "--help").out
    # The last column has 10 characters at least, and may stick out a bit beside a long option.
    # A command's own name is as long as it is.
    limit = max(43, len(f"Usage: {' '.join(('agentbox', *path))}"))
    assert max(len(line.rstrip()) for line in narrow.splitlines()) <= limit
    assert "".join(narrow.split()) == "".join(wide.split())


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_has_an_example_on_one_line_that_can_be_typed(
    agentbox: Agentbox, path: tuple[str, ...]
) -> None:
    lines = agentbox(*path, "--help").out.splitlines()
    (example,) = [line.strip() for line in lines if line.strip().startswith("Example: ")]
    assert lines[lines.index(f"  {example}") + 1] == ""
    typed = example.removeprefix("Example: ")
    assert " ".join(("agentbox", *path)) in typed
    if typed.startswith("agentbox "):
        command = dict(commands())[path]
        command.make_context("it", shlex.split(typed)[1 + len(path) :]).close()


# What prints no JSON, and why.
WITHOUT_JSON = {
    "litellm init": "writes",
    "litellm start": "acts",
    "litellm stop": "acts",
    "litellm restart": "acts",
    "litellm bridge": "acts",
    **dict.fromkeys(
        [
            "litellm export dockerfile",
            "litellm export container-init",
            "litellm export systemd",
            "litellm export launchd",
        ],
        "prints a file as it is",
    ),
    "litellm logs": "prints a log as it is",
    "litellm mcp serve": "speaks MCP",
    "litellm run": "becomes another program",
    "litellm usage export": "prints JSON anyhow",
    "litellm providers login": "writes",
    "litellm providers logout": "writes",
    "config path": "prints one path",
    "config schema": "prints JSON anyhow",
    "completions": "prints a script",
}
# Words that the help of a command begins with when it changes a file of the user.
WRITING = (
    "Write ",
    "Add ",
    "Accept ",
    "Remove ",
    "Move ",
    "Give ",
    "Set ",
    "Take ",
    "Open ",
    "Ask for a ",
)


def test_every_command_that_tells_something_can_print_json() -> None:
    without = {" ".join(path) for path, found in commands() if "--json" not in options(found)}
    assert without <= {*WITHOUT_JSON}
    assert {*WITHOUT_JSON} <= {" ".join(path) for path in LEAVES}


def test_every_command_that_changes_a_file_of_the_user_can_only_show_it() -> None:
    writers = [path for path, found in commands() if found.help.startswith(WRITING)]
    dry = [path for path, found in commands() if "--dry-run" in options(found)]
    assert [path for path in writers if path not in dry] == []
    assert ("config", "set") in writers


def options(command: Any) -> set[str]:
    return {name for param in command.params for name in param.opts}


@pytest.mark.parametrize("path", [(), ("litellm",), ("config",), ("plugins",)], ids=" ".join)
def test_a_group_without_a_command_prints_its_help(
    agentbox: Agentbox, path: tuple[str, ...]
) -> None:
    alone, asked = agentbox(*path), agentbox(*path, "--help")
    assert (alone.exit_code, alone.err) == (0, "")
    assert alone.out == asked.out


def test_the_help_of_the_program() -> None:
    command = tree()
    with command.make_context("agentbox", [], resilient_parsing=True) as context:
        assert command.get_help(context) == snapshot("""\
Usage: agentbox [OPTIONS] COMMAND [ARGS]...

  One local address that keeps coding agents talking.

Options:
  --config FILE  Use this config.yml.
  --no-plugins   Load agentbox's own plugins only.
  -V, --version  Print the version and exit.
  -h, --help     Show this message and exit.

Commands:
  litellm      The proxy that keeps coding agents talking.
  config       The user's config.yml.
  plugins      The plugins that describe providers.
  completions  Print the script that completes commands in a shell.\
""")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("litelm",), "Did you mean 'litellm'?"),
        (("litellm", "strat"), "Did you mean 'start'"),
        (("litellm", "test-falback"), "Did you mean 'test-fallback'?"),
        (("config", "chekc"), "Did you mean 'check'?"),
        (("plugins", "lst"), "Did you mean 'list'?"),
        (("litellm", "status", "--jsn"), "--json"),
    ],
)
def test_a_typing_error_is_answered_with_what_was_meant(
    agentbox: Agentbox, typed: tuple[str, ...], meant: str
) -> None:
    result = agentbox(*typed)
    assert result.exit_code == 2
    assert result.out == ""
    assert meant in result.err.splitlines()[0]
    assert result.err.splitlines()[1].startswith("hint: agentbox ")


def test_a_word_like_no_command_is_answered_without_a_guess(agentbox: Agentbox) -> None:
    result = agentbox("xyzzy")
    assert result.exit_code == 2
    assert result.err == "error: No such command 'xyzzy'.\nhint: agentbox --help\n"


def test_a_missing_argument_names_it(agentbox: Agentbox) -> None:
    result = agentbox("litellm", "ask")
    assert result.exit_code == 2
    assert "prompt" in result.err.lower()


def test_a_value_of_the_wrong_type_names_its_option(agentbox: Agentbox) -> None:
    result = agentbox("litellm", "start", "--port", "x")
    assert result.exit_code == 2
    assert "'--port'" in result.err
