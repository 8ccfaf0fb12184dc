import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.config.document import parse
from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.schema import (
    json_schema,
    known_paths,
    parse_value,
    schema_text,
    type_at,
)
from agentbox_cli.config.validate import validate
from agentbox_cli.errors import UsageError

ROOT = Path(__file__).parents[2]
SEED = (ROOT / "tests" / "data" / "seed-config.yml").read_text()
FITS = jsonschema.Draft202012Validator(json_schema()).is_valid


def path(text: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdigit() else part for part in text.split("."))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_shipped_schema_is_fresh() -> None:
    shipped = (ROOT / "docs" / "config.schema.json").read_text(encoding="utf-8")
    assert shipped == schema_text(), "run: make docs"


def test_the_seed_example_fits() -> None:
    assert FITS(parse(SEED, "seed").data)


@pytest.mark.parametrize(
    "text",
    [
        "litellm: {}",
        "litellm: {}\nversion: 2\nweb_server: {port: none}",
        "litellm: {router: }",
        "litellm: {providers: , models: , fallbacks: , engine: }",
        "litellm: {providers: {openai: }}",
        "litellm: {providers: {openai: {headers: }}}",
        "litellm: {router: {total_timeout: }}",
        "litellm: {allowed_clients: [alice, 1001]}",
        "litellm: {models: {a: [{provider: openai, model: o/1}]}}",
    ],
)
def test_what_the_model_takes_fits(text: str) -> None:
    document = parse(text, "it")
    assert validate(document)[0] is not None
    assert FITS(document.data)


@pytest.mark.parametrize(
    "text",
    [
        "litelm: {}",
        "litellm:",
        "litellm: []",
        "litellm: {prot: 4000}",
        "litellm: {port: four}",
        "litellm: {port: 70000}",
        "litellm: {enabled: yes}",
        "litellm: {auth: keys}",
        "litellm: {router: {timeout: 0}}",
        "litellm: {router: {timeout: }}",
        "litellm: {models: {a: []}}",
        "litellm: {models: {a: }}",
        "litellm: {models: {a b: [{provider: openai, model: o1}]}}",
        "litellm: {models: {a: [{provider: openai}]}}",
        "litellm: {models: {a: [{provider: open/ai, model: o1}]}}",
        "litellm: {providers: {openai: {api_base: ftp://x}}}",
        "litellm: {providers: {openai: {headers: {'a b': c}}}}",
        "litellm: {providers: {openai: {timeout: 3}}}",
        "litellm: {allowed_clients: [1.5]}",
    ],
)
def test_what_the_model_refuses_does_not_fit(text: str) -> None:
    document = parse(text, "it")
    assert validate(document)[0] is None
    assert not FITS(document.data)


def test_every_field_has_a_description_and_examples_that_fit() -> None:
    for name, section in json_schema()["$defs"].items():
        assert section["description"], name
        for key, field in section["properties"].items():
            node = {**field, "$defs": json_schema()["$defs"]}
            assert field["description"], f"{name}.{key}"
            assert field["examples"], f"{name}.{key}"
            assert None not in field["examples"], f"{name}.{key}: give it examples"
            for example in field["examples"]:
                assert jsonschema.Draft202012Validator(node).is_valid(example), f"{name}.{key}"


def test_every_default_is_that_of_the_model() -> None:
    config = HostConfig.model_validate({"litellm": {}}).litellm
    told = {known: type_at(known).get("default") for known in known_paths()}
    assert told[path("litellm.router.timeout")] == config.router.timeout
    assert told[path("litellm.port")] == config.port
    assert told[path("litellm.bind")] is None


