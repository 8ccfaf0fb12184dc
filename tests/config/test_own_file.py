"""Files of ours are read only if they are that."""

import os
from pathlib import Path

import pytest

from agentbox_cli.config.own_file import read_own


def test_a_plain_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    file = tmp_path / "it"
    file.write_bytes(b"12345")
    assert read_own(file, limit=5) == b"12345"
    with pytest.raises(ValueError, match="too large"):
        read_own(file, limit=4)


def test_nothing_else_is_read_or_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ValueError, match="not a plain file"):
        read_own(tmp_path / "fifo", limit=5)
    (tmp_path / "link").symlink_to(tmp_path / "it")
    for missing in ("link", "none"):
        with pytest.raises(OSError, match=missing):
            read_own(tmp_path / missing, limit=5)
