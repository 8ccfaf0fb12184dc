"""Goose."""

from agentbox_cli.api import (
    AgentSpec,
    Connection,
    Launch,
    Protocol,
    Settings,
    SettingsFormat,
    ToolProgram,
)

CONFIG = "${XDG_CONFIG_HOME:-~/.config}/goose/config.yaml"


def choices(to: Connection) -> dict[str, str]:
    return {
        "GOOSE_PROVIDER": "openai",
        "GOOSE_MODEL": to.model.name,
        "OPENAI_HOST": to.url,
        "OPENAI_BASE_PATH": "v1/chat/completions",
    }


def launch(to: Connection) -> Launch:
    env = {**choices(to), "OPENAI_API_KEY": to.key}
    if to.model.context_window:
        env["GOOSE_CONTEXT_LIMIT"] = str(to.model.context_window)
    return Launch(env=env)


def settings(to: Connection) -> tuple[Settings, ...]:
    # It keeps keys in the desktop's keyring; with none it asks, and any word will do.
    values = tuple(((name,), value) for name, value in choices(to).items())
    return (Settings(path=CONFIG, format=SettingsFormat.YAML, values=values),)


def tools(url: str) -> tuple[Settings, ...]:
    entry = {
        "name": "agentbox",
        "type": "streamable_http",
        "uri": url,
        "enabled": True,
        "timeout": 300,
    }
    values = ((("extensions", "agentbox"), entry),)
    return (Settings(path=CONFIG, format=SettingsFormat.YAML, values=values),)


def server(program: ToolProgram) -> tuple[Settings, ...]:
    entry = {
        "name": "agentbox-models",
        "type": "stdio",
        "cmd": program.command,
        "args": list(program.args),
        "enabled": True,
        "timeout": 600,
    }
    values = ((("extensions", "agentbox-models"), entry),)
    return (Settings(path=CONFIG, format=SettingsFormat.YAML, values=values),)


AGENT = AgentSpec(
    name="goose",
    title="Goose",
    program="goose",
    install="brew install block-goose-cli",
    protocol=Protocol.OPENAI_CHAT,
    launch=launch,
    settings=settings,
    tools=tools,
    server=server,
    minimum="1.0.0",
    docs_url="https://block.github.io/goose",
    note="after `connect` it still wants OPENAI_API_KEY to be set, to any word",
)
