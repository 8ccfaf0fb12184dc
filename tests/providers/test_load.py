from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from agentbox_cli.config.problems import Problem
from agentbox_cli.config.rules import Rule
from agentbox_cli.errors import ConfigError
from agentbox_cli.providers import registry
from agentbox_cli.providers.load import find_problems, load_setup
from agentbox_cli.providers.resolved import KeyState

SEED = Path(__file__).parent.parent / "data" / "seed-config.yml"
KEYS = {"OPENAI_API_KEY": "dummy-1", "GWDG_API_KEY": "dummy-2", "ANTHROPIC_API_KEY": "dummy-3"}

# Lines are counted from here: `litellm:` is line 1.
SOUND = """\
litellm:
  providers:
    openai:
      api_key: ${OPENAI_API_KEY}
  models:
    default:
      - provider: openai
        model: gpt-4o
"""

WritePlugin = Callable[..., EntryPoint]


def write(directory: Path, text: str) -> Path:
    file = directory / "config.yml"
    file.write_text(text)
    return file


def places(problems: list[Problem]) -> list[str]:
    return [f"{found.line}:{found.column} {found.severity.value}" for found in problems]


def check(directory: Path, text: str, environ: Mapping[str, str] = KEYS) -> list[Problem]:
    return find_problems(write(directory, text), environ, None)


def test_of_the_seed_config_only_the_unused_provider_is_told() -> None:
    setup = load_setup(SEED, KEYS, None)
    (problem,) = setup.problems
    assert (problem.rule, problem.path) == (Rule.UNUSED_PROVIDER, "litellm.providers.anthropic")
    assert find_problems(SEED, KEYS, None) == [problem]
    assert list(setup.resolved.chains)[:4] == ["default", "fast", "code", "reasoning"]
    assert setup.resolved.providers["gwdg_saia"].key.state is KeyState.SET


def test_an_unset_key_is_a_warning_at_its_place(tmp_path: Path) -> None:
    text = SOUND + "      - provider: gwdg_saia\n        model: deepseek-r1\n"
    text = text.replace("  models", "    gwdg_saia:\n      api_key: ${GWDG_API_KEY}\n  models")
    (problem,) = check(tmp_path, text, {"OPENAI_API_KEY": "dummy-1"})
    assert places([problem]) == ["6:16 warning"]
    assert problem.message == "GWDG_API_KEY is not set; links to gwdg_saia are skipped"
    assert problem.excerpt.strip() == "api_key: ${GWDG_API_KEY}"


def test_a_variable_that_is_set_but_empty_is_told_apart(tmp_path: Path) -> None:
    (warning, _) = check(tmp_path, SOUND, {"OPENAI_API_KEY": ""})
    assert warning.message.startswith("OPENAI_API_KEY is set but empty; ")


def test_an_alias_without_a_usable_link_is_an_error_at_the_alias(tmp_path: Path) -> None:
    problems = check(tmp_path, SOUND, {})
    assert places(problems) == ["4:16 warning", "6:5 error"]
    assert problems[1].path == "litellm.models.default"


def test_an_alias_without_a_usable_link_does_not_keep_the_setup_from_loading(
    tmp_path: Path,
) -> None:
    setup = load_setup(write(tmp_path, SOUND), {}, None)
    assert places(list(setup.problems)) == ["4:16 warning", "6:5 error"]
    assert not setup.resolved.chains["default"].usable


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("provider: openai", "provider: opneai", "7:19 error", "unknown provider 'opneai'"),
        (
            "    openai:\n      api_key",
            "    opnai:\n      api_key",
            "3:5 error",
            "no plugin knows",
        ),
        (
            "provider: openai",
            "provider: anthropic",
            "7:19 error",
            "provider 'anthropic' is not configured",
        ),
        (
            "gpt-4o\n",
            "gpt-4o\n      - provider: openai\n        model: text-embedding-3-small\n",
            "10:16 error",
            "alias 'default' mixes",
        ),
        (
            "  models:",
            "  model_patterns:\n    gpt-*: defalt\n  models:",
            "6:12 error",
            "unknown alias 'defalt'",
        ),
        (
            "  models:",
            "      headers:\n        X-Team: ${TEAM}\n  models:",
            "6:17 warning",
            "TEAM is not set; the header is left out",
        ),
    ],
)
def test_each_problem_has_its_place(
    tmp_path: Path, old: str, new: str, place: str, message: str
) -> None:
    problems = check(tmp_path, SOUND.replace(old, new, 1))
    assert place in places(problems)
    (found,) = [problem for problem in problems if places([problem]) == [place]]
    assert found.message.startswith(message)


def test_an_error_keeps_the_setup_from_loading_and_is_shown_with_a_caret(tmp_path: Path) -> None:
    file = write(tmp_path, SOUND.replace("provider: openai", "provider: opneai"))
    with pytest.raises(ConfigError) as raised:
        load_setup(file, KEYS, None)
    assert raised.value.message.splitlines() == [
        f"{file} cannot be used:",
        "config.yml:7:19: error: litellm.models.default[0].provider: unknown provider 'opneai'",
        " 7 |       - provider: opneai",
        "   |                   ^^^^^^",
        " hint: did you mean 'openai'?",
    ]


def test_a_faulty_text_is_reported_without_resolving_anything(tmp_path: Path) -> None:
    problems = check(tmp_path, SOUND.replace("models:", "modles:"))
    assert places(problems) == ["5:3 error"]


def test_a_shared_env_file_is_a_warning_where_providers_stand(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("OPENAI_API_KEY=dummy-1\n")
    env.chmod(0o644)
    (problem,) = check(tmp_path, SOUND, {})
    assert places([problem]) == ["2:3 warning"]
    assert problem.message == f"{env} holds keys but is open to other users: chmod 600"


def test_a_key_in_the_working_directory_is_told_by_its_source(tmp_path: Path) -> None:
    env = tmp_path / "project" / ".agentbox" / ".env"
    env.parent.mkdir(parents=True)
    env.touch(mode=0o600)
    env.write_text("OPENAI_API_KEY=dummy-1\n")
    setup = load_setup(write(tmp_path, SOUND), {}, tmp_path / "project")
    assert setup.resolved.providers["openai"].key.source == ".agentbox/.env"


def test_both_a_key_and_its_file_are_an_error(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "dummy-1", "OPENAI_API_KEY_FILE": "/nowhere"}
    problems = check(tmp_path, SOUND, environ)
    assert places(problems) == ["4:16 error", "6:5 error"]
    assert problems[0].message == "both OPENAI_API_KEY and OPENAI_API_KEY_FILE are set"


def test_a_broken_plugin_is_a_problem_only_where_the_config_names_it(
    tmp_path: Path, plugin: WritePlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [*entry_points(group="agentbox.plugins"), plugin("acme", "1 / 0")]
    monkeypatch.setattr(registry, "entry_points", lambda **_: points)
    assert check(tmp_path, SOUND) == []
    (problem,) = check(tmp_path, SOUND.replace("  models:", "    acme: {}\n  models:"))
    assert places([problem]) == ["5:5 error"]
    assert "its plugin is broken: ZeroDivisionError: division by zero" in problem.message


def test_a_plugin_that_is_switched_off_is_told_so(tmp_path: Path) -> None:
    problems = check(tmp_path, SOUND, {**KEYS, "AGENTBOX_DISABLE_PLUGINS": "openai"})
    assert places(problems) == ["3:5 error"]
    assert "its plugin is disabled: disabled by AGENTBOX_DISABLE_PLUGINS" in problems[0].message
