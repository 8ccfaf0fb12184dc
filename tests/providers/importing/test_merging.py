"""What is missing is added; what stands there is kept, byte for byte, and told."""

import difflib
from pathlib import Path

import pytest

from agentbox_cli.config.document import parse
from agentbox_cli.config.validate import validate
from agentbox_cli.errors import ConfigError
from agentbox_cli.providers.importing.merging import bring_in, plan
from agentbox_cli.providers.registry import Registry
from tests.providers.importing.conftest import FILES, Convert

SEED = (Path(__file__).parents[2] / "data" / "seed-config.yml").read_text()
SOURCES = sorted(file.name for file in FILES.iterdir())


def lost(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return [line for line in lines if line.startswith("- ")]


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_comes_into_the_seed_without_changing_a_line(
    name: str, converted: Convert, registry: Registry
) -> None:
    after = bring_in(parse(SEED, "it"), converted(name).section, registry)
    assert lost(SEED, after) == []
    host, issues = validate(parse(after, "it"))
    assert host is not None
    assert issues == ()


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(
    "before", ["", "# mine\n", "version: 1  # mine\n", "litellm:\nweb: {a: 1}\n"]
)
def test_every_source_comes_into_a_file_without_our_section(
    name: str, before: str, converted: Convert, registry: Registry
) -> None:
    document = parse(before, "it")
    after = bring_in(document, converted(name).section, registry)
    assert validate(parse(after, "it"))[1] == ()
    assert plan(document, converted(name).section, registry).conflicts == ()
    assert lost(before, after) in ([], ["- litellm:\n"])[: 1 + after.startswith("litellm")]


@pytest.mark.parametrize("name", SOURCES)
def test_a_second_import_adds_nothing(name: str, converted: Convert, registry: Registry) -> None:
    section = converted(name).section
    for before in ("", SEED):
        once = bring_in(parse(before, "it"), section, registry)
        assert bring_in(parse(once, "it"), section, registry) == once


def test_an_alias_that_stands_there_is_kept_and_told(
    converted: Convert, registry: Registry
) -> None:
    planned = plan(parse(SEED, "it"), converted("litellm-order.yaml").section, registry)
    chain = "openai/gpt-4o, gwdg_saia/llama-3.3-70b, anthropic/claude-sonnet-4-5"
    assert planned.additions == ()
    assert [(note.where, note.why) for note in planned.conflicts] == [
        ("litellm.models.default", f"stays as it is; the source has {chain}"),
        ("litellm.router.num_retries", "stays as it is; the source says 2"),
        ("litellm.router.timeout", "stays as it is; the source says 90"),
        ("litellm.router.stream_timeout", "stays as it is; the source says 30"),
        ("litellm.router.retry_after_seconds", "stays as it is; the source says 45"),
    ]


def test_another_account_of_the_same_name_gets_a_name_of_its_own(
    converted: Convert, registry: Registry
) -> None:
    before = (
        "litellm:\n  providers:\n    anthropic: {api_base: 'https://mine.example'}\n"
        "    example: {api_base: 'https://llm.example.org/v1'}\n"
    )
    section = converted(
        "it",
        """
        model_list:
          - {model_name: a, litellm_params: {model: claude-x}}
          - model_name: b
            litellm_params: {model: openai/b, api_base: "https://llm.example.org/v1", api_key: k-1}
        """,
    ).section
    planned = plan(parse(before, "it"), section, registry)
    after = parse(bring_in(parse(before, "it"), section, registry), "it").data["litellm"]
    assert after["providers"]["anthropic_2"] == {
        "api_base": "https://api.anthropic.com",
        "api_key": "${ANTHROPIC_API_KEY}",
        "protocol": "anthropic",
    }
    assert after["models"]["a"] == [{"provider": "anthropic_2", "model": "claude-x"}]
    assert after["providers"]["example_2"] == {
        "api_base": "https://llm.example.org/v1",
        "api_key": "${EXAMPLE_API_KEY}",
    }
    assert after["models"]["b"] == [{"provider": "example_2", "model": "b"}]
    why = "has another address or key; the one of the source is"
    assert [(note.where, note.why) for note in planned.conflicts] == [
        ("litellm.providers.anthropic", f"{why} anthropic_2"),
        ("litellm.providers.example", f"{why} example_2"),
    ]


def test_the_same_account_is_found_under_any_name(converted: Convert, registry: Registry) -> None:
    document = parse(SEED, "it")
    section = converted("litellm-literal-keys.yaml").section
    planned = plan(document, section, registry)
    assert planned.names == {
        "openai": "openai_2",
        "openai_2": "openai_2_2",
        "openai_3": "openai",  # the one whose key is in OPENAI_API_KEY
        "example": "example",
    }
    models = parse(bring_in(document, section, registry), "it").data["litellm"]["models"]
    assert models["third"] == [{"provider": "openai", "model": "gpt-4.1"}]
    assert [link["provider"] for link in models["first"]] == ["openai_2", "openai_2_2"]


def test_a_provider_that_relies_on_its_plugin_is_the_same(
    converted: Convert, registry: Registry
) -> None:
    before = parse("litellm:\n  providers:\n    openai: {}\n", "it")
    planned = plan(before, converted("ccr-minimal.json").section, registry)
    assert planned.conflicts == ()
    assert [path[-1] for path, _ in planned.additions] == ["default", "claude-*"]


@pytest.mark.parametrize(
    "before", ["litellm: [", "a: 1\n\tb: 2\n", "litellm: 5\n", "litellm: {providers: [a]}\n"]
)
def test_a_broken_config_is_refused(before: str, converted: Convert, registry: Registry) -> None:
    with pytest.raises(ConfigError):
        bring_in(parse(before, "it"), converted("ccr-minimal.json").section, registry)


def test_an_empty_section_is_filled(converted: Convert, registry: Registry) -> None:
    section = converted("ccr-minimal.json").section
    after = bring_in(parse("litellm: {}\n", "it"), section, registry)
    assert {*section} <= {*parse(after, "it").data["litellm"]}
