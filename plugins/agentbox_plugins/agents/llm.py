"""The llm command line tool."""

from typing import Any

from agentbox_cli.api import (
    DUMMY_KEY,
    PRIVATE,
    AgentSpec,
    Alias,
    Connection,
    Launch,
    Protocol,
    Settings,
    SettingsFormat,
)

DIRECTORY = "${LLM_USER_PATH:-${XDG_CONFIG_HOME:-~/.config}/io.datasette.llm}"


def launch(to: Connection) -> Launch:
    return Launch(
        env={"LLM_USER_PATH": PRIVATE, "LLM_MODEL": f"agentbox/{to.model.name}"},
        overlay=DIRECTORY,
    )


def model(alias: Alias, to: Connection) -> dict[str, Any]:
    about: dict[str, Any] = {
        "model_id": f"agentbox/{alias.name}",
        "model_name": alias.name,
        "api_base": to.v1,
        "supports_tools": True,
        "supports_schema": True,
    }
    if to.key != DUMMY_KEY:
        about["headers"] = {"Authorization": f"Bearer {to.key}"}
    return about


def settings(to: Connection) -> tuple[Settings, ...]:
    values = tuple(((f"agentbox/{alias.name}",), model(alias, to)) for alias in to.aliases)
    path = f"{DIRECTORY}/extra-openai-models.yaml"
    return (Settings(path=path, format=SettingsFormat.YAML_LIST, values=values),)


AGENT = AgentSpec(
    name="llm",
    title="llm",
    program="llm",
    install="uv tool install llm",
    protocol=Protocol.OPENAI_CHAT,
    launch=launch,
    settings=settings,
    prefers=("default",),
    minimum="0.23",
    docs_url="https://llm.datasette.io",
)
