"""Aider."""

from agentbox_cli.api import (
    AgentSpec,
    Connection,
    Launch,
    Protocol,
    Settings,
    SettingsFormat,
)


def launch(to: Connection) -> Launch:
    return Launch(
        env={
            "OPENAI_API_KEY": to.key,
            "OPENAI_API_BASE": to.v1,
            "AIDER_OPENAI_API_KEY": to.key,
            "AIDER_OPENAI_API_BASE": to.v1,
            "AIDER_MODEL": f"openai/{to.model.name}",
            "AIDER_WEAK_MODEL": f"openai/{to.fast.name}",
            # It warns of every model that is not in its own list.
            "AIDER_SHOW_MODEL_WARNINGS": "false",
        }
    )


def settings(to: Connection) -> tuple[Settings, ...]:
    values = (
        (("openai-api-base",), to.v1),
        (("openai-api-key",), to.key),
        (("model",), f"openai/{to.model.name}"),
        (("weak-model",), f"openai/{to.fast.name}"),
        (("show-model-warnings",), False),
    )
    path = "~/.aider.conf.yml"
    return (Settings(path=path, format=SettingsFormat.YAML, values=values),)


AGENT = AgentSpec(
    name="aider",
    title="Aider",
    program="aider",
    install="uv tool install --python 3.12 aider-chat",
    protocol=Protocol.OPENAI_CHAT,
    launch=launch,
    settings=settings,
    minimum="0.60.0",
    docs_url="https://aider.chat/docs",
)
