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


def test_a_dry_run_shows_the_diff_and_writes_nothing(agentbox: Agentbox, seed: Path) -> None:
    file = seed.with_name("config.schema.json")
    result = agentbox("config", "schema", "--write", "--dry-run")
    assert (result.exit_code, file.exists()) == (0, False)
    assert result.out.startswith(f"--- {file}\n+++ {file}\n@@ -0,0 +1,")
    file.write_text(schema_text())
    assert agentbox("config", "schema", "--write", "--dry-run").out == ""


def test_the_json_tells_what_was_written(agentbox: Agentbox, seed: Path) -> None:
    file = seed.with_name("config.schema.json")
    document = agentbox("config", "schema", "--write", "--json").document
    assert (document["file"], document["changed"]) == (str(file), True)
    assert file.read_text() == schema_text()
    assert agentbox("config", "schema", "--write", "--json").document["changed"] is False


def test_without_write_the_json_is_the_schema(agentbox: Agentbox, home: Path) -> None:
    assert agentbox("config", "schema", "--json").out == schema_text()
    assert agentbox("config", "schema", "--dry-run").exit_code == 2
