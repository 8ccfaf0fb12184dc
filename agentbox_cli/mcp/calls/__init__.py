"""Calls of the MCP server to the running proxy."""
