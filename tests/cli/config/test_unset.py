from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox
from tests.fakes.edited import edited_lines


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("litellm.router.timeout", ["-     timeout: 120"]),
        (
            "litellm.fallbacks",
            [
                "-   # Fallback settings",
                "-   fallbacks:",
                "-     on_rate_limit: true         # Fallback on 429 errors",
                "-     on_context_window: true     # Fallback on context exceeded",
                "-     on_error: true              # Fallback on other errors",
            ],
        ),
        (
            "litellm.models.fast[1]",
            ["-       - provider: gwdg_saia", "-         model: llama-3.3-70b"],
        ),
    ],
)
def test_only_the_lines_of_the_key_go(
    agentbox: Agentbox, seed: Path, path: str, lines: list[str]
) -> None:
    before = seed.read_text()
    result = agentbox("config", "unset", path)
    assert (result.exit_code, result.out, result.err) == (0, f"wrote {seed}\n", "")
    assert edited_lines(before, seed.read_text()) == lines


def test_what_is_not_set_is_fine(agentbox: Agentbox, seed: Path) -> None:
    result = agentbox("config", "unset", "litellm.bind")
    assert (result.exit_code, result.out) == (0, f"{seed} is so already\n")


def test_an_unknown_key_that_stands_there_can_be_removed(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_text()
    seed.write_text(before.replace("  enabled: true\n", "  enabled: true\n  prot: 4000\n"))
    assert agentbox("config", "unset", "litellm.prot").exit_code == 0
    assert seed.read_text() == before


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("litellm.router.tiemout", "did you mean 'timeout'?"),
        ("web_server", "only the 'litellm' section can be changed"),
        ("router.timeout", "did you mean litellm.router.timeout?"),
    ],
)
def test_a_typing_error_is_a_usage_error(
    agentbox: Agentbox, seed: Path, path: str, message: str
) -> None:
    seed.write_text(f"web_server: {{port: 80}}\n{seed.read_text()}")
    before = seed.read_bytes()
    result = agentbox("config", "unset", path)
    assert result.exit_code == 2
    assert message in result.err
    assert seed.read_bytes() == before


@pytest.mark.parametrize("path", ["litellm", "litellm.models.fast[0].model", "litellm.providers"])
def test_what_the_config_needs_stays(agentbox: Agentbox, seed: Path, path: str) -> None:
    before = seed.read_bytes()
    result = agentbox("config", "unset", path)
    assert (result.exit_code, result.out) == (3, "")
    assert seed.read_bytes() == before


def test_a_dry_run_writes_nothing(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_bytes()
    result = agentbox("config", "unset", "litellm.router.timeout", "--dry-run")
    assert (result.exit_code, seed.read_bytes()) == (0, before)
    assert "-    timeout: 120\n" in result.out
