from pathlib import Path

from inline_snapshot import snapshot

from tests.fakes.commandline import Agentbox


def test_the_chains_of_the_seed_config_are_as_written(agentbox: Agentbox, seed: Path) -> None:
    aliases = agentbox("litellm", "models", "--json").document["aliases"]
    written = [alias for alias in aliases if alias["source"] == "config"]
    assert {
        alias["alias"]: [f"{link['provider']}/{link['model']}" for link in alias["links"]]
        for alias in written
    } == {
        "default": ["openai/gpt-4o", "gwdg_saia/llama-3.3-70b"],
        "fast": ["openai/gpt-4o-mini", "gwdg_saia/llama-3.3-70b"],
        "code": ["openai/gpt-4o", "gwdg_saia/codestral-22b"],
        "reasoning": ["gwdg_saia/deepseek-r1", "openai/o1"],
    }


def test_the_shape_of_the_json(agentbox: Agentbox, seed: Path) -> None:
    document = agentbox("litellm", "models", "--json").document
    assert document["schema"] == "agentbox.models/1"
    assert document["aliases"][0] == snapshot(
        {
            "alias": "default",
            "source": "config",
            "links": [
                {
                    "link": 1,
                    "provider": "openai",
                    "model": "gpt-4o",
                    "lanes": {
                        "chat": "direct",
                        "messages": "litellm",
                        "responses": "direct",
                        "generate": "direct",
                        "embeddings": "none",
                    },
                    "context_window": 128000,
                },
                {
                    "link": 2,
                    "provider": "gwdg_saia",
                    "model": "llama-3.3-70b",
                    "lanes": {
                        "chat": "direct",
                        "messages": "litellm",
                        "responses": "litellm",
                        "generate": "direct",
                        "embeddings": "none",
                    },
                    "context_window": 128000,
                },
            ],
        }
    )


def test_the_table_for_people(agentbox: Agentbox, seed: Path) -> None:
    result = agentbox("litellm", "models")
    assert (result.exit_code, result.err) == (0, "")
    assert result.out.splitlines()[:5] == snapshot(
        [
            "ALIAS      LINK  PROVIDER   MODEL                   CONTEXT  KEY  SOURCE",
            "default    1/2   openai     gpt-4o                  128,000  set  config",
            "           2/2   gwdg_saia  llama-3.3-70b           128,000  set",
            "fast       1/2   openai     gpt-4o-mini             128,000  set  config",
            "           2/2   gwdg_saia  llama-3.3-70b           128,000  set",
        ]
    )


def test_an_alias_of_plugins_says_whose_it_is(agentbox: Agentbox, seed: Path) -> None:
    aliases = agentbox("litellm", "models", "--json").document["aliases"]
    assert {alias["alias"]: alias["source"] for alias in aliases[4:]} == snapshot(
        {"embedding": "plugin openai", "vision": "plugin gwdg_saia"}
    )
