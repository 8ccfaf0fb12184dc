from typing import Any

import pytest

from agentbox_cli.providers.importing.model import Imported, KeyToSet
from tests.providers.importing.conftest import Convert


def links(imported: Imported, alias: str) -> list[str]:
    """The chain of an alias, as people write it."""
    return [f"{link['provider']}/{link['model']}" for link in imported.section["models"][alias]]


def told(imported: Imported) -> dict[str, str]:
    """The notes, by their place."""
    return {note.where: note.why for note in imported.notes}


def test_deployments_stand_in_their_order_with_what_a_link_can_hold(converted: Convert) -> None:
    imported = converted("litellm-order.yaml")
    assert imported.section["models"]["default"] == [
        {"provider": "openai", "model": "gpt-4o", "timeout": 45},
        {
            "provider": "gwdg_saia",
            "model": "llama-3.3-70b",
            "max_input_tokens": 100_000,
            "drop_params": ["logit_bias"],
        },
        {"provider": "anthropic", "model": "claude-sonnet-4-5"},
    ]


def test_the_routers_settings_become_ours(converted: Convert) -> None:
    imported = converted("litellm-order.yaml")
    assert imported.section["router"] == {
        "num_retries": 2,
        "timeout": 90,
        "stream_timeout": 30,
        "retry_after_seconds": 45,
    }
    assert {*told(imported)} == {
        "general_settings",
        "litellm_settings.drop_params",
        "router_settings.allowed_fails",
        "router_settings.routing_strategy",
    }


def test_what_is_said_of_a_model_is_told_unless_it_changes_nothing(converted: Convert) -> None:
    imported = converted(
        "it",
        """
        model_list:
          - model_name: a
            litellm_params: {model: openai/gpt-4o, drop_params: true}
            model_info:
              {id: x, mode: chat, base_model: gpt-4o, max_input_tokens: 1000,
               supports_vision: true, input_cost_per_token: 1.0e-06, access_groups: [beta]}
        """,
    )
    notes = told(imported)
    assert {place.removeprefix("model_list[0].") for place in notes} == {
        "litellm_params.drop_params",
        "model_info.supports_vision",
        "model_info.input_cost_per_token",
        "model_info.access_groups",
    }
    assert "drop_params of a link" in notes["model_list[0].litellm_params.drop_params"]


def test_a_deployment_without_an_order_comes_last(converted: Convert) -> None:
    imported = converted(
        "it",
        """
        model_list:
          - {model_name: a, litellm_params: {model: openai/three}}
          - {model_name: a, litellm_params: {model: openai/two}, model_info: {order: 2}}
          - {model_name: a, litellm_params: {model: openai/one, order: 1}}
        """,
    )
    assert links(imported, "a") == ["openai/one", "openai/two", "openai/three"]


def test_fallbacks_are_followed_each_group_once_even_in_a_circle(converted: Convert) -> None:
    imported = converted("litellm-fallbacks.yaml")
    mini, big = "openai/gpt-4o-mini", "openai/gpt-4o"
    claude, groq = "anthropic/claude-sonnet-4-5", "groq/llama-3.3-70b-versatile"
    assert links(imported, "small") == [mini, big, claude, groq]
    assert links(imported, "big") == [big, mini, claude, groq]
    assert links(imported, "long") == [claude, groq]
    assert links(imported, "last") == [groq]


def test_a_fallback_to_nowhere_is_told(converted: Convert) -> None:
    notes = told(converted("litellm-fallbacks.yaml"))
    assert notes["router_settings.fallbacks[2].gone"].startswith("it names no model group")
    assert notes["router_settings.default_fallbacks[1]"].startswith("it names no model group")
    assert notes["router_settings.context_window_fallbacks[0].small"].startswith(
        "an alias has one"
    )


def test_a_star_is_the_fallback_of_groups_without_one(converted: Convert) -> None:
    imported = converted(
        "it",
        """
        model_list:
          - {model_name: a, litellm_params: {model: openai/a}}
          - {model_name: b, litellm_params: {model: openai/b}}
          - {model_name: c, litellm_params: {model: openai/c}}
        litellm_settings:
          fallbacks: [{a: [b]}, {"*": [c]}]
        """,
    )
    assert links(imported, "a") == ["openai/a", "openai/b", "openai/c"]
    assert links(imported, "b") == ["openai/b", "openai/c"]


