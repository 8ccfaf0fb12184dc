"""`agentbox litellm ...`: the proxy, its chains and its providers."""

from agentbox_cli.cli.app import LitellmCommands, group

app = group(LitellmCommands, "The proxy that keeps coding agents talking.")
