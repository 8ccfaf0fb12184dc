from tests.providers.importing.conftest import Convert
from tests.providers.importing.test_litellm import links, told


def test_routes_become_the_aliases_that_agents_know(converted: Convert) -> None:
    imported = converted("ccr-full.json")
    long = "openrouter/google/gemini-2.5-pro"
    assert links(imported, "default") == [
        "deepseek/deepseek-chat",
        "gwdg_saia/qwen3-coder-30b",
        long,
    ]
    assert links(imported, "fast") == [
        "ollama/qwen2.5-coder:latest",
        "deepseek/deepseek-chat",
        long,
    ]
    assert links(imported, "reasoning") == ["deepseek/deepseek-reasoner", long]
    assert links(imported, "long-context") == [long]
    assert links(imported, "web-search") == ["gemini/gemini-2.5-flash"]


def test_a_model_without_a_route_gets_an_alias_and_keeps_its_name(converted: Convert) -> None:
    imported = converted("ccr-full.json")
    assert links(imported, "openrouter-qwen-qwen3-coder") == ["openrouter/qwen/qwen3-coder"]
    assert imported.section["model_patterns"] == {
        "openrouter,qwen/qwen3-coder": "openrouter-qwen-qwen3-coder",
        "openrouter,deepseek/deepseek-chat:free": "openrouter-deepseek-deepseek-chat:free",
        "claude-*haiku*": "fast",
        "claude-*": "default",
    }


def test_addresses_lose_the_path_of_one_endpoint(converted: Convert) -> None:
    providers = converted("ccr-full.json").section["providers"]
    assert {name: entry["api_base"] for name, entry in providers.items()} == {
        "openrouter": "https://openrouter.ai/api/v1",
        "deepseek": "https://api.deepseek.com",
        "ollama": "http://localhost:11434/v1",
        "gemini": "https://generativelanguage.googleapis.com/v1beta/openai",
        "gwdg_saia": "https://chat-ai.academiccloud.de/v1",
    }
    assert {name: entry.get("api_key") for name, entry in providers.items()} == {
        "openrouter": "${OPENROUTER_API_KEY}",
        "deepseek": "${DEEPSEEK_API_KEY}",
        "ollama": None,
        "gemini": "${GEMINI_API_KEY}",
        "gwdg_saia": "${SAIA_KEY}",
    }


def test_what_has_no_counterpart_is_told(converted: Convert) -> None:
    assert [*told(converted("ccr-full.json"))] == [
        "Providers[0].transformer",
        "Providers[1].transformer",
        "Providers[3].transformer",
        "fallback.default[1]",
        "Router.longContextThreshold",
        "Router.webSearch",
        "Router.longContext",
        "APIKEY",
        "HOST",
        "PROXY_URL",
        "CUSTOM_ROUTER_PATH",
    ]


def test_an_endpoint_in_anthropics_protocol_is_called_in_it(converted: Convert) -> None:
    imported = converted("ccr-anthropic.json")
    assert imported.section["providers"] == {
        "anthropic": {
            "api_base": "https://api.anthropic.com",
            "api_key": "${ANTHROPIC_API_KEY}",
        },
        # The plugin's name belongs to the plugin's address.
        "anthropic_custom": {
            "api_base": "https://gateway.example.net/anthropic",
            "api_key": "${ANTHROPIC_CUSTOM_API_KEY}",
            "protocol": "anthropic",
        },
    }
    assert links(imported, "fast") == ["anthropic/claude-haiku-4-5"]
    assert links(imported, "review") == ["anthropic_custom/claude-opus-4-1"]
    assert "reasoning" not in imported.section["models"]


def test_empty_settings_are_no_settings(converted: Convert) -> None:
    imported = converted("ccr-minimal.json")
    assert [*told(imported)] == ["Providers[0].transformer"]
    assert links(imported, "default") == ["openai/gpt-5"]
    assert imported.section["providers"]["openai"]["api_base"] == "https://api.openai.com/v1"


def test_milliseconds_become_seconds(converted: Convert) -> None:
    assert converted("ccr-full.json").section["router"] == {"timeout": 600}
