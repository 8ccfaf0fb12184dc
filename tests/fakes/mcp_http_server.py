"""An MCP server made with FastMCP, run as a script: `mcp_http_server.py http|sse PORT`."""

import asyncio
import sys
from pathlib import Path

from fastmcp import FastMCP
from fastmcp.server.dependencies import get_http_headers

server = FastMCP("over http")


@server.tool
def echo(text: str) -> str:
    """Say the same."""
    return text


@server.tool
def seen(name: str) -> str:
    """Tell one header of the request."""
    return get_http_headers(include_all=True).get(name, "")


def note(file: str, text: str) -> None:
    Path(file).write_text(text)


@server.tool
async def wait(file: str) -> str:
    """Wait for ever, and note in a file when that is over."""
    note(file, "waiting")
    try:
        await asyncio.Event().wait()
    finally:
        note(file, "cancelled")
    return ""


if __name__ == "__main__":
    kind, port = sys.argv[1:]
    server.run(
        transport="sse" if kind == "sse" else "http",
        host="127.0.0.1",
        port=int(port),
        show_banner=False,
        log_level="ERROR",
    )
