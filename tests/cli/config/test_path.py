from pathlib import Path

from tests.fakes.commandline import Agentbox


def test_the_path_is_printed_whatever_the_file_says(agentbox: Agentbox, config_yml: Path) -> None:
    config_yml.write_text("broken: [")
    result = agentbox("config", "path")
    assert (result.exit_code, result.out) == (0, f"{config_yml}\n")


def test_the_json(agentbox: Agentbox, seed: Path) -> None:
    document = agentbox("config", "path", "--json").document
    assert document == {"schema": "agentbox.config-path/1", "file": str(seed)}
