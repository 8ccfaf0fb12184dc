import fcntl
import threading
from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox

OTHERS = "# mine\nweb_server:\n  token: sk-abcdefghijklmnop0123456789\n"


def test_a_new_section_can_be_taken_back(agentbox: Agentbox, config_yml: Path) -> None:
    config_yml.write_text(OTHERS)
    result = agentbox("litellm", "init", "--demo")
    assert (result.exit_code, result.out) == (0, f"wrote {config_yml}\n")
    assert config_yml.read_text().startswith(OTHERS)
    assert agentbox("config", "undo").exit_code == 0
    assert config_yml.read_text() == OTHERS


@pytest.mark.parametrize("option", ["--dry-run", "--json"])
def test_what_is_shown_of_it_holds_no_key_of_others(
    agentbox: Agentbox, config_yml: Path, option: str
) -> None:
    config_yml.write_text(OTHERS)
    result = agentbox("litellm", "init", "--demo", option)
    assert result.exit_code == 0
    assert "simulated" in result.out
    assert "sk-abcdefghijklmnop0123456789" not in result.out + result.err


def test_json_tells_the_change_and_its_backup(agentbox: Agentbox, config_yml: Path) -> None:
    told = agentbox("litellm", "init", "--demo", "--json").document
    assert (told["schema"], told["ok"], told["changed"]) == (
        "agentbox.config-change/1",
        True,
        True,
    )
    assert told["file"] == str(config_yml)
    assert Path(told["backup"]).read_text() == ""


def test_a_section_that_is_there_is_kept(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_bytes()
    result = agentbox("litellm", "init", "--demo")
    assert result.exit_code == 3
    assert "has a litellm section already" in result.err
    assert seed.read_bytes() == before


def test_another_writer_is_waited_for(agentbox: Agentbox, home: Path, config_yml: Path) -> None:
    lock = home / "state/agentbox/config.lock"
    lock.parent.mkdir(parents=True, mode=0o700)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threading.Thread(target=agentbox, args=("litellm", "init", "--demo"))
        waiting.start()
        waiting.join(timeout=0.5)
        assert waiting.is_alive()
        assert not config_yml.exists()
    waiting.join()
    assert config_yml.exists()