@pytest.mark.parametrize(
    ("place", "text", "value"),
    [
        ("litellm.router.timeout", "90", 90),
        ("litellm.router.timeout", "1.5", 1.5),
        ("litellm.router.timeout", "9e1", 90.0),
        ("litellm.router.total_timeout", "null", None),
        ("litellm.port", "04001", 4001),
        ("litellm.enabled", "false", False),
        ("litellm.fallbacks.on_content_policy", "null", None),
        ("litellm.bind", "null", "null"),
        ("litellm.bind", "", ""),
        ("litellm.auth", "key", "key"),
        ("litellm.providers.x.protocol", "anthropic", "anthropic"),
        ("litellm.providers.x.api_key", "${X:-1}", "${X:-1}"),
        ("litellm.providers.x.headers.n", "12", "12"),
        ("litellm.providers.x", '{"api_key": "${X}"}', {"api_key": "${X}"}),
        ("litellm.providers.x", "{}", {}),
        (
            "litellm.providers.x",
            "api_key: ${X}\napi_base: b",
            {"api_key": "${X}", "api_base": "b"},
        ),
        ("litellm.models.a", "[{provider: p, model: m}]", [{"provider": "p", "model": "m"}]),
        ("litellm.models.a.1", "{provider: p, model: no}", {"provider": "p", "model": "no"}),
        ("litellm.models.a.0.model", "on", "on"),
        ("litellm.models.a.0.drop_params", "[]", []),
        ("litellm.allowed_clients", "[alice, 1001]", ["alice", 1001]),
        ("litellm.allowed_clients.0", "1001", 1001),
        ("litellm.allowed_clients.0", "alice", "alice"),
    ],
)
def test_a_value_is_read_by_the_type_of_its_place(place: str, text: str, value: Any) -> None:
    found = parse_value(path(place), text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("place", "text", "message", "hint"),
    [
        ("litellm.router.timeout", "fast", "must be a number, is 'fast'", None),
        ("litellm.router.timeout", "1e999", "must be a number", None),
        ("litellm.port", "4000.0", "must be a whole number, is '4000.0'", None),
        ("litellm.port", "\uff19", "must be a whole number", None),
        ("litellm.port", "9" * 5000, "must be a whole number", None),
        ("litellm.enabled", "yes", "must be true or false, is 'yes'", "write true"),
        ("litellm.enabled", "False", "must be true or false, is 'False'", "write false"),
        ("litellm.auth", "keys", "must be same-user or key, is 'keys'", "did you mean 'key'?"),
        ("litellm.models.a", "openai/gpt-4o", "must be a list such as [a, b]", None),
        ("litellm.models.a", "[{provider: x", "is not closed", "end it with '}'"),
        ("litellm.models.a", "[*a]", "no '&' anchor", None),
        ("litellm.providers.x", "{api_key: ${X}}", "not YAML", "needs quotes"),
        ("litellm.providers.x", "{a: 1, a: 2}", "stands here twice", None),
        ("litellm.providers.x", "", "must be a section such as {key: value}", None),
        ("litellm.router.tiemout", "1", "unknown key 'tiemout' in litellm.router", "'timeout'"),
        ("litellm.xyzzy", "1", "unknown key 'xyzzy' in litellm", "known keys: enabled, port"),
        ("litellm.port.x", "1", "litellm.port is a whole number", None),
        ("litellm.models.a.x", "1", "litellm.models.a is a list", "litellm.models.a[0]"),
        ("litellm.router.0", "1", "litellm.router is a section", None),
        ("litellm.providers.0", "1", "litellm.providers is a section", None),
        ("router.timeout", "1", "there is no router.timeout", "did you mean litellm.router."),
        ("litelm.port", "1", "only the 'litellm' section", "did you mean 'litellm'?"),
        ("web_server.port", "1", "only the 'litellm' section", "begins with litellm."),
    ],
)
def test_what_does_not_fit_is_answered_with_what_is_expected(
    place: str, text: str, message: str, hint: str | None
) -> None:
    with pytest.raises(UsageError) as refused:
        parse_value(path(place), text)
    assert message in refused.value.message
    assert (hint or "") in (refused.value.hint or "")
    assert len(refused.value.message) < 200


def test_a_wrong_value_that_looks_like_a_key_is_not_repeated() -> None:
    with pytest.raises(UsageError) as refused:
        parse_value(path("litellm.port"), "sk-abcdef0123456789")
    assert "abcdef" not in refused.value.message


def test_known_paths_take_names_from_the_config() -> None:
    bare, full = known_paths(), known_paths(parse(SEED, "seed").data)
    assert path("litellm.router.timeout") in bare
    assert path("litellm.models.default.1.model") in full
    assert path("litellm.providers.gwdg_saia.protocol") in full
    assert set(bare) < set(full)
    assert len(full) == len(set(full))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    )
)
def test_known_paths_pass_over_what_does_not_fit(data: Any) -> None:
    ours = {"litellm": {"models": data, "providers": {"x": data}, "allowed_hosts": data}}
    for whole in (data, {"litellm": data}, ours):
        for known, node in known_paths(whole).items():
            assert type_at(known) == node


@given(
    st.sampled_from(list(known_paths({"litellm": {"models": {"a": [{}]}}}))), st.text(max_size=20)
)
def test_any_text_is_a_value_or_a_usage_error(place: tuple[str | int, ...], text: str) -> None:
    try:
        parse_value(place, text)
    except UsageError:
        return


def test_the_text_is_json_with_a_last_line_end() -> None:
    assert json.loads(schema_text()) == json_schema()
    assert schema_text().endswith("}\n")
