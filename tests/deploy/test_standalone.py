"""The config for LiteLLM alone: groups, fallbacks, names of keys, and what it cannot do."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # it comes with LiteLLM, and without types

from agentbox_cli.deploy.standalone import Standalone, standalone
from agentbox_cli.providers.load import load_setup

SEED = (Path(__file__).parents[1] / "data" / "seed-config.yml").read_text()
SECRET = "sk-this-is-a-value-of-a-key"
ENVIRON = {"OPENAI_API_KEY": SECRET, "GWDG_API_KEY": SECRET, "LAB": SECRET}

LAB = """\
litellm:
  model_patterns: {"claude-*": mine}
  budgets: {daily_usd: 1}
  fallbacks: {on_rate_limit: false, on_context_window: false, on_content_policy: false}
  router: {retry_after_seconds: 0, total_timeout: 60, num_retries: 0}
  providers:
    lab:
      api_base: https://lab.example.org/v1
      api_key: %s
      headers: {x-team: "${LAB}"}
    free:
      api_base: http://127.0.0.1:9/v1
    anthropic: {}
  models:
    mine:
      - {provider: lab, model: org/llama, timeout: 7.5, drop_params: [logit_bias]}
      - {provider: simulated, model: echo}
      - {provider: free, model: tiny, max_input_tokens: 100}
    other:
      - {provider: anthropic, model: claude-sonnet-4-5}
      - {provider: lab, model: org/llama}
    nothing:
      - {provider: simulated, model: echo}
"""


@pytest.fixture
def made(tmp_path: Path) -> Any:
    def make(text: str) -> Standalone:
        file = tmp_path / "config.yml"
        file.write_text(text)
        return standalone(load_setup(file, ENVIRON, None).resolved)

    return make


def params(made: Standalone, name: str) -> Any:
    (found,) = [g["litellm_params"] for g in made.config["model_list"] if g["model_name"] == name]
    return found


def test_each_link_is_a_group_and_the_alias_is_that_of_the_first(made: Any) -> None:
    seed = made(SEED)
    assert params(seed, "default") == params(seed, "openai/gpt-4o")
    assert params(seed, "gwdg_saia/llama-3.3-70b")["model"] == "custom_openai/llama-3.3-70b"
    later = {"default": ["gwdg_saia/llama-3.3-70b"]}
    router = seed.config["router_settings"]
    for kind in ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks"):
        assert later in router[kind]
    assert router["cooldown_time"] == 60


def test_the_text_is_the_config_and_holds_names_of_keys_only(made: Any) -> None:
    text = made(SEED).text()
    read = yaml.safe_load(text)
    assert read == json.loads(json.dumps(made(SEED).config, default=dict))
    assert SECRET not in text
    keys = {group["litellm_params"]["api_key"] for group in read["model_list"]}
    assert keys == {"os.environ/OPENAI_API_KEY", "os.environ/GWDG_API_KEY"}
    assert "#   OPENAI_API_KEY      the key of OpenAI\n" in text


@pytest.mark.parametrize(
    ("template", "name", "note"),
    [
        ('"${LAB}"', "os.environ/LAB", ""),
        ('"${LAB:-tell-nobody}"', "os.environ/LAB", "the default of ${LAB}"),
        ('"Token ${LAB}"', "os.environ/LAB_API_KEY", "not a ${NAME} alone"),
        (SECRET, "os.environ/LAB_API_KEY", "not a ${NAME} alone"),
        ("not-needed", "not-needed", ""),
    ],
)
def test_a_key_is_named_however_the_config_has_it(
    made: Any, template: str, name: str, note: str
) -> None:
    lab = made(LAB % template)
    assert params(lab, "mine")["api_key"] == name
    told = [line for line in lab.shortcomings if line.startswith(("lab: the ", "lab: its api"))]
    assert [note in line for line in told] == ([True] if note else [])
    assert SECRET not in lab.text()
    assert "tell-nobody" not in lab.text()


def test_a_provider_without_a_key_is_sent_none_of_another(made: Any) -> None:
    assert params(made(LAB % "not-needed"), "free/tiny")["api_key"] == "not-needed"


def test_a_link_that_another_chain_calls_in_another_way_is_another_group(made: Any) -> None:
    lab = made(LAB % "not-needed")
    assert params(lab, "mine")["timeout"] == 7.5
    assert "logit_bias" in params(lab, "mine")["additional_drop_params"]
    assert params(lab, "lab/org/llama@other")["timeout"] == 120
    assert lab.config["router_settings"]["fallbacks"] == [
        {"mine": ["free/tiny"]},
        {"other": ["lab/org/llama@other"]},
    ]


def test_what_is_switched_off_goes_nowhere_and_never_cools(made: Any) -> None:
    router = made(LAB % "not-needed").config["router_settings"]
    assert router["context_window_fallbacks"] == [{"(nobody)": ["(nobody)"]}]
    assert router["content_policy_fallbacks"] == [{"(nobody)": ["(nobody)"]}]
    assert router["allowed_fails_policy"]["RateLimitErrorAllowedFails"] == 1_000_000
    assert router["allowed_fails_policy"]["TimeoutErrorAllowedFails"] == 0
    assert router["retry_policy"]["InternalServerErrorRetries"] == 0
    assert router["disable_cooldowns"] is True


def test_the_text_tells_what_litellm_cannot_do(made: Any) -> None:
    text = made(LAB % "not-needed").text()
    for told in (
        "# - nothing is left out: agentbox itself serves its links\n",
        "# - mine: simulated/echo is left out: agentbox itself serves it\n",
        "# - mine: max_input_tokens of link 3 is not looked at\n",
        "# - on_rate_limit: false: it has one list for 429s and for errors, so both move on\n",
        "# - router.total_timeout: ",
        "# - lab: headers are not carried over: x-team\n",
        "# - model_patterns: claude-* are unknown names to it\n",
        "# - budgets: ",
        "# - usage: ",
        "# - callers: ",
    ):
        assert told in text
    assert "gwdg_saia: its quota headers are not read" in made(SEED).text()


def test_two_switches_that_are_alike_are_kept(made: Any) -> None:
    off = SEED.replace("on_rate_limit: true", "on_rate_limit: false")
    off = off.replace("on_error: true", "on_error: false")
    made_off = made(off)
    assert made_off.config["router_settings"]["fallbacks"] == [{"(nobody)": ["(nobody)"]}]
    assert not any("both move on" in line for line in made_off.shortcomings)
