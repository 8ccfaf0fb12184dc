"""Our MCP server: the proxy as tools, resources and prompts."""
