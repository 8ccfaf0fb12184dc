"""`agentbox plugins ...`: what describes providers."""

from agentbox_cli.cli.app import PluginCommands, group

app = group(PluginCommands, "The plugins that describe providers.")
