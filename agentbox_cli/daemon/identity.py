"""Which process a number means: a pid alone says little, for pids are reused."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

# pid_t is a signed 32-bit number.
PID_LIMIT = 2**31

# /proc/PID/stat, counted from the field after the command name, field 3 (proc_pid_stat(5)).
_STATE, _SESSION, _START_TICKS = 0, 3, 19
_DEAD = frozenset("ZXx")


class Sameness(StrEnum):
    """Whether an identity still names the process it was taken from."""

    SAME = "same"
    DIFFERENT = "different"  # it ended; its pid may by now name something else
    UNKNOWN = "unknown"  # it lives, or lived, in another pid namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One process, for as long as the kernel runs.

    Args:
        pid: in its own pid namespace.
        start_ticks: clock ticks between boot and its start.
        boot_id: of the kernel it runs on.
        pid_namespace: inode of the pid namespace, 0 where the kernel hides it.
    """

    pid: int
    start_ticks: int
    boot_id: str
    pid_namespace: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStat:
    """What /proc/PID/stat says, as far as it matters here."""

    alive: bool
    session: int
    start_ticks: int


def identify(pid: int) -> Identity | None:
    """The identity of a living process of this pid namespace, None when there is none."""
    stat = read_stat(pid)
    if stat is None or not stat.alive:
        return None
    return Identity(
        pid=pid,
        start_ticks=stat.start_ticks,
        boot_id=boot_id(),
        pid_namespace=pid_namespace(),
    )


def compare(identity: Identity) -> Sameness:
    """Say whether the process of this identity is alive, as seen from this process.

    A zombie has ended: it holds no lock and serves nobody.
    """
    if identity.boot_id != boot_id():
        return Sameness.DIFFERENT
    if identity.pid_namespace != pid_namespace():
        return Sameness.UNKNOWN
    stat = read_stat(identity.pid)
    if stat is None or not stat.alive or stat.start_ticks != identity.start_ticks:
        return Sameness.DIFFERENT
    return Sameness.SAME


def read_stat(pid: int) -> ProcessStat | None:
    """The state of a process, None when it does not exist."""
    if not 0 < pid < PID_LIMIT:
        return None
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return parse_stat(text)


def parse_stat(text: bytes) -> ProcessStat | None:
    """Read /proc/PID/stat, from the end of the command name: it may hold blanks and brackets."""
    fields = text[text.rfind(b")") + 1 :].split()
    try:
        return ProcessStat(
            alive=fields[_STATE].decode("ascii") not in _DEAD,
            session=int(fields[_SESSION]),
            start_ticks=int(fields[_START_TICKS]),
        )
    except (IndexError, ValueError):
        return None


def boot_id() -> str:
    """The kernel's random name for this boot, empty where it is hidden."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


def pid_namespace() -> int:
    """The inode of our own pid namespace, 0 where the kernel hides it."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0
