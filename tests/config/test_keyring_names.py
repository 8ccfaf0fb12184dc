from pathlib import Path

import pytest

from agentbox_cli.config.keyring_names import forget, record, recorded
from agentbox_cli.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "agentbox" / "keyring-names"


def test_names_come_and_go_in_a_private_file(file: Path) -> None:
    assert recorded(file) == frozenset()
    record(file, "LAB_KEY")
    record(file, "A_KEY")
    record(file, "LAB_KEY")
    assert file.read_text() == "A_KEY\nLAB_KEY\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    forget(file, "LAB_KEY")
    assert recorded(file) == {"A_KEY"}


def test_to_forget_what_is_not_there_writes_nothing(file: Path) -> None:
    forget(file, "LAB_KEY")
    assert not file.parent.exists()


@pytest.mark.parametrize("data", [b"\x00\xff\xfe\n", b"= 1\n\n two words\n", b"A-B\n1A\n"])
def test_lines_that_are_no_names_are_passed_over(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(data + b"LAB_KEY\r\n")
    assert recorded(file) == {"LAB_KEY"}


def test_what_is_no_file_of_ours_is_told(file: Path) -> None:
    file.mkdir(parents=True)
    for use in (recorded, lambda there: record(there, "LAB_KEY")):
        with pytest.raises(ConfigError, match="cannot be"):
            use(file)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with pytest.raises(ConfigError, match=r"plain.*cannot be written"):
        record(tmp_path / "plain" / "keyring-names", "LAB_KEY")
