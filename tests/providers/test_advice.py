from pathlib import Path

import pytest

from agentbox_cli.config.problems import Problem, Severity
from agentbox_cli.config.rules import Rule
from agentbox_cli.providers.load import find_problems

KEYS = {"OPENAI_API_KEY": "dummy-1", "GWDG_API_KEY": "dummy-2", "ANTHROPIC_API_KEY": "dummy-3"}


def advice(directory: Path, section: str) -> list[Problem]:
    """The warnings about `litellm:` with this text below it."""
    file = directory / "config.yml"
    file.write_text(f"litellm: {section}\n")
    problems = find_problems(file, KEYS, None)
    assert {problem.severity for problem in problems} <= {Severity.WARNING}
    return problems


def rules(directory: Path, section: str) -> list[str]:
    return [f"{problem.path}: {problem.rule}" for problem in advice(directory, section)]


ECHO = "{provider: simulated, model: echo}"
GPT = "{provider: openai, model: gpt-4o}"
O1 = "{provider: openai, model: o1}"
SAIA = "{provider: gwdg_saia, model: llama-3.3-70b}"
DEFAULT = f"models: {{default: [{ECHO}]}}"


@pytest.mark.parametrize(
    "section",
    [
        pytest.param(f"{{{DEFAULT}}}", id="the least"),
        pytest.param(f"{{providers: {{openai: }}, models: {{a: [{GPT}]}}}}", id="one link"),
        pytest.param(
            f"{{providers: {{openai: , gwdg_saia: }}, models: {{a: [{GPT}, {O1}, {SAIA}]}}}}",
            id="two of three links at one provider",
        ),
        pytest.param(
            "{models: {a: [{provider: simulated, model: rate-limited}, " + ECHO + "]}}",
            id="a demo",
        ),
        pytest.param(
            f"{{{DEFAULT}, fallbacks: {{on_rate_limit: false, on_context_window: false,"
            " on_error: false}}}".replace("}}}", "}}"),
            id="toggles with nothing to fall back to",
        ),
        pytest.param(
            f"{{router: {{timeout: 60, total_timeout: 90}}, models: {{a: [{ECHO}]}}}}",
            id="a total that is longer than each",
        ),
        pytest.param(
            '{model_patterns: {"claude-haiku-*": default, "claude-*": default, "*": default}, '
            f"{DEFAULT}}}",
            id="patterns from special to general",
        ),
        pytest.param(
            '{allowed_origins: ["http://localhost:5173", "null", "app://x"],'
            f' allowed_hosts: [laptop.local, "a:1", "[::1]:80"], {DEFAULT}}}',
            id="origins and hosts as callers send them",
        ),
        pytest.param(
            "{providers: {lab: {api_base: http://localhost:8000/v1, api_key: not-needed}},"
            " models: {a: [{provider: lab, model: x}]}}",
            id="a server of this machine",
        ),
        pytest.param(
            "{providers: {lab: {api_base: http://10.0.0.1/v1}},"
            " models: {a: [{provider: lab, model: x}]}}",
            id="no key that could be read on the way",
        ),
    ],
)
def test_what_is_meant_draws_no_warning(tmp_path: Path, section: str) -> None:
    assert rules(tmp_path, section) == []


def test_a_provider_that_only_a_plugins_alias_uses_is_used(tmp_path: Path) -> None:
    assert rules(tmp_path, f"{{providers: {{openai: }}, {DEFAULT}}}") == []
    four = ", ".join(f"{alias}: [{ECHO}]" for alias in ("default", "fast", "code", "reasoning"))
    unused = "litellm.providers.anthropic: unused-provider"
    assert rules(tmp_path, f"{{providers: {{anthropic: }}, models: {{{four}}}}}") == [unused]


def test_a_model_that_is_nearly_one_of_the_plugins_is_asked_about(tmp_path: Path) -> None:
    section = "{providers: {openai: }, models: {a: [{provider: openai, model: gpt4o, %s}]}}"
    (near,) = advice(tmp_path, section % "max_input_tokens: 1000")
    assert (near.rule, near.hint) == (Rule.UNKNOWN_MODEL, "did you mean 'gpt-4o'?")
    strange = section.replace("gpt4o", "davinci-002")
    (unknown,) = advice(tmp_path, strange % "timeout: 5")
    assert (unknown.path, unknown.rule) == ("litellm.models.a[0].model", Rule.UNKNOWN_MODEL)
    assert "max_input_tokens" in str(unknown.hint)
    assert advice(tmp_path, strange % "max_input_tokens: 1000") == []


