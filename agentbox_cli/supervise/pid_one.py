"""The first process of a container: run a program, pass signals on, bury the dead.

Run as a script: `python -I -S pid_one.py PROGRAM ARGUMENT...`. The kernel gives process 1 every
orphan of its container and no default for a signal; few programs are made for that. The status is
the program's, or 128 and the number of the signal that ended it.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Collection, Sequence

_NOT_RUN = 126
_NOT_FOUND = 127
_BY_SIGNAL = 128

# What a terminal's job control says to a process group is not ours to pass on, and these two
# are how the kernel and the clock end us.
_OURS = {signal.SIGKILL, signal.SIGSTOP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGTSTP}
_FAULTS = {signal.SIGSEGV, signal.SIGILL, signal.SIGFPE, signal.SIGBUS, signal.SIGABRT}


def main(argv: Sequence[str]) -> int:
    """Run the program to its end; gives its status."""
    watched = signal.valid_signals() - _OURS - _FAULTS
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    child = os.fork()
    if child == 0:
        _become(argv, before)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    while True:
        number = signal.sigwait(watched)
        if number != signal.SIGCHLD:
            _pass_on(child, number)
        elif (status := _bury(child)) is not None:
            return status


def _become(argv: Sequence[str], mask: Collection[int]) -> None:
    """In the child: get the terminal, where there is one, and become the program."""
    try:
        os.setpgid(0, 0)
        if os.isatty(0):
            # Who takes the terminal from the background is stopped, unless it ignores that.
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            os.tcsetpgrp(0, os.getpgrp())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    except OSError:
        pass  # the terminal is another session's: the program does without
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        os.execvp(argv[0], list(argv))  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_RUN)


def _pass_on(child: int, number: int) -> None:
    # Its end is told by the next signal.
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def _bury(child: int) -> int | None:
    """Collect whoever ended; the program's status if it was among them."""
    found = None
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
                found = code if code >= 0 else _BY_SIGNAL - code
    except ChildProcessError:
        pass
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
