from pathlib import Path

from agentbox_cli.config.schema import schema_text
from tests.fakes.commandline import Agentbox


def test_the_schema_is_printed_without_any_config(agentbox: Agentbox, home: Path) -> None:
    result = agentbox("config", "schema")
    assert (result.exit_code, result.out, result.err) == (0, schema_text(), "")


def test_the_schema_is_written_where_the_comment_of_init_leads(
    agentbox: Agentbox, config_yml: Path
) -> None:
    assert agentbox("litellm", "init", "--demo").exit_code == 0
    assert config_yml.read_text().startswith(
        "# yaml-language-server: $schema=config.schema.json\nlitellm:\n"
    )
    file = config_yml.with_name("config.schema.json")
    assert file.read_text() == schema_text()
    file.unlink()
    assert agentbox("config", "schema", "--write").out == f"wrote {file}\n"
    assert file.read_text() == schema_text()


def test_a_comment_for_another_schema_stays_alone(agentbox: Agentbox, config_yml: Path) -> None:
    before = "# yaml-language-server: $schema=host.json\nversion: 1\n"
    config_yml.write_text(before)
    assert agentbox("litellm", "init", "--demo").exit_code == 0
    assert config_yml.read_text().startswith(before + "\nlitellm:\n")
    assert [file.name for file in config_yml.parent.iterdir()] == ["config.yml"]
