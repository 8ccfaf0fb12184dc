"""The file of client tokens: what it holds, and what is refused."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentbox_cli.config.client_tokens import (
    LONGEST_NAME,
    PREFIX,
    ClientToken,
    hash_of,
    is_name,
    read_tokens,
    to_bytes,
)
from agentbox_cli.errors import ProxyError

ALICE = ClientToken(name="alice", sha256=hash_of("one").hex(), created_at=1.5)
BOB = ClientToken(name="bob", sha256=hash_of("two").hex(), created_at=2.5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "client-tokens.json"


def write(file: Path, data: bytes, mode: int = 0o600) -> None:
    file.write_bytes(data)
    file.chmod(mode)


def test_what_is_written_is_read_again(file: Path) -> None:
    assert read_tokens(file) == ()
    write(file, to_bytes((ALICE, BOB)))
    assert read_tokens(file) == (ALICE, BOB)


@pytest.mark.parametrize("name", ["alice", "a.b_c-d+e@host:1", "0", "x" * LONGEST_NAME])
def test_names_are_those_that_headers_and_configs_take(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name", ["", " a", "-a", "a b", "a/b", "é", "a\n", "x" * 61, f"{PREFIX}x"]
)
def test_other_names_are_none(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_file_that_others_get_at_is_refused(file: Path, mode: int) -> None:
    write(file, to_bytes((ALICE,)), mode)
    with pytest.raises(ProxyError, match=rf"others may get at .* \(mode {mode:04o}\)") as caught:
        read_tokens(file)
    assert caught.value.hint is not None
    assert f"chmod 600 {file}" in caught.value.hint


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (b"", "truncated"),
        (b'{"schema": "agentbox.client-tokens/1", "tok', "truncated"),
        (b"[]", "Expected `object`"),
        (
            to_bytes((ALICE,)).replace(b"tokens/1", b"tokens/2"),
            "is not 'agentbox.client-tokens/1'",
        ),
        (to_bytes((ALICE,)).replace(b"alice", b"a lice"), "'a lice' is no name"),
        (to_bytes((ALICE,)).replace(b'"sha256": "', b'"sha256": "z'), "non-hexadecimal"),
        (to_bytes((ALICE,)).replace(b'"sha256": "', b'"sha256": "ab'), "has another length"),
        (to_bytes((ALICE, BOB)).replace(b"bob", b"alice"), "a name is there twice"),
        (to_bytes((ALICE,)).replace(b'"name"', b'"admin": true, "name"'), "unknown field `admin`"),
        (b"[" * 100_000, "client tokens"),
    ],
)
def test_a_broken_file_is_told_with_what_is_wrong(file: Path, found: bytes, why: str) -> None:
    write(file, found)
    with pytest.raises(ProxyError, match=why) as caught:
        read_tokens(file)
    assert str(file) in caught.value.message
    assert file.read_bytes() == found


def test_what_is_no_plain_file_of_ours_is_refused(tmp_path: Path, file: Path) -> None:
    write(tmp_path / "other", to_bytes((ALICE,)))
    file.symlink_to(tmp_path / "other")
    with pytest.raises(ProxyError, match="cannot be read"):
        read_tokens(file)
    file.unlink()
    os.mkfifo(file, 0o600)
    with pytest.raises(ProxyError, match="this is not a plain file of ours"):
        read_tokens(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(content=st.binary(max_size=80))
def test_whatever_the_file_holds_it_is_tokens_or_refused(file: Path, content: bytes) -> None:
    write(file, content)
    with pytest.raises(ProxyError):
        read_tokens(file)
