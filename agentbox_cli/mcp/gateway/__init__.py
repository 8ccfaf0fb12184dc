"""The MCP gateway: one address for the tools of many servers, in a process of its own.

The daemon starts it with the first call to `/mcp` and relays to its unix socket. It is built on
the session layer of the MCP SDK, on which FastMCP stands too: answers pass through as they are.
"""
