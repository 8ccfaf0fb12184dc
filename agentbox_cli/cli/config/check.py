"""`agentbox config check`: every problem in config.yml at once."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, problem_row, say
from agentbox_cli.cli.setting import config_file, config_target
from agentbox_cli.errors import ConfigError, Exit, UsageError

if TYPE_CHECKING:
    from agentbox_cli.config.problems import Problem

app = command()


@app.command()
def check(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_sarif: Annotated[
        bool, typer.Option("--sarif", help="Print a SARIF 2.1.0 log, for code hosts.")
    ] = False,
) -> None:
    """Report every problem in config.yml.

    Each comes with its place and what to do. Exit code 3 if one is an error; warnings are fine.

    Example: agentbox config check
    """
    from agentbox_cli.config.problems import Severity, render
    from agentbox_cli.providers.load import find_problems

    if as_json and as_sarif:
        raise UsageError("--json and --sarif are two forms of one answer", hint="take one")
    try:
        file = config_file(ctx)
        problems = find_problems(file, os.environ, Path.cwd())
    except ConfigError as error:
        if not as_json and not as_sarif:
            raise
        file, problems = config_target(ctx), [_unreadable(error)]
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if as_json:
        rows = [problem_row(problem) for problem in problems]
        emit_json("config-check", {"ok": not errors, "file": str(file), "problems": rows})
    elif as_sarif:
        from agentbox_cli.cli.config.sarif import sarif_log

        say(json.dumps(sarif_log(problems, Path(os.path.normpath(file)), Path.cwd()), indent=2))
    else:
        if problems:
            say(render(problems, file.name, limit=len(problems)))
        say(_summary(file, len(errors), len(problems) - len(errors)))
    raise typer.Exit(Exit.CONFIG if errors else Exit.OK)


def _unreadable(error: ConfigError) -> "Problem":
    """Why the file could not be read, for programs that want a document whatever happens."""
    from agentbox_cli.config.problems import unreadable
    from agentbox_cli.config.store import NotTextError

    if isinstance(error, NotTextError):
        return unreadable(error.message, error.hint, line=error.line, column=error.column)
    return unreadable(error.message, error.hint)


def _summary(file: Path, errors: int, warnings: int) -> str:
    if not errors and not warnings:
        return f"{file}: ok"
    return f"{file}: {_count(errors, 'error')}, {_count(warnings, 'warning')}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
