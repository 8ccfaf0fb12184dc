from collections.abc import Collection
from pathlib import Path

import pytest
from pydantic import SecretStr

from agentbox_cli.config.keyrings import (
    KeyringError,
    drop_key,
    find_key,
    put_key,
    require_keyring,
)
from agentbox_cli.config.secrets import SecretSources
from tests.fakes.keyring import FakeKeyring, NoKeyringError, install, uninstall

KEY = SecretStr("dummy-key-0123456789")


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> FakeKeyring:
    return install(monkeypatch)


def sources(
    directory: Path, environ: dict[str, str], recorded: Collection[str] = ("LAB_KEY", "OTHER")
) -> SecretSources:
    return SecretSources(
        environ, None, directory, api_key_names={"LAB_KEY"}, keyring_names=recorded
    )


def test_a_key_is_stored_found_and_removed(keyring: FakeKeyring) -> None:
    assert find_key("LAB_KEY") is None
    put_key("LAB_KEY", KEY)
    assert keyring.keys == {("agentbox", "LAB_KEY"): "dummy-key-0123456789"}
    assert find_key("LAB_KEY") == KEY
    assert drop_key("LAB_KEY")
    assert not drop_key("LAB_KEY")
    assert find_key("LAB_KEY") is None


def test_the_keyring_is_the_last_place_that_is_looked_at(
    keyring: FakeKeyring, tmp_path: Path
) -> None:
    put_key("LAB_KEY", KEY)
    found = sources(tmp_path, {}).lookup("LAB_KEY")
    assert found is not None
    assert (found.value, found.source) == (KEY, "keyring")
    keyring.asked.clear()
    from_environment = sources(tmp_path, {"LAB_KEY": "dummy-2"}).lookup("LAB_KEY")
    assert from_environment is not None
    assert from_environment.source == "environment"
    (tmp_path / ".env").touch(mode=0o600)
    (tmp_path / ".env").write_text("LAB_KEY=dummy-3\n")
    from_file = sources(tmp_path, {}).lookup("LAB_KEY")
    assert from_file is not None
    assert from_file.source == ".env"
    assert keyring.asked == []


def test_a_keyring_that_fails_is_a_warning_and_asked_once(
    keyring: FakeKeyring, tmp_path: Path
) -> None:
    keyring.failure = RuntimeError("locked: dummy-key-0123456789")
    looked = sources(tmp_path, {})
    assert looked.lookup("LAB_KEY") is None
    assert looked.lookup("OTHER") is None
    assert keyring.asked == ["LAB_KEY"]
    told = "LAB_KEY was put into the keyring: the keyring cannot be read: RuntimeError"
    assert looked.warnings == (told,)


def test_a_machine_without_a_keyring_is_silent_until_one_is_needed(
    keyring: FakeKeyring, tmp_path: Path
) -> None:
    keyring.failure = NoKeyringError("install one")
    unasked = sources(tmp_path, {}, recorded=())
    assert unasked.lookup("LAB_KEY") is None
    assert unasked.warnings == ()
    assert keyring.asked == []
    needed = sources(tmp_path, {})
    assert needed.lookup("LAB_KEY") is None
    assert "there is none on this machine" in needed.warnings[0]
    with pytest.raises(KeyringError, match="there is none on this machine"):
        put_key("LAB_KEY", KEY)
    with pytest.raises(KeyringError, match="there is none on this machine"):
        drop_key("LAB_KEY")


def test_only_recorded_names_are_asked_for(keyring: FakeKeyring, tmp_path: Path) -> None:
    put_key("LAB_KEY", KEY)
    put_key("OTHER", KEY)
    keyring.asked.clear()
    looked = sources(tmp_path, {}, recorded={"OTHER"})
    assert looked.lookup("LAB_KEY") is None
    assert looked.lookup("OTHER") is not None
    assert keyring.asked == ["OTHER"]


def test_without_the_package_nothing_is_found_and_a_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    uninstall(monkeypatch)
    looked = sources(tmp_path, {})
    assert looked.lookup("LAB_KEY") is None
    assert "the package `keyring` is not installed" in looked.warnings[0]
    with pytest.raises(KeyringError, match="not installed") as raised:
        require_keyring()
    assert raised.value.hint == "pip install 'agentbox-cli[keyring]'"
