"""LiteLLM's config: read by the very parser that LiteLLM reads it with."""

from typing import Any

import yaml  # type: ignore[import-untyped] # it comes with LiteLLM, and without types
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.engine.render import UNTRANSLATED, needs_engine, render, translatable
from agentbox_cli.providers.model import ModelKind, Protocol
from agentbox_cli.providers.resolved import Deployment, KeyState
from tests.fakes.deployments import PROVIDER_KEY, deployment

EGRESS = "http://127.0.0.1:4711"
LLAMA = deployment("saia/llama-3.3-70b")
CLAUDE = deployment("anthropic/claude", prefix="anthropic")
VECTORS = deployment("saia/e5", prefix="openai", kind=ModelKind.EMBEDDING)

# What config.yml allows (config.model): visible ASCII.
MODEL_IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=80)


def rendered(*deployments: Deployment) -> dict[str, Any]:
    data = yaml.safe_load(render(deployments, EGRESS))
    assert isinstance(data, dict)
    return data


def groups(*deployments: Deployment) -> list[dict[str, Any]]:
    return [
        {"model_name": group["model_name"], **group["litellm_params"]}
        for group in rendered(*deployments)["model_list"]
    ]


def test_a_group_for_each_deployment_at_its_own_address() -> None:
    found = groups(LLAMA, CLAUDE, VECTORS)
    assert [(group["model_name"], group["model"], group["api_base"]) for group in found] == [
        ("saia/llama-3.3-70b", "custom_openai/llama-3.3-70b", f"{EGRESS}/0/v1"),
        ("anthropic/claude", "anthropic/claude", f"{EGRESS}/1"),
        ("saia/e5", "openai/e5", f"{EGRESS}/2/v1"),
    ]


def test_the_number_in_an_address_is_the_place_among_the_translatable() -> None:
    keyless = deployment("openai/gpt-4o", key=KeyState.MISSING)
    asked = (keyless, CLAUDE, LLAMA, CLAUDE)
    assert [one.name for one in translatable(asked)] == ["anthropic/claude", "saia/llama-3.3-70b"]
    assert [group["api_base"] for group in groups(*asked)] == [f"{EGRESS}/0", f"{EGRESS}/1/v1"]


def test_a_provider_without_a_key_is_not_rendered() -> None:
    assert groups(deployment("openai/gpt-4o", key=KeyState.MISSING)) == []


def test_a_provider_that_needs_no_key_is_rendered() -> None:
    assert len(groups(deployment("ollama/llama", key=KeyState.NOT_NEEDED))) == 1


def test_what_litellm_would_call_by_itself_is_not_rendered() -> None:
    assert groups(deployment("aws/claude", prefix="bedrock"), deployment("x/y", prefix="")) == []


def test_no_secret_is_written_only_its_name() -> None:
    text = render([LLAMA, CLAUDE], EGRESS)
    assert PROVIDER_KEY not in text
    assert {group["api_key"] for group in groups(LLAMA, CLAUDE)} == {
        "os.environ/AGENTBOX_ENGINE_EGRESS_SECRET"
    }
    settings = rendered(LLAMA)["general_settings"]
    assert settings["master_key"] == "os.environ/AGENTBOX_ENGINE_MASTER_KEY"


def test_litellm_decides_nothing() -> None:
    data = rendered(LLAMA)
    [group] = groups(LLAMA)
    assert (group["max_retries"], group["num_retries"], group["timeout"]) == (0, 0, 86_400)
    assert data["router_settings"]["num_retries"] == 0
    assert data["router_settings"]["disable_cooldowns"] is True
    assert data["litellm_settings"]["drop_params"] is True
    assert not [key for section in data.values() for key in section if "fallbacks" in key]


def test_the_attempt_comes_back_and_nothing_else_goes_out() -> None:
    data = rendered(LLAMA)
    assert data["general_settings"]["forward_client_headers_to_llm_api"] is True
    assert data["general_settings"]["disable_model_info_refresh"] is True
    assert data["litellm_settings"]["disable_hf_tokenizer_download"] is True


def test_fields_without_a_translation_are_dropped_but_not_for_anthropic() -> None:
    openai_style, anthropic = groups(LLAMA, CLAUDE)
    assert openai_style["additional_drop_params"] == list(UNTRANSLATED)
    assert anthropic["additional_drop_params"] == []


@given(MODEL_IDS)
def test_every_model_id_survives_the_yaml_of_1_1(model_id: str) -> None:
    [group] = groups(deployment(f"p/{model_id}"))
    assert group["model_name"] == f"p/{model_id}"
    assert group["model"] == f"custom_openai/{model_id}"


@given(st.lists(MODEL_IDS, unique=True, max_size=8))
def test_the_order_and_number_of_deployments_survive(model_ids: list[str]) -> None:
    asked = [deployment(f"p/{model_id}") for model_id in model_ids]
    assert [group["model_name"] for group in groups(*asked)] == [one.name for one in asked]
    assert [one.name for one in translatable(asked)] == [one.name for one in asked]


def test_the_engine_is_needed_only_where_something_is_translated() -> None:
    speaks_all = deployment("simulated/echo", speaks=Protocol)
    keyless = deployment("openai/gpt-4o", key=KeyState.MISSING)
    assert not needs_engine([speaks_all, keyless])
    assert needs_engine([speaks_all, deployment("saia/x", speaks=[Protocol.OPENAI_CHAT])])


def test_nothing_to_render_is_a_config_all_the_same() -> None:
    assert rendered()["model_list"] == []
