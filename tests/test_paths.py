"""Where files are: by the XDG variables, in the home, or, without one, in a stand-in for it."""

import os
import tempfile
from pathlib import Path

import pytest

from agentbox_cli import paths
from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import standard_paths

KINDS = ("CONFIG", "STATE", "CACHE", "DATA")


@pytest.fixture(autouse=True)
def temporary(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory of its own, and no XDG variable."""
    for kind in KINDS:
        monkeypatch.delenv(f"XDG_{kind}_HOME")
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def test_a_home_has_the_usual_folders(home: Path, temporary: Path) -> None:
    found = standard_paths()
    assert found.state_dir == home / ".local" / "state" / "agentbox"
    assert found.config_dir == home / ".config" / "agentbox"
    assert found.stand_in is None
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("told", ["", "/nowhere/at/all"])
def test_without_a_home_a_private_directory_stands_in(
    monkeypatch: pytest.MonkeyPatch, temporary: Path, told: str
) -> None:
    monkeypatch.setenv("HOME", told)
    found = standard_paths()
    place = temporary / f"agentbox-{os.geteuid()}"
    assert found.stand_in == place
    assert found.state_dir == place / "state" / "agentbox"
    assert found.config_dir == place / "config" / "agentbox"
    assert place.stat().st_mode & 0o777 == 0o700
    assert standard_paths() == found


def test_folders_that_were_chosen_are_used_without_a_home(
    monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    monkeypatch.setenv("HOME", "")
    for kind in KINDS:
        monkeypatch.setenv(f"XDG_{kind}_HOME", "/chosen")
    assert standard_paths().state_dir == Path("/chosen/agentbox")
    assert standard_paths().stand_in is None
    assert list(temporary.iterdir()) == []


def test_on_a_read_only_file_system_only_the_config_stays(
    home: Path, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    monkeypatch.setattr(paths, "_is_read_only", lambda _: True)
    found = standard_paths()
    assert found.config_dir == home / ".config" / "agentbox"
    assert found.data_dir == temporary / f"agentbox-{os.geteuid()}" / "data" / "agentbox"


def test_a_home_that_is_somebody_elses_is_none(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert paths._home() is None


def test_a_user_without_an_entry_has_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    assert paths._home() is None


@pytest.mark.parametrize("how", ["open", "link", "file"])
def test_a_stand_in_that_is_not_ours_alone_is_refused(
    monkeypatch: pytest.MonkeyPatch, temporary: Path, how: str
) -> None:
    monkeypatch.setenv("HOME", "")
    place = temporary / f"agentbox-{os.geteuid()}"
    if how == "open":
        place.mkdir()
        place.chmod(0o755)
    elif how == "link":
        (temporary / "elsewhere").mkdir(mode=0o700)
        place.symlink_to(temporary / "elsewhere")
    else:
        place.write_text("")
    with pytest.raises(ProxyError, match="there is no home, and ") as told:
        standard_paths()
    assert told.value.hint == "set HOME or XDG_STATE_HOME to a directory that you can write to"


def test_without_a_temporary_directory_either_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    with pytest.raises(ProxyError, match="nothing to stand in: No such file"):
        standard_paths()
