"""`agentbox litellm mcp ...`: tools over MCP."""

from agentbox_cli.cli.app import McpCommands, group

app = group(McpCommands, "MCP: the gateway's servers and their tools.")
