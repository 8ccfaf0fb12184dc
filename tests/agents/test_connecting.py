"""Every agent's own config: written, written again, edited by hand, taken back."""

import errno
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agentbox_cli.agents import record
from agentbox_cli.agents.connecting import (
    MODELS,
    SERVER,
    TOOLS,
    Outcome,
    connect,
    disconnect,
)
from agentbox_cli.agents.places import expand
from agentbox_cli.config import atomic
from agentbox_cli.errors import ConfigError
from agentbox_cli.paths import Paths, standard_paths
from agentbox_cli.providers.agent import AgentSpec, Settings, SettingsFormat, ToolProgram
from tests.agents.shipped import AGENTS, connection

EVERYTHING = (MODELS, TOOLS, SERVER)
# What a user may have in a file of each format; the second is in the way of nothing of ours.
THEIRS = {
    SettingsFormat.JSON: '// mine\n{\n  "theme": "dark", // good\n  "env": {"MINE": "1"},\n}\n',
    SettingsFormat.TOML: '# mine\nmodel = "o3"  # best\n\n[mcp_servers.mine]\ncommand = "x"\n',
    SettingsFormat.YAML: "# mine\nmodel: gpt-4o\nGOOSE_MODEL: gpt-4o # best\n",
    SettingsFormat.ENV: "# mine\nexport MINE='1' # good\n",
    SettingsFormat.YAML_LIST: "# mine\n- model_id: mine\n  model_name: x # best\n",
}
SETTABLE = [name for name, agent in AGENTS.items() if agent.settings]
ALL = list(AGENTS)


@pytest.fixture
def paths(home: Path) -> Paths:
    return standard_paths()


def wanted(
    agent: AgentSpec, url: str = "http://127.0.0.1:4000"
) -> dict[str, tuple[Settings, ...]]:
    found: dict[str, tuple[Settings, ...]] = {}
    if agent.settings:
        found[MODELS] = agent.settings(connection(url))
    if agent.tools:
        found[TOOLS] = agent.tools(f"{url}/mcp")
    if agent.server:
        found[SERVER] = agent.server(ToolProgram(command="/bin/agentbox", args=("serve", "x y")))
    return found


def files_of(agent: AgentSpec) -> dict[Path, SettingsFormat]:
    return {
        expand(each.path, os.environ): each.format
        for part in wanted(agent).values()
        for each in part
    }


def write_theirs(agent: AgentSpec) -> dict[Path, bytes]:
    for file, kind in files_of(agent).items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(THEIRS[kind])
    return texts(agent)


def texts(agent: AgentSpec) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in files_of(agent) if file.exists()}


def write(paths: Paths, agent: AgentSpec, **more: bool) -> Outcome:
    return connect(paths, agent, wanted(agent), os.environ, **more)


@pytest.mark.parametrize("name", ALL)
def test_what_was_there_stays_and_comes_back_to_the_byte(paths: Paths, name: str) -> None:
    agent = AGENTS[name]
    before = write_theirs(agent)
    assert write(paths, agent).changed
    for text in texts(agent).values():
        assert b"127.0.0.1:4000" in text
        assert b"mine" in text
    outcome = disconnect(paths, agent, EVERYTHING)
    assert outcome.was_connected
    assert texts(agent) == before
    assert not record.record_file(paths, name).exists()


@pytest.mark.parametrize("name", ALL)
def test_a_file_that_was_not_there_is_gone_again(paths: Paths, name: str) -> None:
    agent = AGENTS[name]
    write(paths, agent)
    assert {file.stat().st_mode & 0o777 for file in texts(agent)} == {0o600}
    disconnect(paths, agent, EVERYTHING)
    assert texts(agent) == {}


@pytest.mark.parametrize("name", ALL)
def test_a_second_time_changes_nothing(paths: Paths, name: str) -> None:
    agent = AGENTS[name]
    before = write_theirs(agent)
    write(paths, agent)
    once = texts(agent)
    assert not write(paths, agent).changed
    assert texts(agent) == once
    disconnect(paths, agent, EVERYTHING)
    assert texts(agent) == before


@pytest.mark.parametrize("name", ALL)
def test_another_port_is_followed_and_the_first_text_comes_back(paths: Paths, name: str) -> None:
    agent = AGENTS[name]
    before = write_theirs(agent)
    write(paths, agent)
    connect(paths, agent, wanted(agent, "http://127.0.0.1:4001"), os.environ)
    for text in texts(agent).values():
        assert b":4001" in text
        assert b":4000" not in text
    disconnect(paths, agent, EVERYTHING)
    assert texts(agent) == before


