"""Crush."""

from typing import Any

from agentbox_cli.api import (
    PRIVATE,
    AgentSpec,
    Alias,
    Connection,
    Launch,
    Protocol,
    Settings,
    SettingsFormat,
    ToolProgram,
)

DIRECTORY = "${CRUSH_GLOBAL_CONFIG:-${XDG_CONFIG_HOME:-~/.config}/crush}"
CONFIG = f"{DIRECTORY}/crush.json"


def launch(_: Connection) -> Launch:
    return Launch(env={"CRUSH_GLOBAL_CONFIG": PRIVATE}, overlay=DIRECTORY)


def model(alias: Alias) -> dict[str, Any]:
    about: dict[str, Any] = {"id": alias.name, "name": alias.name}
    if alias.context_window:
        about["context_window"] = alias.context_window
    return about


def settings(to: Connection) -> tuple[Settings, ...]:
    provider = {
        "name": "agentbox",
        "type": "openai-compat",
        "base_url": to.v1,
        "api_key": to.key,
        "models": [model(alias) for alias in to.aliases],
    }
    large = {"provider": "agentbox", "model": to.model.name}
    small = {"provider": "agentbox", "model": to.fast.name}
    values = (
        (("providers", "agentbox"), provider),
        (("models", "large"), large),
        (("models", "small"), small),
    )
    return (Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),)


def tools(url: str) -> tuple[Settings, ...]:
    values = ((("mcp", "agentbox"), {"type": "http", "url": url}),)
    return (Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),)


def server(program: ToolProgram) -> tuple[Settings, ...]:
    entry = {"type": "stdio", "command": program.command, "args": list(program.args)}
    values = ((("mcp", "agentbox-models"), entry),)
    return (Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),)


AGENT = AgentSpec(
    name="crush",
    title="Crush",
    program="crush",
    install="npm install -g @charmland/crush",
    protocol=Protocol.OPENAI_CHAT,
    launch=launch,
    settings=settings,
    tools=tools,
    server=server,
    minimum="0.10.0",
    docs_url="https://github.com/charmbracelet/crush",
)