def test_a_shared_provider_is_told_with_what_its_rate_limit_speaks_for(tmp_path: Path) -> None:
    text = "{{providers: {{{0}: }}, models: {{vision: [{{provider: {0}, model: {1}}}, {2}]}}}}"
    (openai,) = advice(tmp_path, text.format("openai", "gpt-4o", O1))
    assert openai.rule is Rule.SHARED_PROVIDER
    assert "when that is down, nothing is left" in openai.message
    (saia,) = advice(tmp_path, text.format("gwdg_saia", "qwen3-32b", SAIA))
    assert "when that is down or rate limited, nothing is left" in saia.message


def test_a_link_that_is_there_twice_is_told_once(tmp_path: Path) -> None:
    section = f"{{providers: {{openai: }}, models: {{a: [{GPT}, {GPT}]}}}}"
    assert rules(tmp_path, section) == ["litellm.models.a[1]: repeated-link"]


@pytest.mark.parametrize(
    ("links", "router", "told"),
    [
        (ECHO, "timeout: 90, total_timeout: 60", ["litellm.router.timeout"]),
        (ECHO, "total_timeout: 60", ["litellm.router.total_timeout"]),
        (
            "{provider: simulated, model: echo, timeout: 90}",
            "timeout: 30, total_timeout: 60",
            ["litellm.models.a[0].timeout"],
        ),
        (
            f"{{provider: simulated, model: hang, timeout: 90}}, {ECHO}",
            "timeout: 120, total_timeout: 60",
            ["litellm.models.a[0].timeout", "litellm.router.timeout"],
        ),
        (
            f"{ECHO}, {{provider: simulated, model: down}}",
            "timeout: 60, total_timeout: 60",
            ["litellm.router.total_timeout"],
        ),
        (
            f"{ECHO}, {{provider: simulated, model: down}}",
            "timeout: 60, total_timeout: 61",
            [],
        ),
    ],
)
def test_a_timeout_that_leaves_no_time_is_told_where_it_stands(
    tmp_path: Path, links: str, router: str, told: list[str]
) -> None:
    problems = advice(tmp_path, f"{{router: {{{router}}}, models: {{a: [{links}]}}}}")
    assert sorted(problem.path for problem in problems) == told
    assert {problem.rule for problem in problems} <= {Rule.TIMEOUT_TOO_LONG}


@pytest.mark.parametrize(
    ("patterns", "reason"),
    [
        ("default: default", "an alias has this name"),
        ("simulated/echo: default", "a provider/model of a chain has this name"),
        ('"*": default, gpt-4: default', "'*' stands before it"),
        ('"gpt-*": default, "gpt-?": default', "'gpt-*' stands before it"),
    ],
)
def test_a_pattern_that_no_name_reaches_is_told(
    tmp_path: Path, patterns: str, reason: str
) -> None:
    (problem,) = advice(tmp_path, f"{{model_patterns: {{{patterns}}}, {DEFAULT}}}")
    assert problem.rule is Rule.DEAD_PATTERN
    assert reason in problem.message


