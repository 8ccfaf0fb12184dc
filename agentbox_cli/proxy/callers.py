"""Who calls: the family of the client's user agent, and the project that it names."""

from collections.abc import Mapping

LENGTH = 60
PROJECT = "x-agentbox-project"

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
    agent = _plain(headers.get("user-agent", ""))
    for start, family in _FAMILIES.items():
        if agent.startswith(start):
            return family
    return agent.split("/")[0].split(" ")[0][:LENGTH] or None


def project_of(headers: Mapping[str, str]) -> str:
    """The project that a request names; empty if it names none."""
    return _plain(headers.get(PROJECT, "")).strip()[:LENGTH]


def _plain(text: str) -> str:
    # Bytes beyond UTF-8 come as lone surrogates, which no store takes.
    return text.encode("ascii", "replace").decode()
