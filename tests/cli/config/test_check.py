from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from tests.fakes.commandline import Agentbox

SOUND = """\
# Mine.
litellm:
  providers:
    openai:
      api_key: ${OPENAI_API_KEY}
  models:
    default:
      - provider: openai
        model: gpt-4o
"""


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "dummy-1")


UNUSED = """\
config.yml:15:5: warning: litellm.providers.anthropic: provider 'anthropic' stands in no chain, \
so it is never called
 15 |     anthropic:
    |     ^^^^^^^^^
 hint: add a link to it below litellm.models, or remove it here
"""


def test_a_sound_config_is_ok(agentbox: Agentbox, config_yml: Path, key: None) -> None:
    config_yml.write_text(SOUND)
    result = agentbox("config", "check")
    assert (result.exit_code, result.out, result.err) == (0, f"{config_yml}: ok\n", "")


def test_the_seed_config_has_a_provider_that_no_chain_uses(agentbox: Agentbox, seed: Path) -> None:
    result = agentbox("config", "check")
    summary = f"{seed}: 0 errors, 1 warning\n"
    assert (result.exit_code, result.out, result.err) == (0, UNUSED + summary, "")


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        pytest.param(
            SOUND,
            "",
            ["config.yml:1:1: error: litellm: this section is missing"],
            id="empty file",
        ),
        pytest.param(
            SOUND,
            "# nothing but words\n",
            ["config.yml:1:1: error: litellm: this section is missing"],
            id="only comments",
        ),
        pytest.param(
            "    openai:\n",
            "    openai: [\n",
            ["config.yml:5:"],
            id="broken YAML",
        ),
        pytest.param(
            "  models:",
            "  providers: {}\n  models:",
            ["config.yml:6:3: error: ", " 6 |   providers: ", "   |   ^^^^^^^^^"],
            id="a key twice",
        ),
        pytest.param(
            "    openai:",
            "\topenai:",
            ["config.yml:4:1: error: "],
            id="a tab",
        ),
        pytest.param(
            "  models:",
            "  port: four\n  models:",
            [
                "config.yml:6:9: error: litellm.port: ",
                " 6 |   port: four",
                "   |         ^^^^",
            ],
            id="a wrong type",
        ),
        pytest.param(
            "  models:",
            "  prot: 4000\n  models:",
            [
                "config.yml:6:3: error: litellm.prot: unknown key 'prot'; did you mean 'port'?",
                " 6 |   prot: 4000",
                "   |   ^^^^",
            ],
            id="a key misspelt",
        ),
        pytest.param(
            "- provider: openai",
            "- provider: opneai",
            [
                "config.yml:8:19: error: litellm.models.default[0].provider: unknown provider",
                " 8 |       - provider: opneai",
                "   |                   ^^^^^^",
                " hint: did you mean 'openai'?",
            ],
            id="an unknown provider",
        ),
        pytest.param(
            "    default:\n      - provider: openai\n        model: gpt-4o\n",
            "    default: []\n",
            ["config.yml:7:14: error: litellm.models.default: "],
            id="an empty chain",
        ),
    ],
)
def test_an_error_is_shown_at_its_place(
    agentbox: Agentbox, config_yml: Path, old: str, new: str, shown: list[str]
) -> None:
    config_yml.write_text(SOUND.replace(old, new, 1))
    result = agentbox("config", "check")
    assert result.exit_code == 3
    assert result.err == ""
    lines = result.out.splitlines()
    for line in shown:
        assert any(told.startswith(line) for told in lines), result.out
    assert lines[-1] == f"{config_yml}: 1 error, 0 warnings"
    for command in ("models", "providers"):
        refused = agentbox("litellm", command)
        assert (refused.exit_code, refused.out) == (3, "")
        assert shown[0].partition(": ")[0] in refused.err


