from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from agentbox_cli.config.document import parse
from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.problems import Issue, Severity, locate
from agentbox_cli.config.validate import MAX_ISSUES, validate


def checked(text: str) -> tuple[HostConfig | None, tuple[Issue, ...]]:
    document = parse(text, "config.yml")
    assert document.faults == ()
    return validate(document)


def only_issue(section: str) -> Issue:
    host, (issue,) = checked(f"litellm: {section}\n")
    assert (host is None) == (issue.severity is Severity.ERROR)
    return issue


def test_the_seed_config_is_valid_as_it_stands(seed: Path) -> None:
    host, issues = checked(seed.read_text())
    assert issues == ()
    assert host is not None
    assert list(host.litellm.models) == ["default", "fast", "code", "reasoning"]
    assert host.litellm.models["reasoning"][1].model == "o1"
    assert host.litellm.providers["openai"].api_key is not None


def test_other_sections_are_not_looked_at() -> None:
    host, issues = checked("version: [1, {}]\nlitellm: {}\nports: null\n")
    assert issues == ()
    assert host is not None
    assert host.litellm.port == 4000


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("", ("litellm",), "this section is missing"),
        ("# nothing\n", ("litellm",), "this section is missing"),
        ("paths: {}\n1: 2\n", ("litellm",), "this section is missing"),
        ("litellm:\n", ("litellm",), "this section is empty"),
        ("LiteLM: {}\n", ("LiteLM",), "unknown key 'LiteLM'; did you mean 'litellm'?"),
    ],
)
def test_a_config_without_our_section_says_so(
    text: str, path: tuple[str, ...], message: str
) -> None:
    host, (issue,) = checked(text)
    assert (host, issue.path, issue.message) == (None, path, message)
    assert "did you mean" in message or "agentbox litellm init" in str(issue.hint)


def test_a_broken_document_is_not_validated() -> None:
    assert validate(parse("litellm:\n  a: 1\n  a: 2\n", "c")) == (None, ())


def test_sections_with_nothing_below_them_are_unset() -> None:
    text = "litellm:\n  providers:\n    ollama:\n  fallbacks:\n  router:\n  models:\n  engine:\n"
    host, issues = checked(text)
    assert issues == ()
    assert host is not None
    assert list(host.litellm.providers) == ["ollama"]


LINK = "provider: a, model: b"


