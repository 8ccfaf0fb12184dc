"""Claude Code."""

import json
from typing import Any

from agentbox_cli.api import (
    PRIVATE,
    AgentSpec,
    Connection,
    Launch,
    Protocol,
    Settings,
    SettingsFormat,
    ToolProgram,
)

DIRECTORY = "${CLAUDE_CONFIG_DIR:-~/.claude}"
SERVERS = "${CLAUDE_CONFIG_DIR:-~}/.claude.json"
GATEWAY = ("mcpServers", "agentbox")
OUR_SERVER = ("mcpServers", "agentbox-models")
# What would lead it to another service, or show a provider's key.
ELSEWHERE = (
    "ANTHROPIC_API_KEY",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_VERTEX",
)


def variables(to: Connection) -> dict[str, str]:
    env = {
        "ANTHROPIC_BASE_URL": to.url,
        "ANTHROPIC_MODEL": to.model.name,
        "ANTHROPIC_DEFAULT_OPUS_MODEL": to.model.name,
        "ANTHROPIC_DEFAULT_SONNET_MODEL": to.model.name,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": to.fast.name,
        # Otherwise tools of MCP servers are not in the first request (measured, 2.1.330).
        "ENABLE_TOOL_SEARCH": "false",
    }
    if to.model.context_window:
        # It takes an unknown model for one of a million tokens.
        env["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] = str(to.model.context_window)
    return env


def launch(to: Connection) -> Launch:
    env = {**variables(to), "ANTHROPIC_AUTH_TOKEN": to.key}
    return Launch(
        env=env,
        # The `env` of the user's settings.json would win over the environment (measured).
        args=("--settings", f"{PRIVATE}/settings.json"),
        unset=ELSEWHERE,
        files={"settings.json": json.dumps({"env": env}, indent=2) + "\n"},
    )


def settings(to: Connection) -> tuple[Settings, ...]:
    env = variables(to)
    values: list[tuple[tuple[str, ...], Any]]
    values = [(("env", name), value) for name, value in env.items()]
    if to.key_command:
        values.append((("apiKeyHelper",), to.key_command))
    else:
        values.append((("env", "ANTHROPIC_AUTH_TOKEN"), to.key))
    path = f"{DIRECTORY}/settings.json"
    return (Settings(path=path, format=SettingsFormat.JSON, values=tuple(values)),)


def tools(url: str) -> tuple[Settings, ...]:
    # It waits for such a server before its first turn, and `-p` has no other (measured, 2.1.332).
    entry = {"type": "http", "url": url, "alwaysLoad": True}
    return (Settings(path=SERVERS, format=SettingsFormat.JSON, values=((GATEWAY, entry),)),)


def server(program: ToolProgram) -> tuple[Settings, ...]:
    how = {"command": program.command, "args": list(program.args)}
    entry = {"type": "stdio", **how, "alwaysLoad": True}
    return (Settings(path=SERVERS, format=SettingsFormat.JSON, values=((OUR_SERVER, entry),)),)


AGENT = AgentSpec(
    name="claude",
    title="Claude Code",
    program="claude",
    install="npm install -g @anthropic-ai/claude-code",
    protocol=Protocol.ANTHROPIC_MESSAGES,
    launch=launch,
    settings=settings,
    tools=tools,
    server=server,
    minimum="2.0.0",
    key_command=True,
    names={
        "claude-*haiku*": ("fast", "default"),
        "claude-*opus*": ("code", "default"),
        "claude-*sonnet*": ("code", "default"),
    },
    docs_url="https://docs.claude.com/en/docs/claude-code",
)
