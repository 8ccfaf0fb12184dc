"""Small files of ours, read without trust: whoever could write there may have put anything."""

import os
import stat
from pathlib import Path


def read_own(path: Path, *, limit: int) -> bytes:
    """Read a plain file that belongs to us and has at most `limit` bytes.

    Raises:
        OSError: it cannot be read.
        ValueError: it is something else.
    """
    # O_NONBLOCK: a FIFO in its place must not hang us.
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise ValueError("not a plain file of ours")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError("too large")
    return data
