"""The table of contents: every command, where it lives, and what it is for."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import typer

from agentbox_cli.cli.lazy import LazyGroup
from agentbox_cli.cli.output import say

_HERE = "agentbox_cli.cli"


class Commands(LazyGroup):
    """`agentbox ...`."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {
        "litellm": (f"{_HERE}.litellm", "The proxy that keeps coding agents talking."),
        "config": (f"{_HERE}.config", "The user's config.yml."),
        "plugins": (f"{_HERE}.plugins", "The plugins that describe providers."),
        "completions": (
            f"{_HERE}.completions",
            "Print the script that completes commands in a shell.",
        ),
    }


class LitellmCommands(LazyGroup):
    """`agentbox litellm ...`."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {
        "init": (f"{_HERE}.litellm.init", "Write the litellm section of config.yml."),
        "start": (f"{_HERE}.litellm.start", "Start the proxy; fine if it runs already."),
        "stop": (f"{_HERE}.litellm.stop", "Stop the proxy; fine if it is stopped already."),
        "restart": (f"{_HERE}.litellm.restart", "Stop the proxy and start it again."),
        "status": (f"{_HERE}.litellm.status", "Tell how the proxy and each link are."),
        "top": (
            f"{_HERE}.litellm.top",
            "Show what goes on: links, rates, cooldowns, quotas, money, failovers.",
        ),
        "logs": (f"{_HERE}.litellm.logs", "Show the end of the proxy's log."),
        "ask": (f"{_HERE}.litellm.ask", "Ask one question through the running proxy."),
        "run": (f"{_HERE}.litellm.run", "Start a coding agent against the proxy."),
        "env": (
            f"{_HERE}.litellm.env",
            "Print the variables that point an agent at the proxy.",
        ),
        "connect": (f"{_HERE}.litellm.connect", "Write the proxy into an agent's own config."),
        "disconnect": (
            f"{_HERE}.litellm.disconnect",
            "Take the proxy and its tools out of an agent's own config.",
        ),
        "agents": (
            f"{_HERE}.litellm.agents",
            "List the coding agents: installed or not, connected or not.",
        ),
        "explain": (
            f"{_HERE}.litellm.explain",
            "Tell the story of one request, link by link; without ID, list the latest ones.",
        ),
        "test-fallback": (f"{_HERE}.litellm.fallback", "Prove that every chain falls back."),
        "limits": (f"{_HERE}.litellm.limits", "Show what is left of quotas, and what cools."),
        "chaos": (f"{_HERE}.litellm.chaos", "Serve your chains on providers that keep failing."),
        "usage": (f"{_HERE}.litellm.usage", "Tell what was used and what it cost."),
        "prices": (f"{_HERE}.litellm.prices", "Tell what the models cost, and who says so."),
        "models": (f"{_HERE}.litellm.models", "List the aliases and their chains."),
        "providers": (f"{_HERE}.litellm.providers", "List the providers and their keys."),
        "import": (
            f"{_HERE}.litellm.import_file",
            "Take over a config of LiteLLM, claude-code-router or llm.",
        ),
        "mcp": (f"{_HERE}.litellm.mcp", "Tools over MCP: our server, and the gateway's servers."),
        "key": (f"{_HERE}.litellm.key", "Print the key for callers other than you."),
        "bridge": (
            f"{_HERE}.litellm.bridge",
            "Bridge 127.0.0.1:4000 of a container to the proxy of its host.",
        ),
        "export": (
            f"{_HERE}.litellm.export",
            "What agentbox needs to run in an image, or as a service.",
        ),
        "health": (
            f"{_HERE}.litellm.health",
            "Ask /health on 127.0.0.1, whoever runs the proxy or the bridge behind it.",
        ),
        "render": (
            f"{_HERE}.litellm.render",
            "Print the config of the LiteLLM that translates behind the proxy.",
        ),
    }


class LimitsCommands(LazyGroup):
    """`agentbox litellm limits ...`; alone it shows."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {
        "reset": (f"{_HERE}.litellm.limits_reset", "Forget what keeps a link from being called."),
    }


class KeyCommands(LazyGroup):
    """`agentbox litellm key ...`; alone it prints the install's key."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {
        "add": (f"{_HERE}.litellm.key_add", "Make a token for a caller, and show it once."),
        "list": (f"{_HERE}.litellm.key_list", "List who has a token."),
        "remove": (f"{_HERE}.litellm.key_remove", "Take a caller's token back, at once."),
    }


class ModelsCommands(LazyGroup):
    """`agentbox litellm models ...`; alone it lists."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {
        "add": (f"{_HERE}.litellm.models_add", "Add a link to an alias, or a new alias."),
        "remove": (f"{_HERE}.litellm.models_remove", "Remove an alias, or one of its links."),
        "move": (f"{_HERE}.litellm.models_move", "Move a link to another place in its chain."),
        "rename": (f"{_HERE}.litellm.models_rename", "Give an alias another name."),
    }