def test_other_names_of_a_group_become_patterns(converted: Convert) -> None:
    imported = converted("litellm-fallbacks.yaml")
    assert imported.section["model_patterns"] == {"gpt-4": "big", "hidden-one": "small"}


def test_a_name_that_is_no_alias_gets_one_and_keeps_working(converted: Convert) -> None:
    imported = converted("litellm-wildcards.yaml")
    assert list(imported.section["models"]) == [
        "claude",
        "claude-haiku",
        "openrouter-qwen-qwen3-coder-2",
        "openrouter-qwen-qwen3-coder",
        "123",
        "no",
    ]
    # The first pattern that fits counts, so the narrow ones stand first.
    assert list(imported.section["model_patterns"].items()) == [
        ("openrouter/qwen/qwen3-coder", "openrouter-qwen-qwen3-coder-2"),
        ("claude-haiku-*", "claude-haiku"),
        ("claude-*", "claude"),
    ]


def test_the_same_key_gets_the_same_variable_and_another_key_another_one(
    converted: Convert,
) -> None:
    imported = converted("litellm-literal-keys.yaml")
    providers = imported.section["providers"]
    assert {name: entry["api_key"] for name, entry in providers.items()} == {
        "openai": "${OPENAI_API_KEY_2}",
        "openai_2": "${OPENAI_API_KEY_3}",
        "openai_3": "${OPENAI_API_KEY}",  # the one that the source refers to
        "example": "${EXAMPLE_API_KEY}",
    }
    assert providers["example"]["headers"] == {
        "x-api-token": "${EXAMPLE_X_API_TOKEN}",
        "x-project": "physics",
    }
    assert links(imported, "second") == ["openai/gpt-4o-mini"]
    assert KeyToSet(variable="OPENAI_API_KEY", provider="openai_3", in_source=False) in (
        imported.keys
    )
    assert KeyToSet(variable="OPENAI_API_KEY_2", provider="openai", in_source=True) in (
        imported.keys
    )


def test_an_address_from_the_environment_is_looked_up_once(converted: Convert) -> None:
    imported = converted(
        "litellm-local.yaml", environ={"LM_STUDIO_API_BASE": "http://localhost:1234/v1"}
    )
    assert imported.section["providers"]["lm_studio"] == {"api_base": "http://localhost:1234/v1"}
    assert "nowhere" not in imported.section["models"]
    notes = told(imported)
    assert notes["model_list[2].litellm_params.api_base"].startswith("LM_STUDIO_API_BASE as it is")
    assert notes["model_list[3].litellm_params.api_base"].startswith("UNSET_API_BASE is not set")


def test_a_key_that_nobody_checks_is_left_out(converted: Convert) -> None:
    imported = converted("litellm-local.yaml")
    assert imported.section["providers"]["hosted_vllm"] == {"api_base": "http://localhost:8000/v1"}
    assert imported.keys == ()


def test_a_provider_that_litellm_calls_in_its_own_way_is_told(converted: Convert) -> None:
    imported = converted("litellm-clouds.yaml")
    assert links(imported, "gpt") == ["openai/gpt-4o", "gemini/gemini-2.5-flash"]
    assert [note.what for note in imported.notes][:3] == [
        "provider azure",
        "provider bedrock",
        "provider vertex_ai",
    ]


def test_links_that_do_not_mix_are_left_out(converted: Convert) -> None:
    imported = converted("litellm-embeddings.yaml")
    assert links(imported, "embed") == ["openai/text-embedding-3-small"]
    assert links(imported, "chat") == ["openai/gpt-4o"]
    assert [note.why.split(":")[0] for note in imported.notes] == ["left out", "left out"]