@pytest.mark.parametrize(
    ("section", "path", "on", "message", "hint"),
    [
        ("5", "", "value", "must be a section, is a number", None),
        ("[]", "", "value", "must be a section, is a list", None),
        ("{prot: 1}", "prot", "key", "unknown key 'prot'; did you mean 'port'?", None),
        (
            "{timeout: 1}",
            "timeout",
            "key",
            "unknown key 'timeout'",
            "'timeout' belongs below litellm.router",
        ),
        ("{router: {enabled: true}}", "router.enabled", "key", "unknown key 'enabled'", "litellm"),
        (
            "{router: {zzz: 1}}",
            "router.zzz",
            "key",
            "unknown key 'zzz'",
            "known keys: num_retries",
        ),
        ("{1: 2}", 1, "key", "a key must be text", "put it in quotes"),
        ("{null: 2}", "None", "key", "a key must be text", "put it in quotes"),
        ("{providers: {false: {}}}", "providers.False", "key", "a name must be text", "put it in"),
        ("{port: x}", "port", "value", "must be a whole number, is text", None),
        (
            "{port: '40'}",
            "port",
            "value",
            "must be a whole number, is text",
            "write it without quotes",
        ),
        (
            "{port: '${P}'}",
            "port",
            "value",
            "must be a whole number, is text",
            "references such as",
        ),
        ("{port: }", "port", "value", "must be a whole number, is empty", None),
        ("{port: 4.0}", "port", "value", "must be a whole number, is a number", None),
        ("{port: true}", "port", "value", "must be a whole number, is true", None),
        ("{port: 65536}", "port", "value", "must be at most 65535", None),
        ("{port: -1}", "port", "value", "must be at least 0", None),
        (
            "{enabled: yes}",
            "enabled",
            "value",
            "must be true or false, is text",
            "YAML 1.2 reads 'yes' as text; write true",
        ),
        (
            "{enabled: OFF}",
            "enabled",
            "value",
            "must be true or false, is text",
            "YAML 1.2 reads 'off' as text; write false",
        ),
        (
            "{enabled: 'True'}",
            "enabled",
            "value",
            "must be true or false, is text",
            "write it without quotes",
        ),
        ("{enabled: 1}", "enabled", "value", "must be true or false, is a number", None),
        ("{auth: keys}", "auth", "value", "must be 'same-user' or 'key'", "did you mean 'key'?"),
        ("{auth: 5}", "auth", "value", "must be 'same-user' or 'key'", None),
        (
            "{engine: {mode: xyz}}",
            "engine.mode",
            "value",
            "must be 'eager', 'lazy' or 'off'",
            None,
        ),
        ("{router: {timeout: 0}}", "router.timeout", "value", "must be more than 0", None),
        ("{router: {timeout: x}}", "router.timeout", "value", "must be a number, is text", None),
        ("{models: {a: []}}", "models.a", "value", "this chain is empty", "add an item such as"),
        ("{models: {a: }}", "models.a", "value", "must be a list, is empty", None),
        (
            f"{{models: {{a: {{{LINK}}}}}}}",
            "models.a",
            "value",
            "must be a list, is a sec",
            "start",
        ),
        ("{models: {a: b/c}}", "models.a", "value", "must be a list, is text", "start each item"),
        ("{models: {a: [b/c]}}", "models.a.0", "value", "must be a section, is text", None),
        (
            "{models: {a: [{provider: b}]}}",
            "models.a.0.model",
            "value",
            "the key 'model' is missing",
            "model: The provider's own model id.",
        ),
        (
            f"{{models: {{a: [{{{LINK}, modle: x}}]}}}}",
            "models.a.0.modle",
            "key",
            "unknown key 'modle'; did you mean 'model'?",
            None,
        ),
        (
            f"{{models: {{a: [{{{LINK}, drop_params: [1]}}]}}}}",
            "models.a.0.drop_params.0",
            "value",
            "must be text, is a number",
            "put it in quotes",
        ),
        (f"{{models: {{a b: [{{{LINK}}}]}}}}", "models.a b", "key", "this name cannot be", None),
        (
            f"{{models: {{1: [{{{LINK}}}]}}}}",
            "models.1",
            "key",
            "a name must be text",
            "put it in",
        ),
        (
            "{models: {a: [{provider: a, model: b c}]}}",
            "models.a.0.model",
            "value",
            "a model id has no blanks and only ASCII characters",
            None,
        ),
        (
            "{allowed_clients: [a, 1, true]}",
            "allowed_clients.2",
            "value",
            "must be text or a whole number, is true",
            "put it in quotes",
        ),
        (
            "{allowed_clients: [[]]}",
            "allowed_clients.0",
            "value",
            "must be text or a whole number, is a list",
            None,
        ),
        (
            "{providers: {a: {api_base: foo}}}",
            "providers.a.api_base",
            "value",
            "this is not an http:// or https:// address",
            None,
        ),
        (
            "{providers: {a: {api_base: '${B}'}}}",
            "providers.a.api_base",
            "value",
            "this is not an http:// or https:// address",
            "references such as ${NAME} work in api_key, headers and env only",
        ),
        (
            "{providers: {a: {api_key: 5}}}",
            "providers.a.api_key",
            "value",
            "must be text, is a number",
            "put it in quotes",
        ),
        (
            "{providers: {a: {headers: {x y: b}}}}",
            "providers.a.headers.x y",
            "key",
            "this name cannot be used: a header's name",
            None,
        ),
        (
            "{providers: {a: {api_key: '${B'}}}",
            "providers.a.api_key",
            "value",
            "'${' has no closing '}'",
            "write ${NAME}",
        ),
        (
            "{providers: {a: {headers: {x: '${B C}'}}}}",
            "providers.a.headers.x",
            "value",
            "a name between",
            "write ${NAME}",
        ),
        (
            '{providers: {a: {api_key: "x\\ny"}}}',
            "providers.a.api_key",
            "value",
            "this has a line break, so it cannot stand in a header",
            "write ${NAME}",
        ),
        (
            "{providers: {my-ai: {api_key: hunter2}}}",
            "providers.my-ai.api_key",
            "value",
            "a key stands here in clear text",
            "put it into the environment or .env, and write ${MY_AI_API_KEY} here",
        ),
        (
            "{providers: {a: {headers: {X-Api-Key: hunter2}}}}",
            "providers.a.headers.X-Api-Key",
            "value",
            "a key stands here in clear text",
            "put it into",
        ),
        (
            "{providers: {a: {api_key: '${LAB_KEY:-0a1b2c3d4e5f60718293a4b5}'}}}",
            "providers.a.api_key",
            "value",
            "a key stands here in clear text",
            "put it into the environment or .env, and write ${LAB_KEY} here",
        ),
        (
            "{providers: {a: {headers: {Authorization: 'Bearer sk-abcdefgh1234${X}'}}}}",
            "providers.a.headers.Authorization",
            "value",
            "a key stands here in clear text",
            "put it into",
        ),
        (
            "{providers: {a: {api_key: $OPENAI_API_KEY}}}",
            "providers.a.api_key",
            "value",
            "this is read as the key itself, not as the name of a variable",
            "write ${NAME}",
        ),
        (
            "{providers: {a: {api_key: os.environ/OPENAI_API_KEY}}}",
            "providers.a.api_key",
            "value",
            "this is read as the key itself, not as the name of a variable",
            "write ${NAME}",
        ),
    ],
)
def test_what_is_wrong_is_said_in_words(
    section: str, path: str | int, on: str, message: str, hint: str | None
) -> None:
    issue = only_issue(section)
    parts = [path] if isinstance(path, int) else [part for part in path.split(".") if part]
    assert [str(part) for part in issue.path] == ["litellm", *map(str, parts)]
    assert issue.on == on
    assert issue.message.startswith(message)
    assert str(issue.hint).startswith(hint) if hint and hint != "litellm" else True
    assert hint is not None or issue.hint is None


