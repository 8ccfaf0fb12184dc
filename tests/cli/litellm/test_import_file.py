import re
import sys
from pathlib import Path

import pytest

from agentbox_cli.config.document import parse
from tests.fakes.commandline import Agentbox

FILES = Path(__file__).parents[2] / "data" / "import"
LITELLM = str(FILES / "litellm-order.yaml")
KEYS = str(FILES / "litellm-literal-keys.yaml")


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, *, answer: str) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: answer == "y")


def test_a_file_that_does_not_exist_yet_is_written(agentbox: Agentbox, config_yml: Path) -> None:
    result = agentbox("litellm", "import", LITELLM, "--yes")
    assert (result.exit_code, result.err) == (0, "")
    assert f"wrote {config_yml}" in result.out
    assert config_yml.stat().st_mode & 0o777 == 0o600
    assert "default" in parse(config_yml.read_text(), "it").data["litellm"]["models"]


def test_what_was_imported_passes_the_check(
    agentbox: Agentbox, config_yml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "GWDG_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "dummy")
    agentbox("litellm", "import", LITELLM, "--yes")
    checked = agentbox("config", "check")
    assert checked.exit_code == 0
    assert "error" not in checked.out.replace("0 errors", "")


def test_every_line_of_a_config_with_a_section_stays(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_text()
    result = agentbox("litellm", "import", KEYS, "--yes")
    assert result.exit_code == 0
    after = seed.read_text()
    rest = iter(after.splitlines())
    assert all(line in rest for line in before.splitlines())
    assert "openai_2" in parse(after, "it").data["litellm"]["providers"]


def test_an_import_can_be_undone(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_bytes()
    agentbox("litellm", "import", KEYS, "--yes")
    assert seed.read_bytes() != before
    assert agentbox("config", "undo").exit_code == 0
    assert seed.read_bytes() == before


def test_a_dry_run_shows_the_change_and_writes_nothing(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_bytes()
    result = agentbox("litellm", "import", KEYS, "--dry-run")
    assert result.exit_code == 0
    assert re.search(r"^\+ +openai_2:$", result.out, re.MULTILINE)
    assert "wrote" not in result.out
    assert seed.read_bytes() == before


def test_the_report_names_keys_conflicts_and_what_has_no_counterpart(
    agentbox: Agentbox, seed: Path
) -> None:
    out = agentbox("litellm", "import", LITELLM, "--dry-run").out
    assert f"{LITELLM} is a LiteLLM config.yaml" in out
    assert "Keys to set:\n  ANTHROPIC_API_KEY for anthropic\n" in out
    assert "Kept in config.yml:\n  litellm.models.default (default): stays as it is" in out
    assert "  router_settings.routing_strategy (routing strategy): links are tried" in out


def test_a_key_of_the_source_is_told_by_its_variable_alone(agentbox: Agentbox, seed: Path) -> None:
    for option in ("--dry-run", "--yes"):
        for form in ((), ("--json",)):
            result = agentbox("litellm", "import", KEYS, option, *form)
            told = result.out + result.err + seed.read_text()
            assert "sk-literal" not in told
            assert "secret-value" not in told
            assert "plain-secret" not in told
    assert "OPENAI_API_KEY_2 for openai_2; the file holds it" in (
        agentbox("litellm", "import", KEYS, "--dry-run").out
    )


def test_without_a_terminal_it_wants_to_be_told(agentbox: Agentbox, seed: Path) -> None:
    result = agentbox("litellm", "import", LITELLM)
    assert result.exit_code == 2
    assert "--dry-run" in result.err


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_on_a_terminal_it_shows_the_change_and_asks(
    agentbox: Agentbox, seed: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    before = seed.read_bytes()
    at_a_terminal(monkeypatch, answer=answer)
    result = agentbox("litellm", "import", KEYS)
    assert result.exit_code == code
    assert "openai_2:" in result.out
    assert (seed.read_bytes() == before) == (answer == "n")


def test_a_second_import_changes_nothing_and_asks_nothing(agentbox: Agentbox, seed: Path) -> None:
    agentbox("litellm", "import", KEYS, "--yes")
    before = seed.read_bytes()
    result = agentbox("litellm", "import", KEYS, "--yes")
    assert result.exit_code == 0
    assert f"{seed} is so already" in result.out
    assert seed.read_bytes() == before


def test_json_tells_everything(agentbox: Agentbox, seed: Path) -> None:
    result = agentbox("litellm", "import", LITELLM, "--dry-run", "--json")
    document = result.document
    assert document["source"] == "litellm"
    assert document["changed"] is False
    assert document["backup"] is None
    assert document["kept"][0]["path"] == "litellm.models.default"
    written = agentbox("litellm", "import", KEYS, "--yes", "--json").document
    assert written["changed"] is True
    assert Path(written["backup"]).exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"a: 1", "is no config that can be imported"),
        (b"model_list:\n\t- a", "source:2:1: "),
        (b"\xff\xfe", "not UTF-8"),
        (b"model_list: []", "nothing in source can be taken over"),
        (None, "no such file"),
        (b"#" * (5 * 1024 * 1024), "is larger than"),
    ],
)
def test_a_bad_source_is_told_in_one_line(
    agentbox: Agentbox, seed: Path, tmp_path: Path, text: bytes | None, told: str
) -> None:
    source = tmp_path / "source"
    if text is not None:
        source.write_bytes(text)
    before = seed.read_bytes()
    result = agentbox("litellm", "import", str(source), "--yes")
    assert (result.exit_code, result.out) == (3, "")
    assert told in result.err.splitlines()[0]
    assert seed.read_bytes() == before


def test_a_broken_config_is_not_touched(agentbox: Agentbox, seed: Path) -> None:
    seed.write_text(seed.read_text().replace("port: 4000", "port: many"))
    before = seed.read_bytes()
    result = agentbox("litellm", "import", KEYS, "--yes")
    assert result.exit_code == 3
    assert "litellm.port" in result.err
    assert seed.read_bytes() == before


def test_a_file_that_is_not_there_is_told_before_that_nobody_can_be_asked(
    agentbox: Agentbox,
) -> None:
    result = agentbox("litellm", "import", "/nowhere.yaml")
    assert (result.exit_code, result.out) == (3, "")
    assert "/nowhere.yaml cannot be read" in result.err