@pytest.mark.parametrize("name", ALL)
def test_only_ours_is_taken_out_of_a_file_that_was_edited(paths: Paths, name: str) -> None:
    agent = AGENTS[name]
    before = write_theirs(agent)
    write(paths, agent)
    for file in files_of(agent):
        file.write_bytes(file.read_bytes().replace(b"mine", b"edited"))
    disconnect(paths, agent, EVERYTHING)
    for file, text in before.items():
        assert file.read_bytes() == text.replace(b"mine", b"edited")


@pytest.mark.parametrize("name", ALL)
def test_only_ours_is_taken_out_of_a_file_that_was_made_by_us_and_edited(
    paths: Paths, name: str
) -> None:
    agent = AGENTS[name]
    write(paths, agent)
    more = {
        SettingsFormat.JSON: lambda text: text.replace("{\n", '{\n  "added": 1,\n', 1),
        SettingsFormat.TOML: lambda text: "added = 1\n" + text,
        SettingsFormat.YAML: lambda text: text + "added: 1\n",
        SettingsFormat.YAML_LIST: lambda text: text + "  - model_id: added\n",
        SettingsFormat.ENV: lambda text: text + "added=1\n",
    }
    for file, kind in files_of(agent).items():
        file.write_text(more[kind](file.read_text()))
    disconnect(paths, agent, EVERYTHING)
    for text in texts(agent).values():
        assert b"added" in text
        assert b"127.0.0.1" not in text
        assert b"agentbox" not in text


def test_a_value_of_ours_that_was_changed_stays_and_is_named(paths: Paths) -> None:
    agent = AGENTS["claude"]
    write(paths, agent)
    file = expand("~/.claude/settings.json", os.environ)
    file.write_text(file.read_text().replace('MODEL": "fast"', 'MODEL": "theirs"'))
    outcome = disconnect(paths, agent, EVERYTHING)
    assert [change.kept for change in outcome.changes] == [
        ("env.ANTHROPIC_DEFAULT_HAIKU_MODEL",),
        (),
    ]
    assert json.loads(file.read_text()) == {"env": {"ANTHROPIC_DEFAULT_HAIKU_MODEL": "theirs"}}


def test_an_old_value_comes_back_into_a_file_that_was_edited(paths: Paths) -> None:
    agent = AGENTS["codex"]
    write_theirs(agent)
    write(paths, agent)
    file = expand("~/.codex/config.toml", os.environ)
    file.write_text(file.read_text() + "\n[added]\n")
    disconnect(paths, agent, EVERYTHING)
    assert file.read_text() == THEIRS[SettingsFormat.TOML] + "\n[added]\n"


def test_one_part_is_taken_out_and_the_other_stays(paths: Paths) -> None:
    agent = AGENTS["codex"]
    before = write_theirs(agent)
    write(paths, agent)
    disconnect(paths, agent, (TOOLS,))
    (text,) = texts(agent).values()
    assert b"[model_providers.agentbox]" in text
    assert b"mcp_servers.agentbox]" not in text
    assert b"mcp_servers.agentbox-models]" in text
    disconnect(paths, agent, (MODELS, SERVER))
    assert texts(agent) == before


@pytest.mark.parametrize("name", ALL)
def test_a_dry_run_tells_the_change_and_writes_nothing(paths: Paths, name: str) -> None:
    agent = AGENTS[name]
    before = write_theirs(agent)
    planned = write(paths, agent, dry_run=True)
    assert planned.changed
    assert all("+" in change.diff for change in planned.changes)
    assert texts(agent) == before
    assert not record.record_file(paths, name).exists()
    write(paths, agent)
    connected = texts(agent)
    assert disconnect(paths, agent, EVERYTHING, dry_run=True).changed
    assert texts(agent) == connected


@pytest.mark.parametrize("name", ALL)
def test_a_broken_file_is_told_with_its_place_and_never_written(paths: Paths, name: str) -> None:
    agent = AGENTS[name]
    for file in files_of(agent):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text('{\n  "a": [1\n')
    before = texts(agent)
    with pytest.raises(ConfigError, match=r":\d+:\d+: ") as raised:
        write(paths, agent)
    assert "nothing was written" in (raised.value.hint or "")
    assert texts(agent) == before
    assert not record.record_file(paths, name).exists()


