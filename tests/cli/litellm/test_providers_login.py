import io
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox
from tests.fakes.keyring import install, uninstall

KEY = "dummy-key-0123456789"
CONFIG = """\
litellm:
  providers:
    lab:
      api_base: https://llm.example.org/v1
      api_key: ${LAB_KEY}
    pair:
      api_base: https://llm.example.org/v1
      api_key: ${ONE}-${TWO}
    clear:
      api_base: https://llm.example.org/v1
      api_key: not-needed
    open:
      api_base: https://llm.example.org/v1
"""


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{KEY}\n"))


@pytest.mark.usefixtures("piped")
def test_a_piped_key_is_written_beside_the_config_and_never_shown(
    agentbox: Agentbox, config_yml: Path
) -> None:
    config_yml.write_text(CONFIG)
    result = agentbox("litellm", "providers", "login", "lab", "--stdin")
    file = config_yml.parent / ".env"
    assert result.exit_code == 0
    assert result.out == f"wrote LAB_KEY in {file}\n"
    assert file.read_text() == f"LAB_KEY={KEY}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert KEY not in result.out + result.err
    listed = agentbox("litellm", "providers", "--json").document["providers"]
    (lab,) = [row for row in listed if row["name"] == "lab"]
    assert (lab["key"], lab["key_source"]) == ("set", ".env")


@pytest.mark.usefixtures("piped")
def test_without_a_config_the_plugin_names_the_variable(agentbox: Agentbox, home: Path) -> None:
    result = agentbox("litellm", "providers", "login", "openai", "--stdin")
    assert result.exit_code == 0
    assert (home / "config/agentbox/.env").read_text() == f"OPENAI_API_KEY={KEY}\n"


@pytest.mark.usefixtures("piped")
def test_another_file_can_be_named(agentbox: Agentbox, tmp_path: Path) -> None:
    file = tmp_path / "project" / ".agentbox" / ".env"
    result = agentbox(
        "litellm", "providers", "login", "openai", "--stdin", "--env-file", ".agentbox/.env"
    )
    assert result.exit_code == 0
    assert file.read_text() == f"OPENAI_API_KEY={KEY}\n"


@pytest.mark.usefixtures("piped")
def test_a_variable_of_the_environment_counts_first_and_is_told(
    agentbox: Agentbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "dummy-of-the-environment")
    result = agentbox("litellm", "providers", "login", "openai", "--stdin")
    assert "warning: OPENAI_API_KEY is set in this environment" in result.err
    assert "dummy-of" not in result.err


def test_a_dry_run_asks_nothing_and_writes_nothing(agentbox: Agentbox, home: Path) -> None:
    result = agentbox("litellm", "providers", "login", "openai", "--dry-run")
    assert result.exit_code == 0
    assert result.out.splitlines()[-1] == "+OPENAI_API_KEY=******** (new)"
    assert not (home / "config/agentbox/.env").exists()


@pytest.mark.parametrize("text", ["", "\n", f"{KEY}\nmore\n", f"{KEY}\rmore"])
def test_what_is_no_key_is_refused(
    agentbox: Agentbox, home: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    result = agentbox("litellm", "providers", "login", "openai", "--stdin")
    assert result.exit_code == 2
    assert KEY not in result.out + result.err
    assert not (home / "config/agentbox/.env").exists()


def test_without_a_terminal_the_key_must_be_piped(
    agentbox: Agentbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(KEY))
    result = agentbox("litellm", "providers", "login", "openai")
    assert (result.exit_code, result.out) == (2, "")
    assert "--stdin" in result.err


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("opnai", 2, "did you mean 'openai'?"),
        ("xyzzy", 2, "known: lab, pair"),
        ("simulated", 2, "needs no key"),
        ("open", 2, "give it an `api_key: ${NAME}`"),
        ("pair", 3, "refers to several variables: ONE, TWO"),
        ("clear", 3, "refers to no variable"),
    ],
)
def test_a_provider_without_one_variable_is_refused(
    agentbox: Agentbox, config_yml: Path, name: str, code: int, told: str
) -> None:
    config_yml.write_text(CONFIG)
    for command in ("login", "logout"):
        result = agentbox("litellm", "providers", command, name)
        assert (result.exit_code, result.out) == (code, "")
        assert told in result.err


