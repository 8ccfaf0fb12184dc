"""The variables and headers of MCP servers: what has no value becomes an issue at its place."""

from collections.abc import Callable, Iterator

from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.problems import Issue, Severity
from agentbox_cli.config.rules import Rule
from agentbox_cli.config.secrets import Lookup, expand
from agentbox_cli.errors import ConfigError


def mcp_issues(
    host: HostConfig, lookup: Lookup, why_missing: Callable[[str], str]
) -> Iterator[Issue]:
    """What keeps MCP servers from being started or called.

    Args:
        host: the config.
        lookup: finds the value of a variable.
        why_missing: says why a variable has no value.
    """
    for name, server in host.litellm.mcp_servers.items():
        for place, entries in (("env", server.env), ("headers", server.headers)):
            for key, template in entries.items() if server.enabled else ():
                path = ("litellm", "mcp_servers", name, place, key)
                try:
                    missing = expand(template, lookup).missing
                except ConfigError as error:
                    yield Issue(
                        path=path,
                        severity=Severity.WARNING,
                        message=f"{error.message}; the MCP server {name} stays down",
                        hint=error.hint,
                        rule=Rule.KEY_UNUSABLE,
                    )
                    continue
                if missing:
                    why = ", ".join(map(why_missing, missing))
                    yield Issue(
                        path=path,
                        severity=Severity.WARNING,
                        message=f"{why}; the MCP server {name} stays down",
                        hint=f"export {missing[0]}=..., or put it into the .env beside config.yml",
                        rule=Rule.KEY_NOT_SET,
                    )
