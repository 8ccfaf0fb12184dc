"""opencode."""

import json
from typing import Any

from agentbox_cli.api import (
    AgentSpec,
    Alias,
    Connection,
    Launch,
    Protocol,
    Settings,
    SettingsFormat,
    ToolProgram,
)

CONFIG = "${XDG_CONFIG_HOME:-~/.config}/opencode/opencode.json"


def model(alias: Alias) -> dict[str, Any]:
    about: dict[str, Any] = {"name": alias.name}
    if alias.context_window:
        about["limit"] = {"context": alias.context_window, "output": 32_000}
    return about


def provider(to: Connection) -> dict[str, Any]:
    return {
        "npm": "@ai-sdk/openai-compatible",
        "name": "agentbox",
        "options": {"baseURL": to.v1, "apiKey": to.key},
        "models": {alias.name: model(alias) for alias in to.aliases},
    }


def chosen(to: Connection) -> dict[str, Any]:
    return {
        "model": f"agentbox/{to.model.name}",
        "small_model": f"agentbox/{to.fast.name}",
        "provider": {"agentbox": provider(to)},
    }


def launch(to: Connection) -> Launch:
    return Launch(env={"OPENCODE_CONFIG_CONTENT": json.dumps(chosen(to))})


def settings(to: Connection) -> tuple[Settings, ...]:
    about = chosen(to)
    values = (
        (("model",), about["model"]),
        (("small_model",), about["small_model"]),
        (("provider", "agentbox"), about["provider"]["agentbox"]),
    )
    return (Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),)


def tools(url: str) -> tuple[Settings, ...]:
    entry = {"type": "remote", "url": url, "enabled": True, "oauth": False}
    values = ((("mcp", "agentbox"), entry),)
    return (Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),)


def server(program: ToolProgram) -> tuple[Settings, ...]:
    entry = {"type": "local", "command": [program.command, *program.args], "enabled": True}
    values = ((("mcp", "agentbox-models"), entry),)
    return (Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),)


AGENT = AgentSpec(
    name="opencode",
    title="opencode",
    program="opencode",
    install="npm install -g opencode-ai",
    protocol=Protocol.OPENAI_CHAT,
    launch=launch,
    settings=settings,
    tools=tools,
    server=server,
    minimum="1.0.0",
    docs_url="https://opencode.ai/docs",
)
