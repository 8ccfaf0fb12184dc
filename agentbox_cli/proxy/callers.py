"""Who calls: the family of the client's user agent, and the project that it names."""

from collections.abc import Mapping
from functools import lru_cache

LENGTH = 60
PROJECT = "x-agentbox-project"
# What the project is called in the environment of a command, or of the proxy.
PROJECT_VARIABLE = "AGENTBOX_PROJECT"

# How agents and SDKs begin their user agent, and how people call them (seen with the clients).
_FAMILIES = {
    "claude-cli": "claude-code",
    "codex_cli_rs": "codex",
    "codex_exec": "codex",
    "codex-tui": "codex",
    "OpenAI/Python": "openai-python",
    "AsyncOpenAI/Python": "openai-python",
    "OpenAI/JS": "openai-node",
    "Anthropic/Python": "anthropic-python",
    "AsyncAnthropic/Python": "anthropic-python",
    "Anthropic/JS": "anthropic-node",
    "GeminiCLI": "gemini-cli",
    "QwenCode": "qwen-code",
}


def caller_of(headers: Mapping[str, str]) -> str | None:
    """The family of the client's user agent; None if it has none."""
    return _family(headers.get("user-agent", ""))


@lru_cache
def _family(said: str) -> str | None:
    agent = plain(said)
    for start, family in _FAMILIES.items():
        if agent.startswith(start):
            return family
    return agent.split("/")[0].split(" ")[0][:LENGTH] or None


def project_of(headers: Mapping[str, str], otherwise: str = "") -> str:
    """The project that a request names.

    Args:
        headers: the request's, looked up without regard to case.
        otherwise: the project if it names none.
    """
    said = headers.get(PROJECT)
    return (project_name(said) if said else "") or otherwise


def project_name(said: str) -> str:
    """A project's name as it is kept: short, and of signs that can be shown."""
    return plain(said).strip()[:LENGTH]


def plain(text: str) -> str:
    """A text without the signs that cannot be shown."""
    if text.isprintable():
        return text
    # Bytes beyond UTF-8 come as lone surrogates, which no store takes, and Postgres takes no NUL;
    # terminals obey the others.
    return "".join(sign for sign in text if sign.isprintable())
