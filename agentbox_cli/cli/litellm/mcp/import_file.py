"""`agentbox litellm mcp import`: the MCP servers of an agent's config, brought into ours."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, change_config
from agentbox_cli.cli.output import notice
from agentbox_cli.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from agentbox_cli.config.document import Document

app = command()

_LARGEST = 16 * 1024 * 1024


@app.command("import")
def import_file(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file to read.")],
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take over the MCP servers of an agent's config.

    It reads .mcp.json, ~/.claude.json, Claude Desktop's, Gemini's and VS Code's JSON, and Codex'
    config.toml. Servers that config.yml has already stay as they are. No key is copied, only the
    name of a variable for it.

    Example: agentbox litellm mcp import ~/.codex/config.toml --dry-run
    """
    from pathlib import Path

    from agentbox_cli.cli.litellm.mcp.serving import wake_gateway
    from agentbox_cli.mcp.gateway.importing import import_servers

    path = Path(file).expanduser()
    imported = import_servers(_text(path), path.name, _own_ports(ctx))
    for note in imported.notes:
        notice(note)
    change_config(
        ctx,
        lambda document: _with_servers(document, imported.entries),
        dry_run=dry_run,
        as_json=as_json,
        restart=False,
    )
    if imported.entries and not dry_run:
        wake_gateway(ctx)


def _own_ports(ctx: typer.Context) -> set[int]:
    from agentbox_cli.cli.litellm.mcp.serving import running_daemon
    from agentbox_cli.cli.setting import config_file
    from agentbox_cli.config.model import DEFAULT_PORT
    from agentbox_cli.config.store import load

    host, daemon = load(config_file(ctx)).host, running_daemon(ctx)
    return {
        DEFAULT_PORT,
        *([host.litellm.port] if host else ()),
        *([daemon.port] if daemon else ()),
    }


def _text(path: "Path") -> str:
    from agentbox_cli.config.files import read_regular
    from agentbox_cli.errors import ConfigError

    try:
        return read_regular(path, _LARGEST).data.decode("utf-8-sig")
    except ConfigError as error:
        raise UsageError(error.message, hint=error.hint) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text in UTF-8") from None


def _with_servers(document: "Document", entries: Mapping[str, Mapping[str, Any]]) -> str:
    from agentbox_cli.config.document import parse
    from agentbox_cli.config.mcp_entries import add_server, servers

    for name, entry in entries.items():
        if name in servers(document):
            notice(f"{name}: config.yml has a server of this name, which stays as it is")
        else:
            document = parse(add_server(document, name, entry), document.name)
    return document.text