def test_a_key_is_removed_and_it_is_fine_if_there_is_none(agentbox: Agentbox, home: Path) -> None:
    file = home / "config/agentbox/.env"
    file.parent.mkdir(parents=True)
    file.write_text(f"# mine\nOPENAI_API_KEY={KEY}\nOTHER=1\n")
    dry = agentbox("litellm", "providers", "logout", "openai", "--dry-run")
    assert dry.out.splitlines()[-1] == "-OPENAI_API_KEY=********"
    done = agentbox("litellm", "providers", "logout", "openai")
    assert (done.exit_code, done.out) == (0, f"removed OPENAI_API_KEY from {file}\n")
    assert file.read_text() == "# mine\nOTHER=1\n"
    again = agentbox("litellm", "providers", "logout", "openai")
    assert (again.exit_code, again.out) == (0, f"OPENAI_API_KEY does not stand in {file}\n")


@pytest.mark.usefixtures("piped")
def test_a_key_goes_into_the_keyring_and_out_again(
    agentbox: Agentbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = install(monkeypatch)
    dry = agentbox("litellm", "providers", "login", "openai", "--keyring", "--dry-run")
    assert (dry.exit_code, fake.keys) == (0, {})
    done = agentbox("litellm", "providers", "login", "openai", "--keyring", "--stdin")
    assert (done.exit_code, done.out) == (0, "put OPENAI_API_KEY into the keyring\n")
    assert fake.keys == {("agentbox", "OPENAI_API_KEY"): KEY}
    assert not (home / "config/agentbox/.env").exists()
    for told in ("would remove", "removed", "does not stand"):
        option = ["--dry-run"] if told == "would remove" else []
        gone = agentbox("litellm", "providers", "logout", "openai", "--keyring", *option)
        assert (gone.exit_code, told in gone.out) == (0, True)
    assert fake.keys == {}


def test_a_keyring_that_is_not_installed_is_told_before_a_key_is_asked_for(
    agentbox: Agentbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninstall(monkeypatch)
    for command in ("login", "logout"):
        result = agentbox("litellm", "providers", command, "openai", "--keyring")
        assert result.exit_code == 3
        assert "agentbox-cli[keyring]" in result.err


def test_two_places_at_once_are_refused(agentbox: Agentbox) -> None:
    for command in ("login", "logout"):
        result = agentbox(
            "litellm", "providers", command, "openai", "--keyring", "--env-file", "x"
        )
        assert result.exit_code == 2


def test_a_key_that_is_typed_on_a_terminal_is_not_echoed(home: Path) -> None:
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "agentbox_cli", "litellm", "providers", "login", "openai"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=take_terminal,  # noqa: PLW1509 - no thread runs here
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    os.close(terminal)
    seen = read_until(controller, b"(not shown): ")
    os.write(controller, f"{KEY}\n".encode())
    seen += read_until(controller, b"restart\r\n")
    assert process.wait(20) == 0
    os.close(controller)
    assert KEY.encode() not in seen
    assert (home / "config/agentbox/.env").read_text() == f"OPENAI_API_KEY={KEY}\n"


def read_until(descriptor: int, wanted: bytes) -> bytes:
    seen, deadline = b"", time.monotonic() + 20
    while wanted not in seen and time.monotonic() < deadline:
        try:
            seen += os.read(descriptor, 1024)
        except OSError:
            break
    assert wanted in seen, seen
    return seen


def take_terminal() -> None:
    """Make stdin the controlling terminal of a new session, which opening it does (tty_ioctl)."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))
