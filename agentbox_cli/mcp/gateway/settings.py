"""What the gateway runs on: the servers of config.yml, their variables and headers looked up."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from agentbox_cli.config.mcp_servers import McpServerConfig
from agentbox_cli.config.secrets import Lookup, SecretSources, expand
from agentbox_cli.config.store import load, require
from agentbox_cli.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server of the config.

    Args:
        name: what it is called.
        config: its entry.
        env: the variables of its program.
        headers: what is sent to its address.
        lacking: why it cannot be used; None if nothing is missing.
    """

    name: str
    config: McpServerConfig
    env: Mapping[str, SecretStr]
    headers: Mapping[str, SecretStr]
    lacking: str | None = None

    @property
    def transport(self) -> str:
        """`stdio`, `http` or `sse`."""
        return "stdio" if self.config.command else self.config.transport or "http"

    def secrets(self) -> tuple[SecretStr, ...]:
        """What must not be told to anybody."""
        return (*self.env.values(), *self.headers.values())


def read_servers(config_file: Path, environ: Mapping[str, str]) -> dict[str, Server]:
    """The servers of a config.yml, by name.

    Args:
        config_file: the config.yml; an `.env` beside it may hold values.
        environ: where variables are looked for first.

    Raises:
        ConfigError: the file cannot be read or is not valid.
    """
    host = require(load(config_file))
    return {
        name: server_of(name, entry, config_file.parent, environ)
        for name, entry in host.litellm.mcp_servers.items()
    }


def server_of(
    name: str, entry: McpServerConfig, config_dir: Path, environ: Mapping[str, str]
) -> Server:
    """A server by its entry.

    Args:
        name: what it is called.
        entry: as it stands, or would stand, in config.yml.
        config_dir: where an `.env` may hold values.
        environ: where variables are looked for first.
    """
    sources = SecretSources(environ, working_dir=None, config_dir=config_dir, api_key_names=())
    return _server(name, entry, sources.lookup)


def _server(name: str, entry: McpServerConfig, lookup: Lookup) -> Server:
    found: dict[str, SecretStr] = {}
    lacking = []
    for place, template in (entry.env | entry.headers).items():
        try:
            expanded = expand(template, lookup)
        except ConfigError as error:
            lacking.append(error.message)
            continue
        found[place] = expanded.value or SecretStr("")
        lacking += [f"{missing} is not set" for missing in expanded.missing]
    return Server(
        name=name,
        config=entry,
        env={key: found[key] for key in entry.env if key in found},
        headers={key: found[key] for key in entry.headers if key in found},
        lacking="; ".join(dict.fromkeys(lacking)) or None,
    )