def test_an_unset_key_of_one_link_is_a_warning_and_fine(
    agentbox: Agentbox, seed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GWDG_API_KEY")
    result = agentbox("config", "check")
    assert result.exit_code == 0
    told, line, mark, hint, *others, summary = result.out.splitlines()
    assert told == (
        "config.yml:12:16: warning: litellm.providers.gwdg_saia.api_key: "
        "GWDG_API_KEY is not set; links to gwdg_saia are skipped"
    )
    assert line == " 12 |       api_key: ${GWDG_API_KEY}"
    assert mark == "    |                ^^^^^^^^^^^^^^^"
    assert hint == " hint: export GWDG_API_KEY=..., or put it into the .env beside config.yml"
    assert others == UNUSED.splitlines()
    assert summary == f"{seed}: 0 errors, 2 warnings"


def test_an_alias_without_a_key_is_an_error(agentbox: Agentbox, config_yml: Path) -> None:
    config_yml.write_text(SOUND)
    result = agentbox("config", "check")
    assert result.exit_code == 3
    assert result.out.splitlines()[-1] == f"{config_yml}: 1 error, 1 warning"
    assert "alias 'default' has no usable link" in result.out


def test_the_json_of_a_sound_config(agentbox: Agentbox, config_yml: Path, key: None) -> None:
    config_yml.write_text(SOUND)
    result = agentbox("config", "check", "--json")
    assert result.exit_code == 0
    assert result.document == {
        "schema": "agentbox.config-check/1",
        "ok": True,
        "file": str(config_yml),
        "problems": [],
    }


def test_the_json_of_problems(agentbox: Agentbox, config_yml: Path) -> None:
    config_yml.write_text(SOUND)
    result = agentbox("config", "check", "--json")
    assert result.exit_code == 3
    assert result.document["ok"] is False
    assert result.document["problems"] == snapshot(
        [
            {
                "path": "litellm.providers.openai.api_key",
                "line": 5,
                "column": 16,
                "severity": "warning",
                "rule": "key-not-set",
                "message": "OPENAI_API_KEY is not set; links to openai are skipped",
                "hint": "export OPENAI_API_KEY=..., or put it into the .env beside config.yml",
            },
            {
                "path": "litellm.models.default",
                "line": 7,
                "column": 5,
                "severity": "error",
                "rule": "no-usable-link",
                "message": "alias 'default' has no usable link: every provider's key is missing",
                "hint": "set one of the keys, or add a link to a provider that needs none",
            },
        ]
    )


def test_a_file_that_is_no_text_is_an_error(agentbox: Agentbox, config_yml: Path) -> None:
    config_yml.write_bytes(b"litellm:\n  port: \xff\n")
    result = agentbox("config", "check")
    assert result.exit_code == 3
    assert f"{config_yml}:2:9: this is not UTF-8 text" in result.err


def test_a_key_in_the_file_is_not_repeated(agentbox: Agentbox, config_yml: Path) -> None:
    config_yml.write_text(SOUND.replace("${OPENAI_API_KEY}", "sk-abcdef0123456789"))
    for options in ((), ("--json",)):
        result = agentbox("config", "check", *options)
        assert result.exit_code == 0
        assert "a key stands here in clear text" in result.out
        assert "abcdef" not in result.out


def test_other_sections_are_none_of_our_business(agentbox: Agentbox, seed: Path) -> None:
    seed.write_text(f"version: [1, {{x: y}}]\nweb_server: {{port: none}}\n{seed.read_text()}")
    assert agentbox("config", "check").exit_code == 0


# What is legal and still wrong: each at its line and column.
WARNED = """\
litellm:
  providers:
    openai:
      api_key: ${OPENAI_API_KEY}
    gwdg_saia:
      api_key: ${GWDG_API_KEY}
    anthropic:
      api_key: 0a1b2c3d4e5f60718293a4b5
    lab:
      api_base: https://llm.example.org/v1
      api_key: ${LAB_KEY:-sk-abcdefgh12345678}
  models:
    default:
      - provider: openai
        model: gpt-4o
      - provider: openai
        model: gpt-4o-min
        timeout: 200
    fast:
      - provider: anthropic
        model: claude-haiku-4-5
      - provider: gwdg_saia
        model: qwen3-32b
  router:
    timeout: 60
    total_timeout: 100
"""
WARNINGS = [
    (2, 3, "key-source", ".env holds keys but is open to other users: chmod 600"),
    (2, 3, "key-source", "config.yml holds a key but is open to other users: chmod 600"),
    (6, 16, "key-not-set", "GWDG_API_KEY is not set; links to gwdg_saia are skipped"),
    (8, 16, "key-in-clear", "a key stands here in clear text"),
    (9, 5, "unused-provider", "provider 'lab' stands in no chain, so it is never called"),
    (11, 16, "key-in-clear", "a key stands here in clear text"),
    (13, 5, "shared-provider", "every link goes to openai"),
    (17, 16, "unknown-model", "the plugin of openai does not know the model 'gpt-4o-min'"),
    (18, 18, "timeout-too-long", "a timeout of 200 s is longer than router.total_timeout, 100 s"),
]


def test_each_warning_has_its_place_and_none_keeps_the_config_from_being_used(
    agentbox: Agentbox, config_yml: Path, key: None
) -> None:
    config_yml.write_text(WARNED)
    config_yml.chmod(0o644)
    env = config_yml.with_name(".env")
    env.write_text("OTHER=dummy\n")
    env.chmod(0o644)
    result = agentbox("config", "check", "--json")
    assert result.exit_code == 0
    told = result.document["problems"]
    assert [(one["line"], one["column"], one["rule"]) for one in told] == [
        (line, column, rule) for line, column, rule, _ in WARNINGS
    ]
    for one, (*_, part) in zip(told, WARNINGS, strict=True):
        assert part in one["message"]
        assert one["severity"] == "warning"


def test_embeddings_and_chat_in_one_chain_are_told_at_the_link(
    agentbox: Agentbox, config_yml: Path, key: None
) -> None:
    other = "\n      - provider: openai\n        model: text-embedding-3-small\n"
    config_yml.write_text(SOUND.rstrip("\n") + other)
    result = agentbox("config", "check", "--json")
    assert result.exit_code == 3
    (problem,) = [one for one in result.document["problems"] if one["severity"] == "error"]
    assert (problem["rule"], problem["line"]) == ("mixed-chain", 11)


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_an_open_config_matters_only_if_it_holds_a_key(
    agentbox: Agentbox, seed: Path, mode: int
) -> None:
    for text, is_told in (
        (seed.read_text(), False),
        (seed.read_text().replace("${OPENAI_API_KEY}", "abcdefghijkl"), mode == 0o644),
    ):
        seed.write_text(text)
        seed.chmod(mode)
        assert ("is open to other users" in agentbox("config", "check").out) == is_told


def unread(agentbox: Agentbox, *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The one problem as JSON tells it, and as SARIF does."""
    told = agentbox(*options, "config", "check", "--json")
    log = agentbox(*options, "config", "check", "--sarif")
    assert (told.exit_code, told.err, log.exit_code, log.err) == (3, "", 3, "")
    assert told.document["ok"] is False
    (problem,) = told.document["problems"]
    (result,) = log.document["runs"][0]["results"]
    assert (problem["rule"], problem["severity"]) == ("unreadable", "error")
    assert result["ruleId"] == "unreadable"
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"]) == (problem["line"], problem["column"])
    return told.document, problem


def test_a_missing_file_is_a_problem_in_a_document_too(
    agentbox: Agentbox, config_yml: Path
) -> None:
    document, problem = unread(agentbox)
    assert document["file"] == str(config_yml)
    assert problem["message"].startswith("there is no config file; looked for ")
    assert problem["hint"] == "run: agentbox litellm init"
    named, problem = unread(agentbox, "--config", "not here.yml")
    assert named["file"] == str(Path.cwd() / "not here.yml")
    assert problem["hint"] == "run: agentbox --config 'not here.yml' litellm init"


def test_a_file_that_cannot_be_read_is_a_problem_in_a_document_too(
    agentbox: Agentbox, config_yml: Path
) -> None:
    config_yml.write_bytes(b"litellm:\n  port: \xff\n")
    _, problem = unread(agentbox)
    assert (problem["line"], problem["column"]) == (2, 9)
    config_yml.unlink()
    config_yml.mkdir()
    document, problem = unread(agentbox)
    assert problem["message"] == f"{config_yml} is a directory, not a regular file"
    assert (document["file"], problem["line"], problem["column"]) == (str(config_yml), 1, 1)
