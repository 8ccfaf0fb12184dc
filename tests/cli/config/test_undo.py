from pathlib import Path

from tests.fakes.commandline import Agentbox


def test_the_last_change_is_taken_back_and_made_again(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_bytes()
    assert agentbox("config", "set", "litellm.port", "4001").exit_code == 0
    changed = seed.read_bytes()
    result = agentbox("config", "undo")
    assert (result.exit_code, result.out, result.err) == (0, f"wrote {seed}\n", "")
    assert seed.read_bytes() == before
    assert agentbox("config", "undo").exit_code == 0
    assert seed.read_bytes() == changed


def test_a_text_that_was_not_valid_returns_too(agentbox: Agentbox, seed: Path) -> None:
    broken = seed.read_text().replace("4000", "many")
    seed.write_text(broken)
    assert agentbox("config", "set", "litellm.port", "4001").exit_code == 0
    result = agentbox("config", "undo")
    assert (result.exit_code, result.out) == (0, f"wrote {seed}\n")
    assert seed.read_text() == broken


def test_a_dry_run_takes_nothing_back(agentbox: Agentbox, seed: Path) -> None:
    assert agentbox("config", "set", "litellm.port", "4001").exit_code == 0
    result = agentbox("config", "undo", "--dry-run")
    assert (result.exit_code, result.err) == (0, "")
    assert "+  port: 4000" in result.out
    assert agentbox("config", "get", "litellm.port").out == "4001\n"


def test_the_json_is_that_of_every_change(agentbox: Agentbox, seed: Path) -> None:
    assert agentbox("config", "set", "litellm.port", "4001").exit_code == 0
    document = agentbox("config", "undo", "--json").document
    assert (document["ok"], document["changed"]) == (True, True)
    assert "+  port: 4000" in document["diff"]


def test_without_a_backup_there_is_nothing_to_take_back(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_bytes()
    result = agentbox("config", "undo")
    assert result.exit_code == 3
    assert "there is no backup" in result.err
    assert seed.read_bytes() == before