def test_a_file_that_was_broken_in_between_is_not_written_either(paths: Paths) -> None:
    agent = AGENTS["claude"]
    write(paths, agent)
    file = expand("~/.claude/settings.json", os.environ)
    file.write_text(file.read_text() + "}")
    broken = file.read_text()
    with pytest.raises(ConfigError, match=r"settings\.json:\d+:1: "):
        disconnect(paths, agent, EVERYTHING)
    with pytest.raises(ConfigError, match=r"settings\.json:\d+:1: "):
        write(paths, agent)
    assert file.read_text() == broken
    assert record.record_file(paths, "claude").exists()


def test_a_file_that_was_deleted_in_between_stays_away(paths: Paths) -> None:
    agent = AGENTS["llm"]
    write_theirs(agent)
    write(paths, agent)
    (file,) = files_of(agent)
    file.unlink()
    assert not disconnect(paths, agent, EVERYTHING).changed
    assert not file.exists()
    assert not disconnect(paths, agent, EVERYTHING).was_connected


def test_a_symbolic_link_and_the_mode_of_its_target_stay(paths: Paths, tmp_path: Path) -> None:
    agent = AGENTS["aider"]
    target = tmp_path / "dotfiles.yml"
    target.write_text("model: x\n")
    target.chmod(0o640)
    link = expand("~/.aider.conf.yml", os.environ)
    link.symlink_to(target)
    write(paths, agent)
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert "openai/code" in target.read_text()
    disconnect(paths, agent, EVERYTHING)
    assert target.read_text() == "model: x\n"


def test_the_record_with_the_old_text_is_private(paths: Paths) -> None:
    write_theirs(AGENTS["codex"])
    write(paths, AGENTS["codex"])
    file = record.record_file(paths, "codex")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": {"/x": {}}}', '{"files": 3}'])
def test_a_damaged_record_is_told(paths: Paths, text: str) -> None:
    write(paths, AGENTS["codex"])
    record.record_file(paths, "codex").write_text(text)
    with pytest.raises(ConfigError, match="is damaged"):
        disconnect(paths, AGENTS["codex"], EVERYTHING)


def test_a_file_that_cannot_be_written_is_told_and_the_next_try_works(paths: Paths) -> None:
    agent = AGENTS["codex"]
    before = write_theirs(agent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atomic, "_write_all", _no_room_for(b"model_providers.agentbox]"))
        with pytest.raises(ConfigError, match="no space left"):
            write(paths, agent)
    assert texts(agent) == before
    assert record.record_file(paths, "codex").exists()
    write(paths, agent)
    disconnect(paths, agent, EVERYTHING)
    assert texts(agent) == before


def _no_room_for(text: bytes) -> Callable[[int, bytes], None]:
    real = atomic._write_all

    def write_all(descriptor: int, data: bytes) -> None:
        if text in data:
            raise OSError(errno.ENOSPC, "full")
        real(descriptor, data)

    return write_all


def test_variables_of_the_agent_move_its_files(paths: Paths, tmp_path: Path) -> None:
    environ: Mapping[str, str] = {**os.environ, "CODEX_HOME": str(tmp_path / "codex")}
    connect(paths, AGENTS["codex"], wanted(AGENTS["codex"]), environ)
    assert (tmp_path / "codex/config.toml").exists()
    # Without the variable the files move, and what was written before is taken back.
    write(paths, AGENTS["codex"])
    assert not (tmp_path / "codex/config.toml").exists()
    assert expand("~/.codex/config.toml", os.environ).exists()


def test_a_value_that_two_parts_have_is_taken_back_once(paths: Paths) -> None:
    agent = AGENTS["codex"]
    (file,) = files_of(agent)
    file.parent.mkdir(parents=True)
    file.write_text("mcp_optional_startup_grace_ms = 7\n")
    write(paths, agent)
    assert "= 15000" in file.read_text()
    file.write_text(file.read_text() + "\n[mine]\na = 1\n")
    outcome = disconnect(paths, agent, (TOOLS,))
    assert [change.kept for change in outcome.changes] == [()]
    assert "= 7" not in file.read_text()
    outcome = disconnect(paths, agent, EVERYTHING)
    assert [change.kept for change in outcome.changes] == [()]
    assert file.read_text() == "mcp_optional_startup_grace_ms = 7\n\n[mine]\na = 1\n"
