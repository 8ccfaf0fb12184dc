"""The folders that a client works in, where it tells them."""

import warnings
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fastmcp.server.context import Context
from mcp.shared.exceptions import MCPError

from agentbox_cli.mcp.analyst.workspace import Workspace, workspace_of


async def workspace_for(ctx: Context, named: Path | None, working_dir: Path) -> Workspace:
    """Where a client's tools may read.

    Args:
        ctx: whose request it is.
        named: the folder of `--workspace`; no client widens it.
        working_dir: where the server was started: for clients that tell no roots.

    Raises:
        UsageError: it is no folder, or too much to be meant.
    """
    if named is not None:
        return workspace_of([named], named=True)
    return workspace_of(await _roots(ctx) or [working_dir], named=False)


async def _roots(ctx: Context) -> list[Path]:
    params = ctx.session.client_params
    if params is None or params.capabilities.roots is None:
        return []
    with warnings.catch_warnings():
        # Newer clients have no roots; those that have them are asked.
        warnings.simplefilter("ignore")
        try:
            told = await ctx.session.list_roots()  # type: ignore[deprecated] # for older clients
        except MCPError:
            # It has roots, and speaks a protocol in which nobody can ask for them (2026-07-28).
            return []
    uris = [urlsplit(str(root.uri)) for root in told.roots]
    return [Path(unquote(uri.path)) for uri in uris if uri.scheme == "file" and uri.path]