def test_shared_credentials_are_taken_in(converted: Convert) -> None:
    imported = converted("litellm-credentials.yaml")
    assert imported.section["providers"] == {
        "cluster": {
            "api_base": "https://models.cluster.example/v1",
            "api_key": "${CLUSTER_KEY}",
        },
        "cluster_2": {
            "api_base": "https://claude.cluster.example",
            "api_key": "${CLUSTER_KEY}",
            "protocol": "anthropic",
        },
    }


def test_what_is_wrong_with_an_entry_is_told_at_its_place(converted: Convert) -> None:
    imported = converted("litellm-rubbish.yaml")
    assert list(imported.section["models"]) == ["listed", "right", "twice"]
    assert links(imported, "twice") == ["openai/gpt-4o"]
    assert imported.section["router"] == {"retry_after_seconds": 86_400}
    places = {where.partition(".")[0] for where in told(imported)}
    assert {f"model_list[{index}]" for index in range(12)} <= places


def test_a_deployments_own_times_become_those_of_its_link(converted: Convert) -> None:
    imported = converted(
        "it",
        """
        model_list:
          - model_name: a
            litellm_params: {model: gpt-4o, timeout: 9, stream_timeout: 30}
          - model_name: b
            litellm_params: {model: gpt-4o, timeout: 9, stream_timeout: soon}
        """,
    )
    link = {"provider": "openai", "model": "gpt-4o", "timeout": 9}
    assert imported.section["models"] == {"a": [link | {"stream_timeout": 30}], "b": [link]}
    why = told(imported)["model_list[1].litellm_params.stream_timeout"]
    assert why == "it is no number of seconds, up to a day"


def test_a_provider_without_a_key_is_told_because_litellm_would_send_openais(
    converted: Convert,
) -> None:
    imported = converted(
        "it",
        """
        model_list:
          - model_name: a
            litellm_params: {model: openai/a, api_base: "https://models.example.org/v1"}
        """,
    )
    assert imported.section["providers"] == {
        "example": {"api_base": "https://models.example.org/v1"}
    }
    assert "OPENAI_API_KEY" in told(imported)["model_list[0].litellm_params"]


@pytest.mark.parametrize(
    ("params", "link", "address"),
    [
        ({"model": "gpt-4o"}, "openai/gpt-4o", "https://api.openai.com/v1"),
        ({"model": "o1"}, "openai/o1", "https://api.openai.com/v1"),
        ({"model": "openai/responses/gpt-5"}, "openai/gpt-5", "https://api.openai.com/v1"),
        ({"model": "claude-x"}, "anthropic/claude-x", "https://api.anthropic.com"),
        ({"model": "gpt", "custom_llm_provider": "groq"}, "groq/gpt", None),
        ({"model": "mistral/large"}, "mistral/large", "https://api.mistral.ai/v1"),
        ({"model": "openrouter/openai/gpt-4o"}, "openrouter/openai/gpt-4o", None),
        ({"model": "ollama/a:b", "api_base": "http://h:11434"}, "ollama/a:b", "http://h:11434/v1"),
        ({"model": "openai/a", "api_base": "https://api.openai.com"}, "openai/a", None),
        (
            {"model": "openai/m", "api_base": "https://chat-ai.academiccloud.de/v1/"},
            "gwdg_saia/m",
            "https://chat-ai.academiccloud.de/v1",
        ),
        ({"model": "Org/m", "api_base": "http://10.0.0.5:80/v1"}, "10_0_0_5/Org/m", None),
        ({"model": "hosted_vllm/m", "base_url": "https://gpu/v1"}, "gpu/m", "https://gpu/v1"),
        (
            {"model": "groq/m", "api_base": "https://groq-proxy.example/v1"},
            "groq/m",
            "https://groq-proxy.example/v1",
        ),
        ({"model": "openai/m", "api_base": "http://localhost:1/v1"}, "local/m", None),
    ],
)
def test_a_model_goes_to_its_provider(
    converted: Convert, params: dict[str, Any], link: str, address: str | None
) -> None:
    import json

    entry = {"model_name": "a", "litellm_params": params}
    imported = converted("it", json.dumps({"model_list": [entry]}))
    assert links(imported, "a") == [link]
    (provider,) = imported.section["providers"].values()
    assert address in (None, provider["api_base"])
