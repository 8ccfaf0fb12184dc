"""The example config under version control: `git diff` shows the edited lines and no others."""

import io
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox

IMPORTED = Path(__file__).parent.parent / "data" / "import" / "litellm-literal-keys.yaml"


def git(seed: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    done = subprocess.run(
        ["git", "-C", str(seed.parent), *identity, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.fixture
def dotfiles(seed: Path) -> Path:
    """The example config, committed."""
    git(seed, "init", "-q")
    git(seed, "add", ".")
    git(seed, "commit", "-qm", "as it was")
    return seed


def changed(file: Path) -> list[str]:
    """The lines that `git diff` shows, and that nothing else appeared beside the file."""
    shown = git(file, "diff", "-U0", "--no-color", "--no-ext-diff").splitlines()
    assert git(file, "status", "--porcelain") in ("", " M config.yml\n")
    return [line for line in shown[4:] if not line.startswith("@@")]


AVAILABLE = "llama-3.3-70b, qwen3-32b, deepseek-r1, mistral-large, codestral-22b"
COMMANDS: list[tuple[str, list[str]]] = [
    (
        "config set litellm.port 4001",
        [
            "-  port: 4000                    # LiteLLM proxy port",
            "+  port: 4001                    # LiteLLM proxy port",
        ],
    ),
    (
        "config set litellm.models.default[1].model qwen3-32b",
        ["-        model: llama-3.3-70b", "+        model: qwen3-32b"],
    ),
    (
        "config set litellm.models.fast[0] '{provider: anthropic, model: claude-haiku-4-5}'",
        [
            "-      - provider: openai",
            "-        model: gpt-4o-mini",
            "+      - provider: anthropic",
            "+        model: claude-haiku-4-5",
        ],
    ),
    ("config set litellm.router.total_timeout 300", ["+    total_timeout: 300"]),
    (
        "config set litellm.providers.anthropic.headers.x-team lab",
        ["+      headers:", "+        x-team: lab"],
    ),
    ("config set litellm.engine.mode lazy", ["+", "+  engine:", "+    mode: lazy"]),
    ("config set litellm.fallbacks.on_error true", []),
    ("config unset litellm.router.retry_after_seconds", ["-    retry_after_seconds: 60"]),
    (
        "config unset litellm.providers.anthropic.api_key",
        [
            "-    anthropic:",
            "-      api_key: ${ANTHROPIC_API_KEY}",
            "+    anthropic: {}",
        ],
    ),
    (
        "config unset litellm.fallbacks",
        [
            "-  # Fallback settings",
            "-  fallbacks:",
            "-    on_rate_limit: true         # Fallback on 429 errors",
            "-    on_context_window: true     # Fallback on context exceeded",
            "-    on_error: true              # Fallback on other errors",
        ],
    ),
    ("config unset litellm.engine.mode", []),
    (
        "litellm models add fast anthropic/claude-haiku-4-5",
        ["+      - provider: anthropic", "+        model: claude-haiku-4-5"],
    ),
    (
        "litellm models add fast anthropic/claude-haiku-4-5 --at 1",
        ["+      - provider: anthropic", "+        model: claude-haiku-4-5"],
    ),
    (
        "litellm models add cheap openai/gpt-4o-mini",
        ["+    cheap:", "+      - provider: openai", "+        model: gpt-4o-mini", "+"],
    ),
    (
        "litellm models remove code",
        [
            "-    # Coding-focused model",
            "-    code:",
            "-      - provider: openai",
            "-        model: gpt-4o",
            "-      - provider: gwdg_saia",
            "-        model: codestral-22b",
        ],
    ),
    (
        "litellm models remove default 2",
        ["-      - provider: gwdg_saia", "-        model: llama-3.3-70b"],
    ),
    (
        "litellm models move reasoning 2 1",
        [
            "-      - provider: gwdg_saia",
            "-        model: deepseek-r1",
            "+      - provider: gwdg_saia",
            "+        model: deepseek-r1",
        ],
    ),
    ("litellm models rename fast quick", ["-    fast:", "+    quick:"]),
    (
        "litellm providers add lab --api-base https://llm.example.org/v1 --key-env LAB_KEY",
        [
            "+    lab:",
            "+      api_base: https://llm.example.org/v1",
            "+      api_key: ${LAB_KEY}",
            "+",
        ],
    ),
    (
        "litellm providers remove anthropic",
        ["-    anthropic:", "-      api_key: ${ANTHROPIC_API_KEY}"],
    ),
    (
        "litellm providers remove gwdg_saia --force",
        [
            "-    gwdg_saia:",
            "-      api_base: https://chat-ai.academiccloud.de/v1",
            "-      api_key: ${GWDG_API_KEY}",
            f"-      # Available models: {AVAILABLE}",
            "-      - provider: gwdg_saia",
            "-        model: llama-3.3-70b",
            "-      - provider: gwdg_saia",
            "-        model: llama-3.3-70b",
            "-      - provider: gwdg_saia",
            "-        model: codestral-22b",
            "-      - provider: gwdg_saia",
            "-        model: deepseek-r1",
        ],
    ),
]


@pytest.mark.parametrize(("command", "lines"), COMMANDS, ids=[one for one, _ in COMMANDS])
def test_only_the_edited_lines_are_in_the_diff(
    agentbox: Agentbox, dotfiles: Path, command: str, lines: list[str]
) -> None:
    words = shlex.split(command)
    shown = agentbox(*words, "--dry-run")
    assert (shown.exit_code, changed(dotfiles)) == (0, []), shown.err
    result = agentbox(*words)
    assert result.exit_code == 0, result.err
    assert changed(dotfiles) == lines
    if lines:
        assert agentbox("config", "undo").exit_code == 0
    assert changed(dotfiles) == []


def test_what_was_edited_by_hand_is_in_the_diff_as_it_was_typed(
    agentbox: Agentbox, dotfiles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "sed -i s/4000/4001/")
    assert agentbox("config", "edit").exit_code == 0
    assert [line[:14] for line in changed(dotfiles)] == ["-  port: 4000 ", "+  port: 4001 "]


def test_an_import_adds_lines_and_changes_none(agentbox: Agentbox, dotfiles: Path) -> None:
    assert agentbox("litellm", "import", str(IMPORTED), "--yes").exit_code == 0
    lines = changed(dotfiles)
    assert lines
    assert all(line.startswith("+") for line in lines)


def test_a_key_that_is_stored_changes_nothing_in_the_config(
    agentbox: Agentbox, dotfiles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("dummy-key-of-a-test\n"))
    stored = agentbox("litellm", "providers", "login", "openai", "--stdin")
    assert stored.exit_code == 0
    assert git(dotfiles, "status", "--porcelain") == "?? .env\n"


def test_all_commands_one_after_the_other_touch_no_other_line(
    agentbox: Agentbox, dotfiles: Path
) -> None:
    """What stays at the end is what no command was asked to change."""
    before = dotfiles.read_text().splitlines()
    asked = {line[1:] for _, lines in COMMANDS for line in lines}
    for command, _ in COMMANDS:
        if "remove default 2" not in command:  # in the end there would be no link left
            agentbox(*shlex.split(command))
    stayed = set(dotfiles.read_text().splitlines())
    gone = [line for line in before if line not in stayed]
    assert [line for line in gone if line not in asked] == []
    assert agentbox("config", "get", "litellm.port").out == "4001\n"
