"""`agentbox config ...`: the user's config.yml."""

from agentbox_cli.cli.app import ConfigCommands, group

app = group(ConfigCommands, "The user's config.yml.")
