import io
import sys
from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox
from tests.fakes.keyring import install, uninstall
from tests.fakes.on_terminal import OnTerminal

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
    names = home / "state/agentbox/keyring-names"
    assert names.read_text() == "OPENAI_API_KEY\n"
    assert not (home / "config/agentbox/.env").exists()
    for told in ("would remove", "removed", "does not stand"):
        option = ["--dry-run"] if told == "would remove" else []
        gone = agentbox("litellm", "providers", "logout", "openai", "--keyring", *option)
        assert (gone.exit_code, told in gone.out) == (0, True)
        assert names.read_text() == ("OPENAI_API_KEY\n" if option else "")
    assert fake.keys == {}


@pytest.mark.usefixtures("piped")
def test_a_keyring_that_is_gone_for_good_can_be_forgotten(
    agentbox: Agentbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch)
    agentbox("litellm", "providers", "login", "openai", "--keyring", "--stdin")
    uninstall(monkeypatch)
    gone = agentbox("litellm", "providers", "logout", "openai", "--keyring")
    assert (gone.exit_code, "not installed" in gone.err) == (3, True)
    assert (home / "state/agentbox/keyring-names").read_text() == ""


def test_names_that_cannot_be_read_are_a_warning(
    agentbox: Agentbox, home: Path, config_yml: Path
) -> None:
    config_yml.write_text(CONFIG)
    (home / "state/agentbox/keyring-names").mkdir(parents=True)
    checked = agentbox("config", "check", "--json")
    told = [each for each in checked.document["problems"] if each["rule"] == "key-source"]
    assert [each["severity"] for each in told] == ["warning"]
    assert "keyring-names cannot be read" in told[0]["message"]


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
    terminal = OnTerminal("litellm", "providers", "login", "openai")
    terminal.until(b"(not shown): ")
    terminal.type(f"{KEY}\n".encode())
    code, told = terminal.end()
    assert code == 0
    assert KEY not in told
    file = home / "config/agentbox/.env"
    assert file.read_text() == f"OPENAI_API_KEY={KEY}\n"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_prompt_that_is_interrupted_writes_nothing(home: Path) -> None:
    terminal = OnTerminal("litellm", "providers", "login", "openai")
    terminal.until(b"(not shown): ")
    terminal.type(b"half-a-key\x03")
    code, told = terminal.end()
    assert code == 130
    assert "half-a-key" not in told
    assert not (home / "config/agentbox/.env").exists()


@pytest.mark.usefixtures("piped")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"LAB_KEY=%s\n"),
        (b"# mine\r\nexport A='b c' # d\r\n", b"# mine\r\nexport A='b c' # d\r\nLAB_KEY=%s\r\n"),
        (b"\xef\xbb\xbfA=1", b"\xef\xbb\xbfA=1\nLAB_KEY=%s\n"),
        (b"A=1\n  LAB_KEY = 'old' # why\nB=${X}\n", b"A=1\n  LAB_KEY=%s # why\nB=${X}\n"),
        (
            b"\n\n#LAB_KEY=old\nexport LAB_KEY=\nodd line\n",
            b"\n\n#LAB_KEY=old\nexport LAB_KEY=%s\nodd line\n",
        ),
        (b'LAB_KEY="two\nlines"\nA="x\ny"\n', b'LAB_KEY=%s\nA="x\ny"\n'),
    ],
)
def test_every_other_byte_of_the_file_stays(
    agentbox: Agentbox, config_yml: Path, before: bytes, after: bytes
) -> None:
    config_yml.write_text(CONFIG)
    file = config_yml.parent / ".env"
    file.write_bytes(before)
    file.chmod(0o644)
    assert agentbox("litellm", "providers", "login", "lab", "--stdin").exit_code == 0
    assert file.read_bytes() == after % KEY.encode()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("piped")
def test_json_tells_what_became_of_a_key_and_never_the_key(
    agentbox: Agentbox, config_yml: Path
) -> None:
    config_yml.write_text(CONFIG)
    file = config_yml.parent / ".env"
    told = {"schema": "agentbox.key-change/1", "variable": "LAB_KEY", "file": str(file)}
    at_file = {**told, "keyring": False}
    came = {**at_file, "existed": False, "changed": True}
    tried = agentbox("litellm", "providers", "login", "lab", "--json", "--dry-run")
    assert tried.document == came
    assert not file.exists()
    written = agentbox("litellm", "providers", "login", "lab", "--stdin", "--json")
    assert written.document == came
    assert KEY not in written.out + written.err
    gone = agentbox("litellm", "providers", "logout", "lab", "--json")
    assert gone.document == {**at_file, "existed": True, "changed": True}
    again = agentbox("litellm", "providers", "logout", "lab", "--json")
    assert again.document == {**at_file, "existed": False, "changed": False}
