import os
import subprocess
import sys
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from tests.fakes.commandline import Agentbox
from tests.fakes.edited import edited_lines


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        pytest.param(
            "litellm.router.timeout",
            "90",
            ["-     timeout: 120", "+     timeout: 90"],
            id="a number",
        ),
        pytest.param(
            "litellm.fallbacks.on_error",
            "false",
            [
                "-     on_error: true              # Fallback on other errors",
                "+     on_error: false             # Fallback on other errors",
            ],
            id="a boolean with a comment",
        ),
        pytest.param(
            "litellm.models.default[1].model",
            "qwen3-32b",
            ["-         model: llama-3.3-70b", "+         model: qwen3-32b"],
            id="a key of an item",
        ),
        pytest.param(
            "litellm.router.total_timeout",
            "300",
            ["+     total_timeout: 300"],
            id="a new key",
        ),
        pytest.param(
            "litellm.engine.mode",
            "lazy",
            ["+   engine:", "+     mode: lazy"],
            id="a new section",
        ),
        pytest.param(
            "litellm.allowed_hosts",
            "[laptop.local]",
            ["+   allowed_hosts:", "+     - laptop.local"],
            id="a new list",
        ),
        pytest.param(
            "litellm.providers.openai.api_key",
            "${OTHER_KEY}",
            ["-       api_key: ${OPENAI_API_KEY}", "+       api_key: ${OTHER_KEY}"],
            id="a reference",
        ),
    ],
)
def test_only_the_lines_of_the_key_change(
    agentbox: Agentbox, seed: Path, path: str, value: str, lines: list[str]
) -> None:
    before = seed.read_text()
    result = agentbox("config", "set", path, value)
    assert (result.exit_code, result.out, result.err) == (0, f"wrote {seed}\n", "")
    assert edited_lines(before, seed.read_text()) == lines
    assert agentbox("config", "get", path).exit_code == 0


