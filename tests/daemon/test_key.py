import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentbox_cli.daemon.key import read_or_create, rotate
from agentbox_cli.errors import ProxyError

FORM = re.compile(r"agentbox-[A-Za-z0-9_-]{43}")
KEY = "agentbox-" + "k" * 43

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "key"


def write_key(path: Path, text: str = KEY, mode: int = 0o600) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_key_is_private_and_kept(path: Path) -> None:
    key = read_or_create(path)
    assert FORM.fullmatch(key)
    assert read_or_create(path) == key
    assert (mode_of(path), mode_of(path.parent)) == (0o600, 0o700)
    assert list(path.parent.iterdir()) == [path]


def test_every_install_has_another_key(tmp_path: Path) -> None:
    keys = {read_or_create(tmp_path / str(number) / "key") for number in range(20)}
    assert len(keys) == 20


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_umask_does_not_open_the_key(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        read_or_create(path)
    finally:
        os.umask(before)
    assert (mode_of(path), mode_of(path.parent)) == (0o600, 0o700)


def test_simultaneous_creators_agree(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from agentbox_cli.daemon.key import read_or_create;"
        "print(flush=True); sys.stdin.readline(); print(read_or_create(Path(sys.argv[1])))"
    )
    creators = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for creator in creators:
        assert creator.stdout is not None
        creator.stdout.readline()
    for creator in creators:
        assert creator.stdin is not None
        creator.stdin.write("go\n")
        creator.stdin.flush()
    keys = {creator.communicate(timeout=30)[0].strip() for creator in creators}
    assert keys == {read_or_create(path)}
    assert list(path.parent.iterdir()) == [path]


def test_a_creator_who_comes_second_takes_the_first_ones_key(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_link = os.link

    # The real link() runs; this only makes certain that somebody else was faster.
    def beaten_link(source: Path, target: Path) -> None:
        write_key(target)
        real_link(source, target)

    monkeypatch.setattr(os, "link", beaten_link)
    assert read_or_create(path) == KEY
    assert list(path.parent.iterdir()) == [path]


def test_rotation_replaces_the_key(path: Path) -> None:
    old = read_or_create(path)
    new = rotate(path)
    assert FORM.fullmatch(new)
    assert new != old
    assert read_or_create(path) == new
    assert mode_of(path) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_rotation_makes_the_first_key_too(path: Path) -> None:
    assert rotate(path) == read_or_create(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644, 0o666])
def test_a_key_that_others_may_read_is_refused_until_it_is_rotated(path: Path, mode: int) -> None:
    write_key(path, mode=mode)
    with pytest.raises(ProxyError, match=f"others may read the key .mode {mode:04o}") as caught:
        read_or_create(path)
    assert caught.value.hint == "make a new one with `agentbox litellm key --rotate`"
    assert KEY not in str(caught.value)
    assert rotate(path) == read_or_create(path)


@pytest.mark.parametrize(
    "text",
    ["", "\n", KEY[:-1], KEY + "x", KEY + "\n\n", " " + KEY, KEY + "\r\n", "sk-" + "k" * 43, "é"],
)
def test_an_empty_or_garbled_key_is_refused_until_it_is_rotated(path: Path, text: str) -> None:
    write_key(path, text)
    with pytest.raises(ProxyError, match="this is not a key of agentbox"):
        read_or_create(path)
    assert rotate(path) == read_or_create(path)


@pytest.mark.parametrize("text", [KEY, KEY + "\n"])
def test_a_key_may_end_its_line(path: Path, text: str) -> None:
    write_key(path, text)
    assert read_or_create(path) == KEY


@as_root
@pytest.mark.parametrize("pick", [lambda path: path, lambda path: path.parent])
def test_somebody_elses_file_or_directory_is_refused(
    path: Path, pick: Callable[[Path], Path]
) -> None:
    write_key(path)
    os.chown(pick(path), 1234, 1234)
    with pytest.raises(ProxyError, match="belongs to uid 1234, not to you"):
        read_or_create(path)


@pytest.mark.parametrize("action", [read_or_create, rotate])
def test_a_directory_that_others_may_write_to_is_refused(
    path: Path, action: Callable[[Path], str]
) -> None:
    write_key(path)
    path.parent.chmod(0o770)
    with pytest.raises(ProxyError, match="others may write to it") as caught:
        action(path)
    assert caught.value.hint == f"chmod 700 {path.parent}"


def test_a_fifo_does_not_hang_anybody(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    os.mkfifo(path, 0o600)
    with pytest.raises(ProxyError, match="not a regular file"):
        read_or_create(path)


@pytest.mark.parametrize("action", [read_or_create, rotate])
def test_what_the_system_refuses_is_told_with_the_path(
    path: Path, action: Callable[[Path], str]
) -> None:
    path.parent.parent.joinpath("state").write_text("a file where the directory belongs")
    with pytest.raises(ProxyError, match=f"{path}: the key cannot be read or written"):
        action(path)


def test_a_dangling_link_is_told_with_the_path(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.symlink_to("nowhere")
    with pytest.raises(ProxyError, match="No such file"):
        read_or_create(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(content=st.binary(max_size=80))
def test_whatever_the_file_holds_it_is_a_key_or_refused(path: Path, content: bytes) -> None:
    write_key(path)
    path.write_bytes(content)
    with pytest.raises(ProxyError):
        read_or_create(path)
