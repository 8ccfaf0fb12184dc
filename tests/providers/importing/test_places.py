import pytest

from agentbox_cli.providers.importing.places import Endpoint, UnknownPlaceError, locate
from agentbox_cli.providers.registry import PluginChoice, Registry, discover


def test_a_plugin_is_found_by_its_name_and_by_its_address(registry: Registry) -> None:
    named = locate(Endpoint(name="openai"), registry)
    placed = locate(Endpoint(name="mine", api_base="https://API.openai.com:443/v1"), registry)
    assert named.name == placed.name == "openai"
    assert named.variable == "OPENAI_API_KEY"


def test_the_simulated_provider_is_nobodys_provider(registry: Registry) -> None:
    with pytest.raises(UnknownPlaceError):
        locate(Endpoint(name="simulated"), registry)


def test_an_address_that_speaks_anthropic_is_no_openai_plugin(registry: Registry) -> None:
    endpoint = Endpoint(name="x", api_base="https://api.openai.com/v1", speaks="anthropic")
    assert locate(endpoint, registry).name == "x"


def test_anthropics_plugin_is_called_at_its_own_address(registry: Registry) -> None:
    located = locate(Endpoint(name="openai", api_base="https://api.anthropic.com/v1"), registry)
    assert (located.name, located.api_base) == ("anthropic", "https://api.anthropic.com")


@pytest.mark.parametrize("name", ["azure", "bedrock", "vertex_ai", "azure_ai", "sagemaker_chat"])
def test_what_litellm_signs_itself_has_no_place(name: str, registry: Registry) -> None:
    with pytest.raises(UnknownPlaceError, match="only LiteLLM"):
        locate(Endpoint(name=name, api_base="https://it.example/v1"), registry)


def test_azures_address_is_known_under_any_name(registry: Registry) -> None:
    endpoint = Endpoint(name="mine", api_base="https://x.openai.azure.com/", is_named=True)
    with pytest.raises(UnknownPlaceError, match="only LiteLLM"):
        locate(endpoint, registry)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://llm.example.org/v1", "example"),
        ("http://10.0.0.5:8000/v1", "10_0_0_5"),
        ("http://gpu:8000", "gpu"),
        ("http://localhost:9/v1", "local"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("https://openai.example", "openai_custom"),
        ("http://[::2]:9/v1", "2"),
    ],
)
def test_an_address_gives_a_name(address: str, name: str, registry: Registry) -> None:
    assert locate(Endpoint(name="custom_openai", api_base=address), registry).name == name


def test_without_plugins_the_address_counts() -> None:
    none = discover(PluginChoice(only=frozenset()))
    located = locate(Endpoint(name="openai", api_base="https://api.openai.com/v1"), none)
    assert (located.name, located.speaks) == ("openai", "openai")
    with pytest.raises(UnknownPlaceError, match="no address"):
        locate(Endpoint(name="openai"), none)
