"""The agents that agentbox describes, and a proxy as they are told of it."""

from agentbox_cli.providers.agent import AgentSpec, Alias, Connection
from agentbox_cli.providers.registry import PluginChoice, discover

AGENTS: dict[str, AgentSpec] = dict(discover(PluginChoice(bundled_only=True)).agents)

CODE = Alias(name="code", context_window=128_000)
FAST = Alias(name="fast")


def connection(url: str = "http://127.0.0.1:4000", **more: str) -> Connection:
    return Connection(url=url, model=CODE, fast=FAST, aliases=(CODE, FAST), **more)
