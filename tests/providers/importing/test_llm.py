from agentbox_cli.providers.importing.model import KeyToSet
from tests.providers.importing.conftest import Convert
from tests.providers.importing.test_litellm import links, told


def test_each_model_becomes_an_alias(converted: Convert) -> None:
    imported = converted("llm-models.yaml")
    assert {alias: links(imported, alias) for alias in imported.section["models"]} == {
        "gpt-new": ["openai/gpt-4.1"],
        "local": ["local/orca-mini-3b.ggmlv3"],
        "claude-openrouter": ["openrouter/anthropic/claude-sonnet-4"],
        "saia": ["gwdg_saia/llama-3.3-70b"],
        "gateway": ["example/gpt-3.5-turbo"],
    }
    assert imported.section["model_patterns"] == {
        "claude/openrouter": "claude-openrouter",
        "new": "gpt-new",
        "0613": "gpt-new",
    }


def test_a_stored_key_becomes_a_variable(converted: Convert) -> None:
    imported = converted("llm-models.yaml")
    assert imported.section["providers"]["openrouter"]["api_key"] == "${OPENROUTER_API_KEY}"
    assert "OPENROUTER_API_KEY" in told(imported)["[2].api_key_name"]


def test_headers_come_along_unless_they_may_be_keys(converted: Convert) -> None:
    imported = converted("llm-models.yaml")
    assert imported.section["providers"]["openrouter"]["headers"] == {
        "HTTP-Referer": "https://llm.datasette.io/",
        "X-Title": "LLM",
    }
    assert imported.section["providers"]["example"]["headers"] == {"apikey": "${EXAMPLE_APIKEY}"}
    key = KeyToSet(variable="EXAMPLE_APIKEY", provider="example", in_source=True)
    assert key in imported.keys


def test_an_address_of_ones_own_never_gets_openais_key(converted: Convert) -> None:
    providers = converted("llm-models.yaml").section["providers"]
    assert providers["local"] == {"api_base": "http://localhost:8080"}
    assert "api_key" not in providers["example"]


def test_odd_entries_are_told(converted: Convert) -> None:
    imported = converted("llm-odd.yaml")
    assert [*imported.section["models"]] == ["only-id", "ok"]
    assert [*told(imported)] == ["[1].model_id", "[2]", "[3].api_type", "[5]"]