@pytest.mark.parametrize(
    "patterns",
    ['"gpt-?": default, "gpt-*": default', '"gpt-[4]": default, gpt-4: default'],
)
def test_a_pattern_that_may_be_reached_is_left_alone(tmp_path: Path, patterns: str) -> None:
    assert rules(tmp_path, f"{{model_patterns: {{{patterns}}}, {DEFAULT}}}") == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("port: 80", ["litellm.port: low-port"]),
        ("port: 0", []),
        ("bind: localhost", ["litellm.bind: ignored-setting"]),
        ('bind: "::1"', ["litellm.bind: ignored-setting"]),
        ("bind: 192.0.2.1", ["litellm.bind: open-address"]),
        ("bind: 0.0.0.0", ["litellm.bind: open-address", "litellm.bind: no-match"]),
        ("bind: 0.0.0.0, allowed_hosts: [a.local]", ["litellm.bind: open-address"]),
        ("bind: 192.0.2.1, auth: key", ["litellm.bind: open-address"]),
        (
            "bind: 192.0.2.1, auth: same-user",
            ["litellm.bind: open-address", "litellm.auth: ignored-setting"],
        ),
        ("auth: key, allowed_clients: [1]", ["litellm.allowed_clients: ignored-setting"]),
        ("allowed_clients: [1]", []),
        ("allowed_origins: ['*']", ["litellm.allowed_origins[0]: no-match"]),
        ("allowed_origins: [localhost]", ["litellm.allowed_origins[0]: no-match"]),
        ("allowed_origins: ['https://a/b']", ["litellm.allowed_origins[0]: no-match"]),
        ("allowed_hosts: ['*.local']", ["litellm.allowed_hosts[0]: no-match"]),
        ("allowed_hosts: ['http://a']", ["litellm.allowed_hosts[0]: no-match"]),
    ],
)
def test_what_opens_too_much_or_nothing_is_told(
    tmp_path: Path, settings: str, told: list[str]
) -> None:
    assert rules(tmp_path, f"{{{settings}, {DEFAULT}}}") == told


def test_a_key_that_travels_unencrypted_is_told(tmp_path: Path) -> None:
    section = (
        "{providers: {lab: {api_base: http://llm.example/v1, api_key: '${OPENAI_API_KEY}'}},"
        " models: {a: [{provider: lab, model: x}]}}"
    )
    assert rules(tmp_path, section) == ["litellm.providers.lab.api_base: unencrypted"]


@pytest.mark.parametrize(
    ("settings", "told", "hint"),
    [
        (
            "budgets: {per_alias: {defalt: {daily_usd: 1}}}",
            "litellm.budgets.per_alias.defalt: unknown-alias",
            "did you mean 'default'?",
        ),
        (
            "budgets: {per_provider: {opena1: {daily_usd: 1}}}",
            "litellm.budgets.per_provider.opena1: unknown-provider",
            "did you mean 'openai'?",
        ),
        (
            "budgets: {per_alias: {xyzzy: {daily_usd: 1}}}",
            "litellm.budgets.per_alias.xyzzy: unknown-alias",
            None,
        ),
        (
            "usage: {prices: {opena1/o1: {input_usd: 1, output_usd: 1}}}",
            'litellm.usage.prices."opena1/o1": unknown-provider',
            "did you mean 'openai/o1'?",
        ),
        (
            "usage: {prices: {simulated/ecko: {input_usd: 1, output_usd: 1}}}",
            'litellm.usage.prices."simulated/ecko": unknown-model',
            "did you mean 'simulated/echo'?",
        ),
    ],
)
def test_a_price_or_budget_of_nobody_is_told(
    tmp_path: Path, settings: str, told: str, hint: str | None
) -> None:
    (problem,) = advice(tmp_path, f"{{{settings}, {DEFAULT}}}")
    assert (f"{problem.path}: {problem.rule}", problem.hint) == (told, hint)


@pytest.mark.parametrize(
    "settings",
    [
        "budgets: {per_alias: {default: {daily_usd: 1}}}",
        "budgets: {per_provider: {simulated: {daily_usd: 1}}}",
        "budgets: {per_provider: {anthropic: {daily_usd: 1}}}",
        "budgets: {per_caller: {anybody: {daily_usd: 1}}}",
        "usage: {prices: {simulated/echo: {input_usd: 1, output_usd: 1}}}",
        "usage: {prices: {openai/gpt-4o: {input_usd: 1, output_usd: 1}}}",
        "usage: {database: /var/lib/usage.db}",
        "usage: {database: ~/usage.db}",
        "usage: {database: 'sqlite:////var/lib/usage.db'}",
        "usage: {database: 'postgresql://me@db/usage'}",
        "usage: {database: 'postgres://db/usage?sslmode=require'}",
        "usage: {database: 'postgresql+psycopg://me@db:5432/usage'}",
    ],
)
def test_a_price_or_budget_of_somebody_is_left_alone(tmp_path: Path, settings: str) -> None:
    assert rules(tmp_path, f"{{{settings}, {DEFAULT}}}") == []
