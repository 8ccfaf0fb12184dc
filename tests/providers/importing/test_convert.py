"""Every source file becomes a section that our own check accepts; no key ever comes along."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.config.document import parse
from agentbox_cli.config.problems import Severity
from agentbox_cli.config.references import names
from agentbox_cli.config.validate import validate
from agentbox_cli.errors import ConfigError
from agentbox_cli.providers.importing.convert import convert
from agentbox_cli.providers.importing.model import Imported, Source
from agentbox_cli.providers.importing.section import section_text
from agentbox_cli.providers.registry import PluginChoice, Registry, discover
from agentbox_cli.providers.resolve import resolve
from tests.providers.importing.conftest import FILES, Convert

SECRETS = re.compile(r"secret|sk-literal|hunter2|\b000\d\b")
SOURCES = sorted(FILES.iterdir())


def check(imported: Imported, registry: Registry) -> None:
    """The section is written as it is, validates, resolves, and names no key but by variable."""
    text = section_text(imported.section)
    document = parse(text, "section")
    assert document.faults == ()
    written = document.data["litellm"]
    assert {name: written[name] for name in imported.section if name != "router"} == {
        name: value for name, value in imported.section.items() if name != "router"
    }
    assert imported.section.get("router", {}).items() <= written["router"].items()
    host, issues = validate(document)
    assert issues == ()
    assert host is not None
    resolved, found = resolve(host, registry, lambda _: None)
    assert [issue.message for issue in found if issue.severity is Severity.ERROR] == []
    assert {*imported.section["models"]} <= {*resolved.chains}
    used = {link["provider"] for links in imported.section["models"].values() for link in links}
    assert used == {*imported.section["providers"]}
    assert {key.variable for key in imported.keys} == variables(imported.section["providers"])


def variables(providers: dict[str, Any]) -> set[str]:
    texts = [entry.get("api_key", "") for entry in providers.values()]
    texts += [text for entry in providers.values() for text in entry.get("headers", {}).values()]
    return {name for text in texts for name in names(text)}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.name)
def test_every_source_becomes_a_section_that_resolves(
    file: Path, converted: Convert, registry: Registry
) -> None:
    check(converted(file.name), registry)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.name)
def test_no_key_of_a_source_comes_along(file: Path, converted: Convert) -> None:
    imported = converted(file.name)
    told = [section_text(imported.section), repr(imported)]
    told += [f"{note.where} {note.what} {note.why}" for note in imported.notes]
    assert SECRETS.findall("\n".join(told).replace("_SECRET", "")) == []


def test_the_sources_hold_keys_that_could_come_along() -> None:
    assert sum(len(SECRETS.findall(file.read_text())) for file in SOURCES) > 10


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.name)
def test_a_source_is_known_without_being_told(file: Path, converted: Convert) -> None:
    assert converted(file.name).source == file.name.partition("-")[0]


def test_a_source_may_be_told(converted: Convert) -> None:
    with pytest.raises(ConfigError, match=r"is not a LiteLLM config\.yaml"):
        converted("llm-models.yaml", source=Source.LITELLM)
    with pytest.raises(ConfigError, match=r"is not an extra-openai-models\.yaml of llm"):
        converted("ccr-full.json", source=Source.LLM)
    assert converted("ccr-full.json", source=Source.CCR) == converted("ccr-full.json")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("model_list:", "it names no model"),
        ("model_list: text", "it names no model"),
        ("model_list: [{model_name: x}]", "model_list[0]: entry: it has no litellm_params"),
        ('{"Providers": [{"name": "x"}]}', "Providers[0].api_base_url: address: it is missing"),
        ("- model_id: x\n  api_type: azure", "[0].api_type: Azure: only LiteLLM"),
    ],
)
def test_a_source_without_a_usable_model_is_refused_with_the_first_reason(
    converted: Convert, text: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match="nothing in it can be taken over") as caught:
        converted("it", text)
    assert (caught.value.hint or "").startswith(hint)


WORDS = st.sampled_from(
    [
        *("", "x", "no", "default", "openai", "gpt-4o", "openai/gpt-4o", "azure/x", "a/b", "a,b"),
        *("*", "claude-*", "\u00e9 [x]", "\u2028", "x" * 1_500, "os.environ/K", "$K", "${K"),
        *("sk-abcdefgh12345678", "not-needed", "http://localhost:1/v1", "https://a@b/"),
        *("http://[", "http://h:99999999/v1"),
    ]
)
SCALARS = WORDS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(WORDS, below, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["default", "a/b", "no", "a b", "claude-*", "text-embedding-3-small", "x"])
MODELS = st.sampled_from(
    [
        "openai/gpt-4o",
        "gpt-4o",
        "groq/a",
        "openai/text-embedding-3-small",
        "claude-x",
        "ollama/b:c",
    ]
)
ADDRESSES = st.sampled_from(
    [
        "https://api.openai.com/v1/chat/completions",
        "http://localhost:1/v1",
        "https://a.b.c/v1/messages",
    ]
)
KEYS = st.sampled_from(["os.environ/K", "$K", "sk-abcdefgh12345678", "not-needed"])
NUMBERS = st.integers(0, 200) | st.floats(0, 200)


def mostly(strategy: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> Any:
    """Something of the right kind, nine times in ten."""
    return st.integers(0, 9).flatmap(lambda number: strategy if number else odd)


def objects(
    needed: dict[str, st.SearchStrategy[Any]], **more: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    fields = {name: mostly(strategy, VALUES) for name, strategy in needed.items()}
    optional = {name: mostly(strategy, VALUES) for name, strategy in more.items()}
    return st.fixed_dictionaries(fields, optional=optional)


PARAMS = objects(
    {"model": mostly(MODELS, WORDS)},
    api_base=mostly(ADDRESSES, WORDS),
    api_key=mostly(KEYS, WORDS),
    order=st.integers(),
    timeout=NUMBERS,
    stream_timeout=NUMBERS,
    extra_headers=st.dictionaries(WORDS, WORDS, max_size=2),
    additional_drop_params=st.lists(WORDS, max_size=2),
    custom_llm_provider=WORDS,
)
GROUPS = st.lists(st.dictionaries(NAMES, st.lists(NAMES, max_size=3), max_size=2), max_size=3)
ROUTER = objects(
    {},
    fallbacks=GROUPS,
    context_window_fallbacks=GROUPS,
    default_fallbacks=st.lists(NAMES, max_size=2),
    model_group_alias=st.dictionaries(WORDS, NAMES, max_size=3),
    num_retries=NUMBERS,
    timeout=NUMBERS,
    cooldown_time=NUMBERS,
)
DEPLOYMENT = objects(
    {"model_name": mostly(NAMES, WORDS), "litellm_params": PARAMS},
    model_info=objects({}, max_input_tokens=st.floats()),
)
LITELLM = objects(
    {"model_list": st.lists(DEPLOYMENT, min_size=1, max_size=4)},
    router_settings=ROUTER,
    litellm_settings=ROUTER,
    x=VALUES,
)
ROUTED = st.sampled_from(["a,x", "a b,x", "a,no", "openai,default", "nobody,x"])
ROUTES = st.sampled_from(["default", "background", "think", "longContext", "webSearch", "a b"])
CCR = objects(
    {
        "Providers": st.lists(
            objects(
                {
                    "name": mostly(st.sampled_from(["a", "a b", "openai"]), WORDS),
                    "api_base_url": mostly(ADDRESSES, WORDS),
                    "models": st.lists(NAMES, max_size=3),
                },
                api_key=mostly(KEYS, WORDS),
                transformer=objects({}, use=st.lists(WORDS, max_size=2)),
            ),
            max_size=3,
        )
    },
    Router=st.dictionaries(ROUTES, ROUTED),
    fallback=st.dictionaries(ROUTES, st.lists(ROUTED, max_size=2)),
    API_TIMEOUT_MS=NUMBERS,
)
LLM = st.lists(
    objects(
        {"model_id": mostly(NAMES, WORDS)},
        model_name=NAMES,
        api_base=ADDRESSES,
        api_key_name=NAMES,
        aliases=st.lists(WORDS, max_size=3),
        headers=st.dictionaries(WORDS, WORDS, max_size=2),
    ),
    min_size=1,
    max_size=4,
)


@given(data=LITELLM | CCR | LLM, source=st.sampled_from(Source))
def test_any_data_gives_a_sound_section_or_a_config_error(data: Any, source: Source) -> None:
    registry = discover(PluginChoice(bundled_only=True))
    text = json.dumps(data)
    for kind in (None, source):
        try:
            imported = convert(text, "it", registry, {}, kind)
        except ConfigError:
            continue
        check(imported, registry)


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_any_text_gives_a_config_error_or_a_section(text: str) -> None:
    registry = discover(PluginChoice(bundled_only=True))
    for one in (text, f"model_list:{text}", f"- model_id:{text}", f'{{"Providers":{text}'):
        try:
            convert(one, "it", registry, {})
        except ConfigError as error:
            assert error.message  # noqa: PT017 - a section is as good
