"""`agentbox litellm mcp ...`: tools over MCP."""

from agentbox_cli.cli.app import McpCommands, group

app = group(McpCommands, "Tools over MCP: our server, and the gateway's servers.")
