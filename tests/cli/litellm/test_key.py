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
