"""An agent's environment as shells read it."""

import shlex
from collections.abc import Iterator

from agentbox_cli.agents.launching import Start

SHELLS = ("bash", "zsh", "fish")


def shell_of(path: str) -> str:
    """The shell of `$SHELL`; bash where it is none that is known here."""
    name = path.rpartition("/")[2]
    return name if name in SHELLS else "bash"


def script(program: str, start: Start, shell: str) -> str:
    """Lines that set the environment of an agent, and its arguments where it needs some."""
    lines = _fish(program, start) if shell == "fish" else _posix(program, start)
    return "".join(f"{line}\n" for line in lines)


def _posix(program: str, start: Start) -> Iterator[str]:
    for name in start.unset:
        yield f"unset {name}"
    for name, value in start.env.items():
        yield f"export {name}={shlex.quote(value)}"
    if start.shell_args:
        yield f'{program}() {{ command {program} {shlex.join(start.args)} "$@"; }}'


def _fish(program: str, start: Start) -> Iterator[str]:
    for name in start.unset:
        yield f"set -e {name}"
    for name, value in start.env.items():
        yield f"set -gx {name} {_fish_quoted(value)}"
    if start.shell_args:
        args = " ".join(map(_fish_quoted, start.args))
        yield f"function {program} --wraps {program}; command {program} {args} $argv; end"


def _fish_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
