from pathlib import Path

from tests.fakes.commandline import Agentbox


def test_what_changed_since_the_last_backup_is_shown(agentbox: Agentbox, seed: Path) -> None:
    assert agentbox("config", "set", "litellm.port", "4001").exit_code == 0
    result = agentbox("config", "diff")
    assert (result.exit_code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert [line for line in lines if line.startswith(("-  ", "+  "))] == [
        "-  port: 4000                    # LiteLLM proxy port",
        "+  port: 4001                    # LiteLLM proxy port",
    ]


def test_the_json(agentbox: Agentbox, seed: Path) -> None:
    assert agentbox("config", "set", "litellm.port", "4001").exit_code == 0
    text = agentbox("config", "diff").out
    assert agentbox("config", "diff", "--json").document == {
        "schema": "agentbox.config-diff/1",
        "file": str(seed),
        "changed": True,
        "diff": text,
    }


def test_keys_are_masked(agentbox: Agentbox, seed: Path) -> None:
    sound = seed.read_text()
    seed.write_text(sound.replace("${OPENAI_API_KEY}", "abcdefghijkl"))
    assert agentbox("config", "set", "litellm.port", "4001").exit_code == 0
    seed.write_text(sound.replace("${OPENAI_API_KEY}", "mnopqrstuvwx"))
    result = agentbox("config", "diff")
    assert result.exit_code == 0
    assert "abcdef" not in result.out
    assert "mnopqr" not in result.out


def test_a_file_as_in_its_backup_has_no_diff(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_bytes()
    assert agentbox("config", "set", "litellm.port", "4001").exit_code == 0
    seed.write_bytes(before)
    result = agentbox("config", "diff")
    assert (result.exit_code, result.out) == (0, "")
    assert "as in its last backup" in result.err


def test_without_a_backup_there_is_nothing_to_compare_with(agentbox: Agentbox, seed: Path) -> None:
    result = agentbox("config", "diff")
    assert (result.exit_code, result.out) == (3, "")
    assert "there is no backup" in result.err
