"""Giving tokens out and taking them back."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agentbox_cli.config.client_tokens import MOST, ClientToken, hash_of, read_tokens, to_bytes
from agentbox_cli.config.redaction import redact
from agentbox_cli.daemon.client_tokens import add, remove, would_add
from agentbox_cli.errors import ProxyError, UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "client-tokens.json"


def names(file: Path) -> list[str]:
    return [token.name for token in read_tokens(file)]


def test_only_the_hash_of_a_token_is_kept_and_only_for_us(file: Path) -> None:
    made = add(file, "alice")
    assert re.fullmatch(r"agentbox-client-[A-Za-z0-9_-]{43}", made.token)
    assert made.token not in file.read_text()
    assert made.token[16:] not in file.read_text()
    assert read_tokens(file) == (made.kept,)
    assert made.kept.sha256 == hash_of(made.token).hex()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_umask_does_not_open_the_file(file: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        add(file, "alice")
        add(file, "bob")
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_every_token_is_another_one(file: Path) -> None:
    assert len({add(file, f"client-{number}").token for number in range(20)}) == 20


def test_a_text_with_a_token_does_not_show_it(file: Path) -> None:
    token = add(file, "alice").token
    assert redact(f"sent {token}, and failed", ()) == "sent [redacted], and failed"


def test_one_goes_and_the_others_stay(file: Path) -> None:
    for name in ("alice", "bob", "carol"):
        add(file, name)
    assert remove(file, "bob", dry_run=True).name == "bob"
    assert names(file) == ["alice", "bob", "carol"]
    assert remove(file, "bob").name == "bob"
    assert names(file) == ["alice", "carol"]
    again = add(file, "bob")
    assert names(file) == ["alice", "carol", "bob"]
    assert again.kept in read_tokens(file)


@pytest.mark.parametrize("name", ["", "two words", "-v", "a/b", "ü", "x" * 61])
@pytest.mark.parametrize("action", [add, would_add])
def test_a_name_that_nobody_can_have_is_refused(
    file: Path, action: Callable[[Path, str], object], name: str
) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a caller"):
        action(file, name)
    assert not file.exists()


@pytest.mark.parametrize("action", [add, would_add])
def test_a_name_has_one_token(file: Path, action: Callable[[Path, str], object]) -> None:
    add(file, "alice")
    before = file.read_bytes()
    with pytest.raises(UsageError, match="alice has a token already") as caught:
        action(file, "alice")
    assert "agentbox litellm key remove alice" in (caught.value.hint or "")
    assert file.read_bytes() == before


def test_an_unknown_name_is_answered_with_the_one_that_was_meant(file: Path) -> None:
    add(file, "alice")
    with pytest.raises(UsageError, match="nobody called 'alcie' has a token") as caught:
        remove(file, "alcie")
    assert "did you mean 'alice'?" in (caught.value.hint or "")
    with pytest.raises(UsageError, match="nobody called 'zoe' has a token"):
        remove(file, "zoe", dry_run=True)


def test_there_is_a_limit(file: Path) -> None:
    file.parent.mkdir(mode=0o700)
    many = [
        ClientToken(name=f"c{number}", sha256=hash_of(str(number)).hex(), created_at=0.0)
        for number in range(MOST)
    ]
    file.write_bytes(to_bytes(many))
    file.chmod(0o600)
    with pytest.raises(UsageError, match="no more may be"):
        add(file, "alice")


@pytest.mark.parametrize("spoilt", ["open", "broken"])
@pytest.mark.parametrize(
    "action", [add, would_add, remove, lambda file, name: remove(file, name, dry_run=True)]
)
def test_a_file_that_cannot_be_trusted_is_left_as_it_is(
    file: Path, action: Callable[[Path, str], object], spoilt: str
) -> None:
    add(file, "alice")
    if spoilt == "open":
        file.chmod(0o640)
    else:
        file.write_bytes(b'{"schema": "agentbox.client-tokens/1", "tokens": [{')
    before = (file.read_bytes(), file.stat().st_mode)
    with pytest.raises(ProxyError):
        action(file, "bob")
    assert (file.read_bytes(), file.stat().st_mode) == before


@pytest.mark.parametrize("action", [add, remove])
def test_a_directory_that_others_may_write_to_is_refused(
    file: Path, action: Callable[[Path, str], object]
) -> None:
    add(file, "alice")
    file.parent.chmod(0o770)
    with pytest.raises(ProxyError, match="others may write to it"):
        action(file, "alice")


def test_what_the_system_refuses_is_told_with_the_path(file: Path) -> None:
    file.parent.write_text("a file where the directory belongs")
    with pytest.raises(ProxyError, match=f"{file}: the client tokens cannot be written"):
        add(file, "alice")


def test_simultaneous_writers_lose_nothing(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from agentbox_cli.daemon.client_tokens import add;"
        "print(flush=True); sys.stdin.readline();"
        "[add(Path(sys.argv[1]), f'{sys.argv[2]}-{n}') for n in range(5)]"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(file), f"w{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    for writer in writers:
        writer.communicate("go\n", timeout=30)
        assert writer.returncode == 0
    assert sorted(names(file)) == sorted(f"w{w}-{n}" for w in range(4) for n in range(5))
