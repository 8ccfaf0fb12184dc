"""Become another program that the kernel kills as soon as its parent ends.

Run as a script: `shim.py PARENT-PID PROGRAM ARGUMENT...`. It stands between fork and exec, where
the parent itself, with its threads and event loop, must not run Python.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1  # prctl(2); the setting survives exec

# As shells have it: found but not to be run, and not found.
_NOT_RUN = 126
_NOT_FOUND = 127


def main(argv: Sequence[str]) -> int:
    """Tie this process to its parent and exec; returns only when that fails."""
    parent, *command = argv
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        return _failed("cannot be tied to its parent", ctypes.get_errno(), _NOT_RUN)
    # A parent that ended before the line above will send nothing any more.
    if os.getppid() != int(parent):
        return _NOT_RUN
    try:
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        return _failed(command[0], error.errno or 0, _NOT_FOUND)


def _failed(what: str, number: int, status: int) -> int:
    sys.stderr.write(f"{what}: {os.strerror(number)}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
