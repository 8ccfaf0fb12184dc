"""Who calls, and for which project."""

import pytest

from agentbox_cli.proxy.callers import LENGTH, caller_of, project_name, project_of


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        ("claude-cli/2.1.7 (external, cli)", "claude-code"),
        ("codex_cli_rs/0.91.0 (Debian 12.0.0; x86_64)", "codex"),
        ("codex_exec/0.91.0", "codex"),
        ("OpenAI/Python 2.9.0", "openai-python"),
        ("AsyncOpenAI/Python 2.9.0", "openai-python"),
        ("OpenAI/JS 6.1.0", "openai-node"),
        ("Anthropic/Python 0.80.0", "anthropic-python"),
        ("AsyncAnthropic/Python 0.80.0", "anthropic-python"),
        ("Anthropic/JS 0.70.0", "anthropic-node"),
        ("GeminiCLI/0.21.0 (linux; x64)", "gemini-cli"),
        ("QwenCode/0.4.0 (linux; x64)", "qwen-code"),
        ("agentbox-ask", "agentbox-ask"),
        ("curl/8.5.0", "curl"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla"),
        ("python-requests/2.32", "python-requests"),
        ("two words", "two"),
        ("  ", None),
        ("", None),
        ("x" * 500, "x" * LENGTH),
        ("\x1b[31mred\udcff/1", "[31mred"),
    ],
)
def test_a_caller_is_known_by_the_family_of_its_agent(agent: str, family: str | None) -> None:
    assert caller_of({"user-agent": agent}) == family


def test_a_client_without_an_agent_has_no_family() -> None:
    assert caller_of({}) is None


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("thesis", "thesis"),
        ("  two words ", "two words"),
        ("Überblick", "Überblick"),
        ("a\x00b\x1b[1m\udc80", "ab[1m"),
        ("p" * 500, "p" * LENGTH),
        (" ", ""),
    ],
)
def test_a_project_is_short_and_can_be_shown(said: str, name: str) -> None:
    assert project_name(said) == name
    assert project_of({"x-agentbox-project": said}) == name
    name.encode()


def test_a_request_without_a_project_is_for_the_proxys_own() -> None:
    assert project_of({}, "thesis") == "thesis"
    assert project_of({"x-agentbox-project": " "}, "thesis") == "thesis"
    assert project_of({"x-agentbox-project": "other"}, "thesis") == "other"
