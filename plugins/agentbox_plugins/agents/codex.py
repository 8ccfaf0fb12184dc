"""OpenAI's Codex CLI."""

import json
import shlex
from typing import Any

from agentbox_cli.api import (
    DUMMY_KEY,
    AgentSpec,
    Connection,
    Launch,
    Protocol,
    Settings,
    SettingsFormat,
    ToolProgram,
)

CONFIG = "${CODEX_HOME:-~/.codex}/config.toml"
KEY_VARIABLE = "AGENTBOX_KEY"
# Its first turn waits a second for servers, and goes on without the tools of one that needs more
# (measured, 0.169.0).
PATIENCE = (("mcp_optional_startup_grace_ms",), 15_000)


def provider(to: Connection) -> dict[str, Any]:
    return {"name": "agentbox", "base_url": to.v1, "wire_api": "responses"}


def choices(to: Connection) -> dict[str, Any]:
    chosen: dict[str, Any] = {"model": to.model.name, "model_provider": "agentbox"}
    if to.model.context_window:
        chosen["model_context_window"] = to.model.context_window
    return chosen


def launch(to: Connection) -> Launch:
    args: list[str] = []
    flat = {f"model_providers.agentbox.{key}": value for key, value in provider(to).items()}
    keyed = to.key != DUMMY_KEY
    if keyed:
        flat["model_providers.agentbox.env_key"] = KEY_VARIABLE
    for key, value in {**choices(to), **flat}.items():
        args += ["-c", f"{key}={json.dumps(value)}"]
    env = {KEY_VARIABLE: to.key} if keyed else {}
    return Launch(env=env, args=tuple(args), shell_args=True)


def settings(to: Connection) -> tuple[Settings, ...]:
    about = provider(to)
    if to.key_command:
        command, *args = shlex.split(to.key_command)
        if command == "printenv":
            about["env_key"] = args[0]
        else:
            about["auth"] = {"command": command, "args": args}
    values: list[tuple[tuple[str, ...], Any]]
    values = [((name,), value) for name, value in choices(to).items()]
    values.append((("model_providers", "agentbox"), about))
    return (Settings(path=CONFIG, format=SettingsFormat.TOML, values=tuple(values)),)


def tools(url: str) -> tuple[Settings, ...]:
    entry = {"url": url, "startup_timeout_sec": 60}
    values = (PATIENCE, (("mcp_servers", "agentbox"), entry))
    return (Settings(path=CONFIG, format=SettingsFormat.TOML, values=values),)


def server(program: ToolProgram) -> tuple[Settings, ...]:
    entry = {
        "command": program.command,
        "args": list(program.args),
        # It keeps all but PATH, HOME and the like from its servers (measured, 0.169.0).
        "env_vars": list(program.variables),
        "startup_timeout_sec": 60,
        # An analysis of many files takes longer than a call usually may.
        "tool_timeout_sec": 600,
    }
    values = (PATIENCE, (("mcp_servers", "agentbox-models"), entry))
    return (Settings(path=CONFIG, format=SettingsFormat.TOML, values=values),)


AGENT = AgentSpec(
    name="codex",
    title="Codex",
    program="codex",
    install="npm install -g @openai/codex",
    protocol=Protocol.OPENAI_RESPONSES,
    launch=launch,
    settings=settings,
    tools=tools,
    server=server,
    minimum="0.60.0",
    key_command=True,
    names={
        "gpt-*-codex-mini*": ("fast", "default"),
        "gpt-*-codex*": ("code", "default"),
        "gpt-*-mini*": ("fast", "default"),
    },
    docs_url="https://developers.openai.com/codex",
)
