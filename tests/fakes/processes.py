"""Whether a process lives; a zombie does not."""

from pathlib import Path


def lives(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return False
    return stat[stat.rindex(")") + 2] not in "ZXx"
