from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox

SECTION = "litellm:\n  models:\n    {alias}: [{{provider: simulated, model: echo}}]\n"


def write(file: Path, alias: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SECTION.format(alias=alias))
    return file


def test_the_option_comes_before_the_variable_before_the_home(
    agentbox: Agentbox, config_yml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(config_yml, "home")
    assert agentbox("config", "path").out == f"{config_yml}\n"
    named = write(tmp_path / "named.yml", "named")
    monkeypatch.setenv("AGENTBOX_CONFIG", str(named))
    assert agentbox("config", "path").out == f"{named}\n"
    given = write(tmp_path / "given.yml", "given")
    assert agentbox("--config", str(given), "config", "path").out == f"{given}\n"
    assert (
        agentbox(f"--config={given}", "litellm", "models").out.splitlines()[1].startswith("given")
    )


def test_a_relative_path_is_told_in_full(agentbox: Agentbox) -> None:
    write(Path("config.yml"), "here")
    assert agentbox("--config", "config.yml", "config", "path").out == f"{Path.cwd()}/config.yml\n"


@pytest.mark.parametrize(
    "command", [("config", "path"), ("config", "check"), ("litellm", "models")]
)
def test_a_config_that_is_not_there_is_an_error_that_says_where_it_was_looked_for(
    agentbox: Agentbox, config_yml: Path, command: tuple[str, str]
) -> None:
    result = agentbox(*command)
    assert result.exit_code == 3
    assert result.err == (
        "error: there is no config file; looked for /host-config/agentbox/config.yml, "
        f"{config_yml}\nhint: run: agentbox litellm init\n"
    )


def test_a_named_config_that_is_not_there_is_not_looked_for_elsewhere(
    agentbox: Agentbox, config_yml: Path
) -> None:
    write(config_yml, "home")
    result = agentbox("--config", "/nowhere/config.yml", "config", "path")
    assert result.exit_code == 3
    told, hint = result.err.splitlines()
    assert told.endswith("looked for /nowhere/config.yml")
    assert hint == "hint: run: agentbox --config /nowhere/config.yml litellm init"
    assert str(config_yml) not in result.err


def test_an_option_without_its_file_is_a_usage_error(agentbox: Agentbox) -> None:
    assert agentbox("--config").exit_code == 2
