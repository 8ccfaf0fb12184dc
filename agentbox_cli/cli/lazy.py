"""Groups whose commands are imported when they are used.

Help and typing errors only need names and one-line texts, which stand in a table; a test holds the
table equal to the real commands.
"""

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


class LazyGroup(TyperGroup):
    """A group that knows its commands by a table of name to (module, one-line help)."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is typer's
        """The names, in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The real command, imported now; without a command line to run, a stand-in for help."""
        if cmd_name not in self.table:
            return None
        if cmd_name not in self.commands:
            module, text = self.table[cmd_name]
            if ctx.resilient_parsing or not _is_wanted(ctx, cmd_name):
                return TyperCommand(cmd_name, help=text)
            command = typer.main.get_command(importlib.import_module(module).app)
            command.name = cmd_name
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; a near miss is answered with the names of the table."""
        ctx.meta["agentbox.wanted"] = args[0]
        if args[0] not in self.table:
            for name, (_, text) in self.table.items():
                self.commands.setdefault(name, TyperCommand(name, help=text))
        return super().resolve_command(ctx, args)


def _is_wanted(ctx: Any, name: str) -> bool:
    return bool(ctx.meta.get("agentbox.wanted") == name)