def test_a_dry_run_shows_the_diff_and_writes_nothing(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_bytes()
    result = agentbox("config", "set", "litellm.router.timeout", "90", "--dry-run")
    assert (result.exit_code, result.err) == (0, "")
    assert seed.read_bytes() == before
    assert "-    timeout: 120\n+    timeout: 90\n" in result.out
    assert not list((seed.parents[2] / "state").rglob("*.yml*"))


def test_keys_beside_the_change_are_masked(agentbox: Agentbox, seed: Path) -> None:
    seed.write_text(seed.read_text().replace("${OPENAI_API_KEY}", "abcdefghijkl"))
    for options in (("--dry-run",), ("--dry-run", "--json"), ("--json",)):
        path = "litellm.providers.openai.api_base"
        result = agentbox("config", "set", path, "https://llm.example.org/v1", *options)
        assert result.exit_code == 0
        assert "abcdef" not in result.out
        assert "api_key: ************" in result.out


def test_the_same_value_changes_nothing(agentbox: Agentbox, seed: Path) -> None:
    before = seed.stat().st_mtime_ns
    result = agentbox("config", "set", "litellm.router.timeout", "120")
    assert (result.exit_code, result.out) == (0, f"{seed} is so already\n")
    assert seed.stat().st_mtime_ns == before


def test_the_json_of_a_change(agentbox: Agentbox, seed: Path) -> None:
    result = agentbox("config", "set", "litellm.port", "4001", "--json")
    document = result.document
    assert Path(document.pop("backup")).read_text().count("port: 4000")
    assert document.pop("file") == str(seed)
    document["diff"] = document["diff"].replace(str(seed), "config.yml")
    assert document == snapshot(
        {
            "schema": "agentbox.config-change/1",
            "ok": True,
            "changed": True,
            "diff": """\
--- config.yml
+++ config.yml
@@ -1,6 +1,6 @@
 litellm:
   enabled: true
-  port: 4000                    # LiteLLM proxy port
+  port: 4001                    # LiteLLM proxy port
 \n\
   # Provider configurations
   providers:
""",
            "problems": [],
        }
    )


def test_the_json_of_a_refused_change(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_bytes()
    result = agentbox("config", "set", "litellm.port", "70000", "--json")
    assert result.exit_code == 3
    assert seed.read_bytes() == before
    document = result.document
    assert (document["ok"], document["changed"], document["backup"]) == (False, False, None)
    assert document["problems"] == snapshot(
        [
            {
                "path": "litellm.port",
                "line": 3,
                "column": 9,
                "severity": "error",
                "rule": "out-of-range",
                "message": "must be at most 65535",
                "hint": None,
            }
        ]
    )


@pytest.mark.parametrize(
    ("path", "value", "message", "hint"),
    [
        ("litellm.router.tiemout", "9", "unknown key 'tiemout'", "did you mean 'timeout'?"),
        ("router.timeout", "9", "there is no router.timeout", "did you mean litellm.router."),
        ("litellm.port", "four", "litellm.port must be a whole number, is 'four'", ""),
        ("litellm.enabled", "yes", "must be true or false", "write true"),
        ("litellm.models.default[", "x", "", ""),
        ("litellm.providers.openai.api_key", "sk-abcdef0123456789", "a key does not", "'${NAME}'"),
        ("litellm.providers.x", "{api_base: 'http://x', api_key: abcdef}", "a key does not", ""),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    *, agentbox: Agentbox, seed: Path, path: str, value: str, message: str, hint: str
) -> None:
    before = seed.read_bytes()
    result = agentbox("config", "set", path, value)
    assert (result.exit_code, result.out) == (2, "")
    assert message in result.err
    assert hint in result.err
    assert "abcdef" not in result.err
    assert seed.read_bytes() == before


@pytest.mark.parametrize(
    ("path", "value", "place", "message"),
    [
        ("litellm.port", "70000", "config.yml:3:9: error: litellm.port: ", "at most 65535"),
        ("litellm.models.fast[0].provider", "opneai", "fast[0].provider", "mean 'openai'?"),
        ("litellm.models.fast", "[]", "litellm.models.fast", "this chain is empty"),
        ("litellm.providers.openai.api_key", "${A", "openai.api_key", "no closing '}'"),
    ],
)
def test_a_result_that_is_not_valid_leaves_the_file_alone(
    *, agentbox: Agentbox, seed: Path, path: str, value: str, place: str, message: str
) -> None:
    before = seed.read_bytes()
    result = agentbox("config", "set", path, value)
    assert (result.exit_code, result.out) == (3, "")
    assert place in result.err
    assert message in result.err
    assert result.err.startswith(f"error: this is not valid, so {seed} is left as it was:\n")
    assert seed.read_bytes() == before


TWO_ERRORS = (("    timeout: 120", "    timeout: soon"), ("  port: 4000 ", "  prot: 4000 "))


def test_of_two_errors_one_can_be_mended_at_a_time(agentbox: Agentbox, seed: Path) -> None:
    for right, wrong in TWO_ERRORS:
        seed.write_text(seed.read_text().replace(right, wrong))
    shown = agentbox("config", "set", "litellm.router.timeout", "90", "--dry-run")
    assert (shown.exit_code, "+    timeout: 90\n" in shown.out) == (0, True)
    assert "timeout: soon" in seed.read_text()
    first = agentbox("config", "set", "litellm.router.timeout", "90")
    assert (first.exit_code, first.out) == (0, f"wrote {seed}\n")
    assert first.err == f"1 error remains in {seed}: agentbox config check\n"
    assert "    timeout: 90\n" in seed.read_text()
    second = agentbox("config", "unset", "litellm.prot")
    assert (second.exit_code, "remain" in second.err) == (0, False)


def test_the_json_of_a_mended_error_has_those_that_remain(agentbox: Agentbox, seed: Path) -> None:
    for right, wrong in TWO_ERRORS:
        seed.write_text(seed.read_text().replace(right, wrong))
    result = agentbox("config", "set", "litellm.router.timeout", "90", "--json")
    assert (result.exit_code, result.document["ok"], result.document["changed"]) == (0, True, True)
    assert [problem["path"] for problem in result.document["problems"]] == ["litellm.prot"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("litellm.enabled", "false"),
        ("litellm.router.timeout", "0"),
        ("litellm.models.fast[0].provider", "opneai"),
        ("litellm.port", "4001"),
    ],
)
def test_an_edit_that_mends_no_error_is_refused_with_those_of_the_file(
    agentbox: Agentbox, seed: Path, path: str, value: str
) -> None:
    for right, wrong in TWO_ERRORS:
        seed.write_text(seed.read_text().replace(right, wrong))
    before = seed.read_bytes()
    result = agentbox("config", "set", path, value)
    assert (result.exit_code, seed.read_bytes()) == (3, before)
    assert "unknown key 'prot'" in result.err


@pytest.mark.parametrize(
    "command",
    [
        "config set litellm.port 4001",
        "config unset litellm.router",
        "litellm models add fast openai/o1",
        "litellm models remove fast",
        "litellm models move fast 2 1",
        "litellm models rename fast quick",
        "litellm providers add lab --api-base https://llm.example.org/v1",
        "litellm providers remove anthropic",
    ],
)
def test_a_file_that_is_no_yaml_is_refused_with_its_error(
    agentbox: Agentbox, seed: Path, command: str
) -> None:
    seed.write_text(seed.read_text().replace("  port: 4000", "\tport: 4000"))
    before = seed.read_bytes()
    result = agentbox(*command.split())
    assert (result.exit_code, result.out, seed.read_bytes()) == (3, "", before)
    assert result.err.startswith("error: config.yml:3:1: error: litellm: a tab cannot stand here")
    assert "agentbox config edit" in result.err


def test_a_warning_is_told_once_when_it_is_new(agentbox: Agentbox, seed: Path) -> None:
    first = agentbox("config", "set", "litellm.models.fast[0].model", "gpt-40-mini")
    assert (first.exit_code, first.out) == (0, f"wrote {seed}\n")
    assert "warning: litellm.models.fast[0].model: " in first.err
    assert "anthropic" not in first.err, "that it stands in no chain is nothing new"
    second = agentbox("config", "set", "litellm.port", "4001")
    assert (second.exit_code, second.err) == (0, "")


def test_a_missing_key_in_the_environment_keeps_nobody_from_editing(
    agentbox: Agentbox, seed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "GWDG_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name)
    assert agentbox("config", "set", "litellm.port", "4001").exit_code == 0


def test_without_a_file_there_is_nothing_to_set(agentbox: Agentbox, home: Path) -> None:
    result = agentbox("config", "set", "litellm.port", "4001")
    assert result.exit_code == 3
    assert "agentbox litellm init" in result.err


def test_a_running_proxy_must_be_restarted_and_the_user_is_told(
    agentbox: Agentbox, seed: Path
) -> None:
    assert agentbox("litellm", "start", "--port", "0").exit_code == 0
    try:
        result = agentbox("config", "set", "litellm.router.timeout", "90")
        assert result.err == "restart the proxy to apply: agentbox litellm restart\n"
        dry = agentbox("config", "set", "litellm.router.timeout", "80", "--dry-run")
        assert dry.err == ""
    finally:
        assert agentbox("litellm", "stop").exit_code == 0


def test_changes_at_the_same_time_are_all_kept(seed: Path) -> None:
    changes = [("timeout", "91"), ("num_retries", "2"), ("retry_after_seconds", "5")]
    command = [sys.executable, "-P", "-m", "agentbox_cli", "config", "set"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    running = [
        subprocess.Popen([*command, f"litellm.router.{key}", value], env=environment)
        for key, value in changes
    ]
    assert [process.wait(timeout=30) for process in running] == [0, 0, 0]
    for key, value in changes:
        assert f"    {key}: {value}\n" in seed.read_text()


def test_an_index_far_behind_the_end_names_the_next_one(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_bytes()
    result = agentbox("config", "set", "litellm.models.default[7].model", "x")
    assert result.exit_code == 2
    assert "there is no item [7]; the list has 2\nhint: the next item is [2]\n" in result.err
    assert seed.read_bytes() == before
