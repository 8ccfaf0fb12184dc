from pathlib import Path

from tests.fakes.commandline import Agentbox


def test_the_key_is_made_once_and_stays(agentbox: Agentbox, home: Path) -> None:
    first = agentbox("litellm", "key")
    assert first.exit_code == 0
    assert len(first.out.strip()) >= 20
    assert agentbox("litellm", "key").out == first.out
    file = home / "state" / "agentbox" / "key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert agentbox("litellm", "key", "--json").document == {
        "schema": "agentbox.key/1",
        "key": first.out.strip(),
        "file": str(file),
    }


def test_a_new_key_can_be_tried_without_losing_the_old_one(agentbox: Agentbox, home: Path) -> None:
    file = home / "state" / "agentbox" / "key"
    tried = agentbox("litellm", "key", "--rotate", "--dry-run")
    assert (tried.exit_code, tried.out) == (0, f"would make a key in {file}\n")
    assert not file.exists()
    old = agentbox("litellm", "key").out
    tried = agentbox("litellm", "key", "--rotate", "--dry-run")
    assert tried.out == f"would replace the key in {file}\n"
    shown = agentbox("litellm", "key", "--rotate", "--dry-run", "--json").document
    assert shown == {"schema": "agentbox.key/1", "key": None, "file": str(file)}
    assert agentbox("litellm", "key").out == old
    assert agentbox("litellm", "key", "--dry-run").exit_code == 2


def test_options_in_front_of_a_command_below_are_not_passed_over(agentbox: Agentbox) -> None:
    key = agentbox("litellm", "key").out
    for option in ("--rotate", "--dry-run", "--json"):
        refused = agentbox("litellm", "key", option, "add", "alice")
        assert refused.exit_code == 2
        assert "the options of `key add` stand behind it" in refused.err
    assert agentbox("litellm", "key").out == key
    assert agentbox("litellm", "key", "list", "--json").document["tokens"] == []


def test_a_token_is_shown_once_and_its_holder_listed(agentbox: Agentbox, home: Path) -> None:
    assert agentbox("litellm", "key", "list").out.startswith("nobody has a token")
    made = agentbox("litellm", "key", "add", "alice")
    assert made.exit_code == 0
    token = made.out.removesuffix("\n")
    assert token.startswith("agentbox-client-")
    assert "alice shows it as a Bearer token or x-api-key; it is not shown again" in made.err
    listed = agentbox("litellm", "key", "list")
    assert listed.out.splitlines()[1].startswith("alice  ")
    assert token not in listed.out
    for file in home.rglob("*"):
        assert not file.is_file() or token not in file.read_text()


def test_writers_tell_what_they_would_do(agentbox: Agentbox, home: Path) -> None:
    file = home / "state/agentbox/client-tokens.json"
    tried = agentbox("litellm", "key", "add", "alice", "--dry-run")
    assert tried.out == f"would make a token for alice, and keep its hash in {file}\n"
    assert agentbox("litellm", "key", "add", "alice", "--dry-run", "--json").document == {
        "schema": "agentbox.key-add/1",
        "name": "alice",
        "token": None,
        "created_at": None,
        "file": str(file),
    }
    assert not file.exists()
    agentbox("litellm", "key", "add", "alice")
    tried = agentbox("litellm", "key", "remove", "alice", "--dry-run")
    assert tried.out == "would remove the token of alice\n"
    assert "alice" in agentbox("litellm", "key", "list").out


def test_programs_read_tokens_as_json(agentbox: Agentbox, home: Path) -> None:
    made = agentbox("litellm", "key", "add", "alice", "--json").document
    file = str(home / "state/agentbox/client-tokens.json")
    assert made.keys() == {"schema", "name", "token", "created_at", "file"}
    assert made["token"].startswith("agentbox-client-")
    row = {"name": "alice", "created_at": made["created_at"]}
    assert agentbox("litellm", "key", "list", "--json").document == {
        "schema": "agentbox.key-list/1",
        "file": file,
        "tokens": [row],
    }
    assert agentbox("litellm", "key", "remove", "alice", "--json").document == {
        "schema": "agentbox.key-remove/1",
        **row,
        "removed": True,
    }


def test_what_cannot_be_is_told_by_its_exit_code(agentbox: Agentbox, home: Path) -> None:
    assert agentbox("litellm", "key", "add", "two words").exit_code == 2
    assert agentbox("litellm", "key", "remove", "alice").exit_code == 2
    agentbox("litellm", "key", "add", "alice")
    assert agentbox("litellm", "key", "add", "alice").exit_code == 2
    (home / "state/agentbox/client-tokens.json").chmod(0o644)
    for words in (["add", "bob"], ["list"], ["remove", "alice"]):
        refused = agentbox("litellm", "key", *words)
        assert (refused.exit_code, refused.out) == (5, "")
        assert "others may get at the client tokens" in refused.err


def test_a_token_that_is_typed_as_a_name_is_not_shown(agentbox: Agentbox) -> None:
    token = agentbox("litellm", "key", "add", "alice").out.strip()
    for command in ("add", "remove"):
        refused = agentbox("litellm", "key", command, token)
        assert refused.exit_code == 2
        assert token[:40] not in refused.err
    assert agentbox("litellm", "key", "add", token).exit_code == 2


def test_names_can_be_completed_at_once(agentbox: Agentbox, home: Path) -> None:
    words = home / "cache/agentbox/complete/client"
    agentbox("litellm", "key", "add", "alice")
    agentbox("litellm", "key", "add", "bob", "--dry-run")
    assert [line.partition("\t")[0] for line in words.read_text().splitlines()[1:]] == ["alice"]
    agentbox("litellm", "key", "remove", "alice")
    assert words.read_text() == f"# {home}/config/agentbox/config.yml\n"
