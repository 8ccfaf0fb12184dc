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
