"""The console script: what must answer at once answers here, all else goes to the shell.

Only the standard library, and little of it: `agentbox --version` costs little more than Python.
"""

import gc
import os
import sys

from agentbox_cli import __version__

# So many new ones before garbage is looked for; Python's own figure is 700.
_OBJECTS = 50_000


def main(argv: list[str] | None = None) -> int:
    """Run a command line.

    Args:
        argv: the arguments after the program's name; by default those of the process.

    Returns:
        The exit code.
    """
    arguments = sys.argv[1:] if argv is None else argv
    _replace_closed_streams()
    if arguments in (["--version"], ["-V"]):
        sys.stdout.write(f"agentbox {__version__}\n")
        return 0
    if arguments[:1] == ["__complete"]:
        from agentbox_cli.cli.completion.verb import answer  # noqa: PLC0415 - rarely needed

        return answer(arguments[1:])
    # Imports make many objects and little garbage: a tenth of the time (measured).
    gc.set_threshold(_OBJECTS)
    from agentbox_cli.cli.boundary import run  # noqa: PLC0415 - costs more than the rest

    code = run(arguments)
    if argv is None:
        # The process ends: Python would look for garbage among all of them three times more,
        # which takes another tenth (measured).
        gc.freeze()
    return code


def _replace_closed_streams() -> None:
    # Python has no stream where a caller closed the descriptor (`>&-`).
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for good
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for good
