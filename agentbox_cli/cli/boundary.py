"""Where every command ends: errors become one line for people and an exit code."""

import os
import sys
import traceback
from pathlib import Path

import typer

from agentbox_cli import __version__
from agentbox_cli.errors import AgentboxError, Exit


def run(argv: list[str]) -> int:
    """Run a command line and give its exit code; never lets a traceback out."""
    from agentbox_cli.cli.app import root

    try:
        code = typer.main.get_command(root())(
            args=argv, prog_name="agentbox", standalone_mode=False
        )
        sys.stdout.flush()
    except AgentboxError as error:
        return _tell(error)
    except BrokenPipeError:
        return _pipe_is_closed()
    except (KeyboardInterrupt, EOFError, typer.Abort):
        sys.stderr.write("\n")
        return Exit.INTERRUPTED
    except typer.Exit as leaving:
        return leaving.exit_code
    except Exception as error:  # noqa: BLE001 - this is the boundary
        return _tell_of_usage(error) if _is_usage(error) else _tell_of_bug(error)
    return code if isinstance(code, int) else Exit.OK


def _tell(error: AgentboxError) -> int:
    lines = [f"error: {error.message}"]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    _to_stderr(lines)
    return error.exit_code


def _is_usage(error: Exception) -> bool:
    # Typer's own errors share a base that its public API does not name.
    return hasattr(error, "exit_code") and hasattr(error, "format_message")


def _tell_of_usage(error: Exception) -> int:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return Exit.OK
    message = error.format_message()  # type: ignore[attr-defined] # checked by _is_usage
    lines = [f"error: {message}"]
    if context is not None:
        lines.append(f"hint: {context.command_path} --help")
    _to_stderr(lines)
    return Exit.USAGE


def _tell_of_bug(error: Exception) -> int:
    place = _write_bug_file(error)
    _to_stderr(
        [
            f"error: agentbox failed by a fault of its own: {type(error).__name__}",
            f"hint: please report it with {place}" if place else "hint: please report it",
        ]
    )
    return Exit.BUG


def _write_bug_file(error: Exception) -> Path | None:
    from agentbox_cli.config.secrets import redact
    from agentbox_cli.paths import standard_paths

    text = "".join(traceback.format_exception(error))
    head = f"agentbox {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n"
    path = standard_paths().bug_file
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(head + redact(text, ()))
    except OSError:
        return None
    return path


def _pipe_is_closed() -> int:
    # Python would complain once more when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.BROKEN_PIPE


def _to_stderr(lines: list[str]) -> None:
    sys.stderr.write("\n".join(lines) + "\n")
