"""Every command that writes config.yml leaves words that fit it, so that no TAB has to ask."""

import shlex
from pathlib import Path

import pytest
import typer

from agentbox_cli.cli.app import root
from agentbox_cli.cli.completion.tree import command_tree
from agentbox_cli.providers.words import WordKind
from tests.cli.completion.conftest import CONFIG
from tests.fakes.commandline import Agentbox

# A word that is there afterwards, by the command line that brings it.
BRINGS = {
    "config set litellm.providers.openai.headers.x 1": "litellm.providers.openai.headers.x",
    "config unset litellm.providers.openai.api_key": "ns:deep",
    "config edit": "edited",
    "config undo": "ns:deep",
    "litellm import other.yaml --yes": "imported",
    "litellm import other.yaml --yes --json": "imported",
    "litellm models add new openai/o1": "new",
    "litellm models remove ns:deep": "default",
    "litellm models move default 2 1": "default",
    "litellm models rename ns:deep new": "new",
    "litellm providers add mistral --api-base http://127.0.0.1:9/v1 --protocol openai": "mistral",
    "litellm providers remove lab": "ns:deep",
    "litellm mcp add files --no-connect --url http://127.0.0.1:9/mcp": "files",
    "litellm mcp import servers.json": "taken-over",
    "litellm mcp remove known": "default",
    "litellm prices set lab/m --input 1 --output 2": 'litellm.usage.prices."lab/m"',
}
# What they write is no part of config.yml.
ELSEWHERE = {
    "config schema",
    "litellm connect",
    "litellm disconnect",
    "litellm key",
    "litellm key add",
    "litellm key remove",
    "litellm limits reset",
    "litellm mcp accept",
    "litellm mcp connect",
    "litellm mcp disconnect",
    "litellm providers login",
    "litellm providers logout",
    "litellm usage prune",
    "litellm usage reprice",
}
OTHER = "model_list: [{model_name: imported, litellm_params: {model: openai/gpt-4o}}]"


@pytest.fixture
def config(agentbox: Agentbox, config_yml: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config.yml with a change to take back, an editor that changes it, a file to import."""
    config_yml.write_text(CONFIG, encoding="utf-8")
    Path("other.yaml").write_text(OTHER)
    Path("servers.json").write_text('{"mcpServers": {"taken-over": {"command": "x"}}}')
    monkeypatch.setenv("EDITOR", "sed -i 's/zed@x+1/edited/'")
    change = ["litellm.providers.lab.api_base", "http://127.0.0.1:9/v1"]
    assert agentbox("config", "set", *change).exit_code == 0
    return config_yml


def files(home: Path) -> list[Path]:
    return [home / "cache/agentbox/complete" / kind for kind in WordKind]


@pytest.mark.parametrize("line", BRINGS)
def test_what_is_written_can_be_completed_at_once(
    agentbox: Agentbox, home: Path, config: Path, line: str
) -> None:
    for file in files(home):
        file.unlink()
    result = agentbox(*shlex.split(line))
    assert result.exit_code == 0, result.err
    assert {file.stat().st_mtime_ns for file in files(home)} == {config.stat().st_mtime_ns}
    told = [
        text.partition("\t")[0] for file in files(home) for text in file.read_text().split("\n")
    ]
    assert BRINGS[line] in told
    assert f"# {config}" in told


@pytest.mark.parametrize("line", BRINGS)
def test_what_is_only_shown_leaves_the_words_alone(
    agentbox: Agentbox, home: Path, config: Path, line: str
) -> None:
    for file in files(home):
        file.unlink()
    assert agentbox(*shlex.split(line), "--dry-run").exit_code == 0
    assert not any(file.exists() for file in files(home))


def test_a_new_section_can_be_completed_at_once(agentbox: Agentbox, home: Path) -> None:
    assert agentbox("litellm", "init", "--demo", "--dry-run").exit_code == 0
    assert not any(file.exists() for file in files(home))
    assert agentbox("litellm", "init", "--demo").exit_code == 0
    written = home / "config/agentbox/config.yml"
    assert {file.stat().st_mtime_ns for file in files(home)} == {written.stat().st_mtime_ns}
    assert "\ndefault\tsimulated/" in (home / "cache/agentbox/complete/alias").read_text()


@pytest.mark.parametrize("line", ["init --demo", "import other.yaml --yes --json"])
def test_words_of_a_config_that_is_named_from_here_are_found_from_everywhere(
    agentbox: Agentbox, home: Path, line: str
) -> None:
    Path("other.yaml").write_text(OTHER)
    assert agentbox("--config", "here.yml", "litellm", *line.split()).exit_code == 0
    head = (home / "cache/agentbox/complete/alias").read_text().partition("\n")[0]
    assert head == f"# {Path.cwd()}/here.yml"


def test_every_writer_is_here() -> None:
    tree = command_tree(typer.main.get_command(root()))
    writers = {
        command.path
        for command in tree.every()
        if any("--dry-run" in option.names for option in command.options)
    }
    named = [*BRINGS, *ELSEWHERE, "litellm init"]
    assert {
        path for path in writers if not any(f"{n} ".startswith(f"{path} ") for n in named)
    } == set()
