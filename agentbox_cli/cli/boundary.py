"""Where every command ends: errors become one line for people and an exit code."""

import io
import os
import shutil
import sys

import typer

from agentbox_cli.cli.output import for_reading
from agentbox_cli.errors import AgentboxError, Exit, UsageError

_WIDEST, _NARROWEST = 80, 30


def run(argv: list[str]) -> int:
    """Run a command line and give its exit code; never lets a traceback out."""
    _escape_what_cannot_be_printed()
    try:
        code = _answer(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up_stdout()
        return Exit.BROKEN_PIPE
    except OSError as error:
        _give_up_stdout()
        _to_stderr(f"error: the output cannot be written: {error.strerror}", None)
        return Exit.NO
    return code


def _answer(argv: list[str]) -> int:
    try:
        return _invoke(argv)
    except AgentboxError as error:
        return _tell(error)
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, EOFError, typer.Abort):
        sys.stderr.write("\n")
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - this is the boundary
        if isinstance(error, FileNotFoundError) and not _has_working_directory():
            said = "the directory that this was called in is gone"
            return _tell(UsageError(said, hint="cd to one that is there"))
        return _tell_of_usage(error) if _is_usage(error) else _tell_of_bug(error)


def _has_working_directory() -> bool:
    try:
        return bool(os.getcwd())  # noqa: PTH109 - pathlib asks the same
    except FileNotFoundError:
        return False


def _invoke(argv: list[str]) -> int:
    from agentbox_cli.cli.app import root

    command = typer.main.get_command(root())
    try:
        # Not command.main(), which ends the process with 1 when stdout is closed.
        with command.make_context("agentbox", list(argv), terminal_width=_width()) as context:
            command.invoke(context)
    except typer.Exit as leaving:
        return leaving.exit_code
    return Exit.OK


def _width() -> int:
    # By itself, help is never narrower than 50 columns.
    columns = shutil.get_terminal_size().columns
    return max(min(columns, _WIDEST) - 2, _NARROWEST)


def _tell(error: AgentboxError) -> int:
    _to_stderr(f"error: {error.message}", error.hint)
    return error.exit_code


def _is_usage(error: Exception) -> bool:
    # Typer's own errors share a base that its public API does not name.
    return hasattr(error, "exit_code") and hasattr(error, "format_message")


def _tell_of_usage(error: Exception) -> int:
    message: str = error.format_message()  # type: ignore[attr-defined] # checked by _is_usage
    message = message.replace(": Value error, ", ": ")  # pydantic's word for any choice
    context = getattr(error, "ctx", None)
    _to_stderr(f"error: {message}", f"{context.command_path} --help" if context else None)
    return Exit.USAGE


def _tell_of_bug(error: Exception) -> int:
    from agentbox_cli.config.bug_file import write_bug_file

    place = write_bug_file(error)
    _to_stderr(
        f"error: agentbox failed by a fault of its own: {type(error).__name__}",
        f"please report it with {place}" if place else "please report it",
    )
    return Exit.BUG


def _escape_what_cannot_be_printed() -> None:
    # A path may hold bytes that are no text, and a plain C locale has ASCII only.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _give_up_stdout() -> None:
    # Python would complain once more when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _to_stderr(message: str, hint: str | None) -> None:
    from agentbox_cli.config.redaction import redact_environment

    text = f"{message}\nhint: {hint}\n" if hint else f"{message}\n"
    sys.stderr.write(for_reading(redact_environment(text, os.environ), sys.stderr))
