"""What a plugin tells about a coding agent: how it is pointed at the proxy, as plain data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from agentbox_cli.config.dummy import DUMMY_KEY
from agentbox_cli.providers.model import Protocol

# Stands for the private directory that a launch's files are written to.
PRIVATE = "{private}"


class SettingsFormat(StrEnum):
    """How an agent writes its config."""

    JSON = "json"
    TOML = "toml"
    YAML = "yaml"
    YAML_LIST = "yaml-list"
    ENV = "env"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A name that the proxy serves; `context_window` in tokens, None if unknown."""

    name: str
    context_window: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What an agent must know of the proxy.

    Args:
        url: the proxy's address, without `/v1` and without a slash at its end.
        model: the alias for the agent's main work.
        fast: the alias for its small tasks.
        aliases: every chat alias, for agents that offer a choice.
        key: what to show the proxy; a real key only in what nobody else can read.
        key_command: prints the key, quoted as for a shell; None where no key is needed.
    """

    url: str
    model: Alias
    fast: Alias
    aliases: tuple[Alias, ...]
    key: str = field(default=DUMMY_KEY, repr=False)
    key_command: str | None = None

    @property
    def v1(self) -> str:
        """The address as OpenAI's clients want it."""
        return f"{self.url}/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Values in one config file of an agent.

    Args:
        path: the file; it may begin with `~` or `${NAME:-default}`.
        format: how the file is written.
        values: each value with its path of keys. In a `YAML_LIST`, the first key is the
            `model_id` of an item, which is the value; in an `ENV`, it is the variable.
    """

    path: str
    format: SettingsFormat
    values: tuple[tuple[tuple[str, ...], Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProgram:
    """An MCP server that an agent starts by itself and speaks to over stdin and stdout.

    Args:
        command: the program's path.
        args: its arguments.
        variables: names of variables that it needs, for agents that keep them from their servers.
    """

    command: str
    args: tuple[str, ...]
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How an agent is started against the proxy; the user's own files stay as they are.

    Args:
        env: variables to set; `{private}` stands for the directory of `files` or `overlay`.
        args: arguments before the user's own.
        unset: variables that would lead elsewhere.
        files: private files to write, by name.
        overlay: a config directory of the agent to put a private one in front of, in which only
            the settings differ and all else leads to the user's own files.
        shell_args: whether `args` matter enough that a shell needs them too.
    """

    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    args: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    overlay: str | None = None
    shell_args: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """A coding agent.

    Args:
        name: the word after `agentbox litellm run`.
        title: its name for people.
        program: the command that starts it.
        install: how it is installed, one line of shell.
        protocol: what it speaks to the proxy; None if it cannot be pointed there.
        launch: how it is started against the proxy.
        settings: its own config, so that it always calls the proxy; None if it has none.
        tools: its own config for an MCP server at a URL; None if it has none.
        server: its own config for an MCP server that it starts; None if it has none.
        prefers: the aliases for its main work, the best first.
        minimum: the oldest version that is known to work, such as `2.0.0`; None for any.
        key_command: whether its settings can name a command that prints a key.
        names: patterns of the model names it asks for by itself, each with the aliases that may
            stand for them, the best first.
        docs_url: where people read on.
        note: what people should know about it.
    """

    name: str
    title: str
    program: str
    install: str
    protocol: Protocol | None
    launch: Callable[[Connection], Launch] | None = None
    settings: Callable[[Connection], tuple[Settings, ...]] | None = None
    tools: Callable[[str], tuple[Settings, ...]] | None = None
    server: Callable[[ToolProgram], tuple[Settings, ...]] | None = None
    prefers: tuple[str, ...] = ("code", "default")
    minimum: str | None = None
    key_command: bool = False
    names: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    docs_url: str | None = None
    note: str | None = None
