"""Qwen Code."""

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

CONFIG = "~/.qwen/settings.json"
KEY_VARIABLE = "AGENTBOX_KEY"


def launch(to: Connection) -> Launch:
    return Launch(
        env={
            "OPENAI_API_KEY": to.key,
            "OPENAI_BASE_URL": to.v1,
            "OPENAI_MODEL": to.model.name,
        },
        # Settings of the user may name another way to log in, and another model.
        args=("--auth-type", "openai", "--model", to.model.name),
        shell_args=True,
    )


def model(alias: Alias, to: Connection) -> dict[str, Any]:
    about: dict[str, Any] = {
        "id": alias.name,
        "name": f"agentbox {alias.name}",
        "envKey": KEY_VARIABLE,
        "baseUrl": to.v1,
    }
    if alias.context_window:
        about["generationConfig"] = {"contextWindowSize": alias.context_window}
    return about


def settings(to: Connection) -> tuple[Settings, ...]:
    values = (
        (("env", KEY_VARIABLE), to.key),
        (("modelProviders", "openai"), [model(alias, to) for alias in to.aliases]),
        (("security", "auth", "selectedType"), "openai"),
        (("model", "name"), to.model.name),
    )
    return (Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),)


def tools(url: str) -> tuple[Settings, ...]:
    values = ((("mcpServers", "agentbox"), {"httpUrl": url}),)
    return (Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),)


def server(program: ToolProgram) -> tuple[Settings, ...]:
    entry = {"command": program.command, "args": list(program.args)}
    values = ((("mcpServers", "agentbox-models"), entry),)
    return (Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),)


AGENT = AgentSpec(
    name="qwen",
    title="Qwen Code",
    program="qwen",
    install="npm install -g @qwen-code/qwen-code",
    protocol=Protocol.OPENAI_CHAT,
    launch=launch,
    settings=settings,
    tools=tools,
    server=server,
    minimum="0.15.0",
    docs_url="https://qwenlm.github.io/qwen-code-docs",
)
