"""`agentbox litellm export ...`: the files by which agentbox runs elsewhere."""

from agentbox_cli.cli.app import ExportCommands, group

app = group(ExportCommands, "What agentbox needs to run in an image, or as a service.")
