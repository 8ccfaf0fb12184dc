from agentbox_cli.config.document import parse
from agentbox_cli.providers.importing.section import section_text
from agentbox_cli.providers.registry import Registry
from agentbox_cli.providers.starter import starter_section


def test_a_section_looks_as_the_one_that_init_writes(registry: Registry) -> None:
    specs = [registry.providers["openai"]]
    proposed = starter_section(specs)
    assert section_text(parse(proposed, "it").data["litellm"]) == proposed


def test_an_empty_section_is_yaml_too() -> None:
    written = parse(section_text({}), "it")
    assert not written.faults
    assert written.data["litellm"]["providers"] == {}
    assert written.data["litellm"]["models"] == {}
    assert "model_patterns" not in written.data["litellm"]


def test_odd_names_and_texts_are_quoted() -> None:
    section = {
        "providers": {"no": {"api_base": "http://h/v1", "headers": {"x-é": 'a "b": # c'}}},
        "models": {"0613": [{"provider": "no", "model": "12:30", "timeout": 0.00001}]},
        "model_patterns": {"*": "0613", "a: b": "0613"},
    }
    written = parse(section_text(section), "it").data["litellm"]
    assert {name: written[name] for name in section} == section
