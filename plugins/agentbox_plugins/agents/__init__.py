"""The coding agents that agentbox knows: one small module for each."""

from agentbox_cli.api import AgentSpec, hookimpl
from agentbox_plugins.agents import (
    aider,
    claude,
    codex,
    crush,
    gemini,
    goose,
    llm,
    opencode,
    qwen,
)

SHIPPED = (claude, codex, gemini, opencode, qwen, aider, llm, goose, crush)


@hookimpl
def agentbox_agents() -> list[AgentSpec]:
    return [module.AGENT for module in SHIPPED]
