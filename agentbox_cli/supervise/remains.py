"""What a program that led a session of its own leaves behind when it ends."""

import contextlib
import os
import signal
import time
from pathlib import Path

# A dying process may have been forking; look again until nothing is left.
_SWEEPS = 5
_PAUSE_SECONDS = 0.01

# /proc/PID/stat, counted from the field after the command name (proc_pid_stat(5)).
_STATE, _SESSION = 0, 3
_DEAD = (b"Z", b"X", b"x")


def kill_remains(leader: int) -> None:
    """Kill every living process of the session that a process opened which has ended itself."""
    for _ in range(_SWEEPS):
        left = session_of(leader)
        if not left or leader in left:
            # All are gone; or a new process got the number, so a session of it is not ours.
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE_SECONDS)


def session_of(leader: int) -> list[int]:
    """The living processes of a session."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if _is_living_member(pid, leader)]


def _is_living_member(pid: int, leader: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    # The command name stands in parentheses and may hold any byte, parentheses too.
    fields = stat[stat.rindex(b")") + 2 :].split()
    return int(fields[_SESSION]) == leader and fields[_STATE] not in _DEAD