class ProvidersCommands(LazyGroup):
    """`agentbox litellm providers ...`; alone it lists."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {
        "add": (f"{_HERE}.litellm.providers_add", "Add a provider to config.yml."),
        "remove": (f"{_HERE}.litellm.providers_remove", "Remove a provider from config.yml."),
        "login": (f"{_HERE}.litellm.providers_login", "Ask for a provider's key and store it."),
        "logout": (f"{_HERE}.litellm.providers_logout", "Remove a provider's key from .env."),
    }


class ExportCommands(LazyGroup):
    """`agentbox litellm export ...`."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {
        "dockerfile": (
            f"{_HERE}.litellm.export.dockerfile",
            "Print a Dockerfile that brings agentbox into an image.",
        ),
        "container-init": (
            f"{_HERE}.litellm.export.container_init",
            "Print the script that starts the proxy in a container, or the bridge.",
        ),
        "systemd": (
            f"{_HERE}.litellm.export.systemd",
            "Print a unit for systemd's user manager.",
        ),
        "launchd": (f"{_HERE}.litellm.export.launchd", "Print a property list for launchd."),
    }


class McpCommands(LazyGroup):
    """`agentbox litellm mcp ...`."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {
        "serve": (f"{_HERE}.litellm.mcp.serve", "Serve the proxy's models as MCP tools."),
        "list": (f"{_HERE}.litellm.mcp.listing", "List the MCP servers behind the gateway."),
        "add": (f"{_HERE}.litellm.mcp.add", "Add an MCP server to config.yml."),
        "remove": (f"{_HERE}.litellm.mcp.remove", "Remove an MCP server from config.yml."),
        "test": (f"{_HERE}.litellm.mcp.trying", "Try the handshake with an MCP server."),
        "call": (f"{_HERE}.litellm.mcp.call", "Call a tool of an MCP server."),
        "accept": (
            f"{_HERE}.litellm.mcp.accept",
            "Accept tools of an MCP server that are new or have changed.",
        ),
        "import": (
            f"{_HERE}.litellm.mcp.import_file",
            "Take over the MCP servers of an agent's config.",
        ),
        "connect": (
            f"{_HERE}.litellm.mcp.connect",
            "Write our MCP server and the gateway into an agent's config.",
        ),
        "disconnect": (
            f"{_HERE}.litellm.mcp.disconnect",
            "Take our MCP server and the gateway out of an agent's config.",
        ),
    }


class UsageCommands(LazyGroup):
    """`agentbox litellm usage ...`; alone it reports."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {
        "errors": (f"{_HERE}.litellm.usage_errors", "Tell what failed, and who answered instead."),
        "export": (f"{_HERE}.litellm.usage_export", "Print every call as a line of JSON or CSV."),
        "reprice": (f"{_HERE}.litellm.usage_reprice", "Give past calls the prices of today."),
        "prune": (f"{_HERE}.litellm.usage_prune", "Forget old requests; their sums stay."),
        "vacuum": (f"{_HERE}.litellm.usage_vacuum", "Shrink the database to what is in it."),
    }


class PricesCommands(LazyGroup):
    """`agentbox litellm prices ...`; alone it lists."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {
        "show": (f"{_HERE}.litellm.prices_show", "Tell what one model costs."),
        "set": (f"{_HERE}.litellm.prices_set", "Set a price of your own in config.yml."),
    }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Take a model's name for `show NAME`."""
        named = "/" in args[0]
        return super().resolve_command(ctx, ["show", *args] if named else args)


class ConfigCommands(LazyGroup):
    """`agentbox config ...`."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {
        "check": (f"{_HERE}.config.check", "Report every problem in config.yml."),
        "path": (f"{_HERE}.config.path", "Print the path of the config.yml that is used."),
        "show": (f"{_HERE}.config.show", "Show what config.yml amounts to, defaults filled in."),
        "get": (f"{_HERE}.config.get", "Print one value of config.yml."),
        "set": (f"{_HERE}.config.set", "Set one value of config.yml."),
        "unset": (f"{_HERE}.config.unset", "Remove one key of config.yml."),
        "edit": (f"{_HERE}.config.edit", "Open config.yml in your editor; save it if valid."),
        "diff": (f"{_HERE}.config.diff", "Show what changed since the last backup."),
        "undo": (f"{_HERE}.config.undo", "Take the last change of config.yml back."),
        "schema": (f"{_HERE}.config.schema", "Print the JSON Schema of config.yml."),
    }


class PluginCommands(LazyGroup):
    """`agentbox plugins ...`."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {
        "list": (f"{_HERE}.plugins.listing", "List the plugins, and what became of each."),
    }


def group(commands: type[LazyGroup], text: str) -> typer.Typer:
    """A group of commands that are imported when they are used."""
    app = _typer(cls=commands, help=text)
    app.callback(invoke_without_command=True)(_help_without_command)
    return app


def listing(commands: type[LazyGroup]) -> typer.Typer:
    """The home of a command that lists, and of the commands below it that change the list."""
    return _typer(cls=commands, invoke_without_command=True)


def command() -> typer.Typer:
    """The home of one command."""
    return _typer()


def root() -> typer.Typer:
    """The whole command line."""
    app = group(Commands, "One local address that keeps coding agents talking.")
    app.callback(invoke_without_command=True)(_root_options)
    return app


def _typer(**settings: Any) -> typer.Typer:
    return typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        # Plain help costs half as much as Rich's (measured), and is the same in a pipe.
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )


def _help_without_command(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        say(ctx.get_help())


def _root_options(
    ctx: typer.Context,
    *,
    config: Annotated[
        str | None,
        typer.Option("--config", metavar="FILE", help="Use this config.yml.", show_default=False),
    ] = None,
    no_plugins: Annotated[
        bool, typer.Option("--no-plugins", help="Load agentbox's own plugins only.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    """One local address that keeps coding agents talking."""
    from agentbox_cli.cli.setting import apply_root_options

    apply_root_options(ctx, config=config, no_plugins=no_plugins, version=version)
    _help_without_command(ctx)
