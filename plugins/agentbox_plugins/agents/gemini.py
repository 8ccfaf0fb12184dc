"""Google's Gemini CLI."""

import json
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

DIRECTORY = "${GEMINI_CLI_HOME:-~}/.gemini"
CONFIG = f"{DIRECTORY}/settings.json"
# What would lead it to another service, or another part of it.
ELSEWHERE = (
    "GEMINI_API_KEY_AUTH_MECHANISM",
    "GOOGLE_API_KEY",
    "GOOGLE_GENAI_API_VERSION",
    "GOOGLE_GENAI_USE_GCA",
    "GOOGLE_GENAI_USE_VERTEXAI",
)
# It takes every model that it does not know for one of so many tokens (measured, 0.61).
TAKEN_FOR = 1_048_576
# Of the window, where it is to shorten the conversation.
FULL = 0.7


def variables(to: Connection) -> dict[str, str]:
    return {"GOOGLE_GEMINI_BASE_URL": to.url, "GEMINI_API_KEY": to.key}


def choices(model: Alias) -> dict[tuple[str, ...], Any]:
    # Where a login at Google is selected, or nothing, it does not look at the address.
    values: dict[tuple[str, ...], Any] = {("security", "auth", "selectedType"): "gemini-api-key"}
    if model.context_window:
        share = round(FULL * min(model.context_window / TAKEN_FOR, 1), 4)
        values["model", "compressionThreshold"] = share
    return values


def launch(to: Connection) -> Launch:
    forced: dict[str, Any] = {}
    for path, value in choices(to.model).items():
        place = forced
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = value
    return Launch(
        env={
            **variables(to),
            "GEMINI_MODEL": to.model.name,
            # The only settings that win over the user's.
            "GEMINI_CLI_SYSTEM_SETTINGS_PATH": f"{PRIVATE}/settings.json",
        },
        unset=ELSEWHERE,
        files={"settings.json": json.dumps(forced, indent=2) + "\n"},
    )


def settings(to: Connection) -> tuple[Settings, ...]:
    values = (*choices(to.model).items(), (("model", "name"), to.model.name))
    env = tuple(((name,), value) for name, value in variables(to).items())
    return (
        Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),
        Settings(path=f"{DIRECTORY}/.env", format=SettingsFormat.ENV, values=env),
    )


def tools(url: str) -> tuple[Settings, ...]:
    values = ((("mcpServers", "agentbox"), {"httpUrl": url}),)
    return (Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),)


def server(program: ToolProgram) -> tuple[Settings, ...]:
    entry = {"command": program.command, "args": list(program.args)}
    values = ((("mcpServers", "agentbox-models"), entry),)
    return (Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),)


AGENT = AgentSpec(
    name="gemini",
    title="Gemini CLI",
    program="gemini",
    install="npm install -g @google/gemini-cli",
    protocol=Protocol.GOOGLE_GENERATE,
    launch=launch,
    settings=settings,
    tools=tools,
    server=server,
    minimum="0.10.0",
    names={
        "gemini-*flash*": ("fast", "default"),
        "gemini-*pro*": ("code", "default"),
    },
    docs_url="https://geminicli.com/docs",
    note="after `connect`, a project's own .env hides the one that leads to the proxy",
)
