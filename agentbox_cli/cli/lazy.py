"""Groups whose commands are imported when they are used.

Help and typing errors only need names and one-line texts, which stand in a table; a test holds the
table equal to the real commands.
"""

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption


class LazyGroup(TyperGroup):
    """A group that knows its commands by a table of name to (module, one-line help)."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for option in self.params:
            if isinstance(option, TyperOption) and not option.is_flag:
                option.__class__ = TextOption

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is typer's
        """The names, in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The real command, imported now; without a command line to run, a stand-in for help."""
        if cmd_name not in self.table:
            return None
        if cmd_name not in self.commands:
            if ctx.resilient_parsing or not _is_wanted(ctx, cmd_name):
                return self._stand_in(cmd_name)
            self.commands[cmd_name] = self.load(cmd_name)
        return self.commands[cmd_name]

    def load(self, name: str) -> Any:
        """Import the command `name` of the table."""
        module, _ = self.table[name]
        command = typer.main.get_command(importlib.import_module(module).app)
        command.name = name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; a near miss is answered with the names of the table."""
        ctx.meta["agentbox.wanted"] = args[0]
        if args[0] not in self.table:
            for name in self.table:
                self.commands.setdefault(name, self._stand_in(name))
        return super().resolve_command(ctx, args)

    def _stand_in(self, name: str) -> TyperCommand:
        return TyperCommand(name, help=self.table[name][1])


class TextOption(TyperOption):
    """An option of a group, whose text is taken as it is.

    Typer builds a pydantic adapter for every option that is no flag, whether it is given or not;
    on a group that would make every command import pydantic.
    """

    def process_value(self, ctx: Any, value: Any) -> Any:  # noqa: ARG002 - the signature is typer's
        """The text, or None if the option is not given."""
        return value


def _is_wanted(ctx: Any, name: str) -> bool:
    return bool(ctx.meta.get("agentbox.wanted") == name)
