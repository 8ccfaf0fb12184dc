"""Edits of `litellm.mcp_servers`: each takes a document and gives its new text."""

from collections.abc import Mapping
from typing import Any

from agentbox_cli.config.chains import section
from agentbox_cli.config.document import Document, Path
from agentbox_cli.config.edit import delete, set_value
from agentbox_cli.config.mcp_servers import VARIABLE
from agentbox_cli.config.names import closest
from agentbox_cli.config.redaction import is_credential
from agentbox_cli.config.references import is_clear, names
from agentbox_cli.config.shapes import HEADER_NAME
from agentbox_cli.config.tree import OUR_SECTION
from agentbox_cli.errors import UsageError

SERVERS: Path = (OUR_SECTION, "mcp_servers")


def servers(document: Document) -> Mapping[str, Any]:
    """The servers as they stand in the config."""
    return section(document, "mcp_servers")


def add_server(document: Document, name: str, entry: Mapping[str, Any]) -> str:
    """Add a server.

    Raises:
        UsageError: the config has it already.
    """
    bar_taken(document, name)
    return set_value(document, (*SERVERS, name), dict(entry))


def bar_taken(document: Document, name: str) -> None:
    """Refuse a name that a server has already.

    Raises:
        UsageError: with what can be done.
    """
    if name in servers(document):
        raise UsageError(
            f"the MCP server {name!r} is configured already",
            hint=f"agentbox litellm mcp remove {name}, or change litellm.mcp_servers.{name}",
        )


def remove_server(document: Document, name: str) -> str:
    """Remove a server.

    Raises:
        UsageError: the config has no such server.
    """
    check_known(name, servers(document))
    return delete(document, (*SERVERS, name))


def check_known(name: str, known: Mapping[str, Any]) -> None:
    """Refuse a name that no server has.

    Raises:
        UsageError: with the name that was meant, or those that there are.
    """
    if name in known:
        return
    meant = closest(name, known)
    hint = f"did you mean {meant!r}?" if meant else f"known: {', '.join(known) or 'none'}"
    raise UsageError(f"config.yml has no MCP server {name!r}", hint=hint)


def variables(pairs: list[str]) -> dict[str, str]:
    """`NAME=VALUE`, or `NAME` for `NAME=${NAME}`, as the config has it.

    Raises:
        UsageError: one is neither, or has a key in the clear.
    """
    found = {}
    for pair in pairs:
        name, given, value = pair.partition("=")
        if not VARIABLE.fullmatch(name):
            # What stands there instead may be a key, so it is not repeated.
            raise UsageError(
                "this is no variable", hint="write --env NAME or --env 'NAME=${NAME}'"
            )
        found[name] = value if given else f"${{{name}}}"
        _bar_key(name, found[name], name)
    return found


def headers(pairs: list[str]) -> dict[str, str]:
    """`NAME=VALUE` or `NAME: VALUE` as the config has it.

    Raises:
        UsageError: one is neither, or has a key in the clear.
    """
    found = {}
    for pair in pairs:
        at = min((pair.index(sign) for sign in "=:" if sign in pair), default=-1)
        name, value = pair[:at].strip(), pair[at + 1 :].strip()
        if at < 0 or not HEADER_NAME.fullmatch(name):
            raise UsageError(
                "this is no header", hint="write --header 'Authorization=Bearer ${TOKEN}'"
            )
        found[name] = value
        _bar_key(name, value, "TOKEN")
    return found


def _bar_key(name: str, value: str, variable: str) -> None:
    if is_credential(name) and is_clear(value) and not names(value):
        raise UsageError(
            f"{name} would stand in config.yml in the clear",
            hint=f"put it into the environment or .env, and write '${{{variable}}}' here",
        )