@pytest.mark.parametrize(
    "provider",
    [
        "{api_key: '${A}'}",
        "{api_key: '${A:-not-needed}'}",
        "{api_key: not-needed}",
        "{api_key: }",
        "{headers: {Authorization: 'Bearer ${A}', X-Title: agentbox}}",
        "{headers: {}}",
    ],
)
def test_references_placeholders_and_plain_headers_are_fine(provider: str) -> None:
    host, issues = checked(f"litellm: {{providers: {{a: {provider}}}}}\n")
    assert issues == ()
    assert host is not None


def test_a_warning_does_not_stop_the_config() -> None:
    host, (issue,) = checked("litellm: {providers: {a: {api_key: hunter2}}}\n")
    assert host is not None
    assert issue.severity is Severity.WARNING


def test_everything_wrong_is_said_at_once() -> None:
    _, issues = checked("litellm: {port: x, providers: {a: {api_key: '${'}, b: 1}, models: [1]}\n")
    assert len(issues) == 4


def test_an_endless_list_of_errors_is_cut() -> None:
    keys = ", ".join(f"k{n}: 1" for n in range(MAX_ISSUES * 2))
    assert len(checked(f"litellm: {{{keys}}}\n")[1]) == MAX_ISSUES


def test_messages_never_hold_a_value() -> None:
    section = "{providers: {a: hunter22, b: {api_key: [hunter22], headers: {x: {y: hunter22}}}}}"
    _, issues = checked(f"litellm: {section}\n")
    assert len(issues) == 3
    assert "hunter22" not in repr(issues)


WORDS = [
    "litellm", "providers", "models", "api_key", "headers", "router", "timeout", "fallbacks",
    "on_error", "engine", "mode", "port", "allowed_clients", "provider", "model", "drop_params",
]  # fmt: skip
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from([*WORDS, "${", "yes", ""]),
)
keys = st.one_of(st.sampled_from(WORDS), st.integers(0, 2), st.none(), st.booleans())
trees = st.recursive(
    leaves,
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(keys, below, max_size=4)),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(WORDS), trees, max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_data_is_valid_or_has_located_issues(section: dict[str, Any]) -> None:
    stream = StringIO()
    YAML(typ="safe", pure=True).dump({"litellm": section}, stream)
    document = parse(stream.getvalue(), "c")
    host, issues = validate(document)
    assert (host is None) == any(issue.severity is Severity.ERROR for issue in issues)
    for issue in issues:
        found = document.find(issue.path)
        assert found.exists or document.find(issue.path[:-1]).exists
    assert len(locate(document, issues)) == len(issues)
