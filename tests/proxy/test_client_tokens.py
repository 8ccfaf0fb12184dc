"""Who shows a token: as the file says now."""

import logging
import os
from pathlib import Path

import pytest

from agentbox_cli.config.client_tokens import ClientToken, read_tokens
from agentbox_cli.daemon.client_tokens import add, remove
from agentbox_cli.proxy import client_tokens
from agentbox_cli.proxy.client_tokens import TokenBook


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "client-tokens.json"


def test_what_a_command_writes_holds_for_the_next_request(file: Path) -> None:
    book = TokenBook(file)
    alice = add(file, "alice").token
    assert book.name_of(alice) == "alice"
    bob = add(file, "bob").token
    assert (book.name_of(bob), book.name_of(alice)) == ("bob", "alice")
    remove(file, "alice")
    assert (book.name_of(alice), book.name_of(bob)) == (None, "bob")
    file.unlink()
    assert (book.name_of(bob), book.trouble()) == (None, None)


@pytest.mark.parametrize(
    "shown", ["", "agentbox-client-", "agentbox-client-" + "x" * 43, "agentbox-client-\udcff"]
)
def test_what_is_nobodys_opens_nothing(file: Path, shown: str) -> None:
    token = add(file, "alice").token
    book = TokenBook(file)
    assert book.name_of(shown) is None
    assert book.name_of(token[:-1]) is None
    assert book.name_of(f"{token}x") is None


def test_the_hash_opens_nothing(file: Path) -> None:
    kept = add(file, "alice").kept
    book = TokenBook(file)
    assert book.name_of(kept.sha256) is None
    assert book.name_of(f"agentbox-client-{kept.sha256}") is None


def test_a_file_is_read_once_and_looked_at_only_for_tokens(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = add(file, "alice").token
    calls: list[str] = []
    look = os.lstat

    def reading(path: Path) -> tuple[ClientToken, ...]:
        calls.append("read")
        return read_tokens(path)

    def looking(path: Path) -> os.stat_result:
        calls.append("look")
        return look(path)

    monkeypatch.setattr(client_tokens, "read_tokens", reading)
    monkeypatch.setattr(os, "lstat", looking)
    book = TokenBook(file)
    for _ in range(5):
        assert book.name_of(token) == "alice"
    assert book.name_of("not-needed") is None
    assert calls == ["look", "read", *["look"] * 4]


def test_a_file_that_cannot_be_used_opens_nothing_until_it_is_mended(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = add(file, "alice").token
    book = TokenBook(file)
    assert book.name_of(token) == "alice"
    file.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        assert [book.name_of(token) for _ in range(3)] == [None] * 3
    assert "others may get at the client tokens" in (book.trouble() or "")
    assert len(caplog.records) == 1
    assert token not in caplog.text
    file.chmod(0o600)
    assert (book.name_of(token), book.trouble()) == ("alice", None)
    good = file.read_bytes()
    file.write_bytes(good[:-20])
    assert book.name_of(token) is None
    assert "these are no client tokens" in (book.trouble() or "")
    file.write_bytes(good)
    assert book.name_of(token) == "alice"


def test_trouble_that_leaves_no_trace_on_the_file_passes(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = add(file, "alice").token
    book = TokenBook(file)
    with monkeypatch.context() as patched:
        patched.setattr("agentbox_cli.config.client_tokens.read_own", _without_descriptors)
        assert book.name_of(token) is None
        assert "Too many open files" in (book.trouble() or "")
    assert book.name_of(token) == "alice"


def _without_descriptors(*_: object, **__: object) -> bytes:
    raise OSError(24, "Too many open files")
