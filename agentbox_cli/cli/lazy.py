"""Groups whose commands are imported when they are used, and options that cost only when given.

Help and typing errors only need names and one-line texts, which stand in a table; a test holds the
table equal to the real commands.
"""

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

# Typer shows the names of Python's types.
_WORDS: Mapping[str, str] = {
    "<str>": "TEXT",
    "<list[str]>": "TEXT",
    "<int>": "NUMBER",
    "<int range>": "NUMBER",
    "<float>": "NUMBER",
    "<float range>": "NUMBER",
}


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
            if ctx.resilient_parsing or not _is_wanted(ctx, cmd_name):
                return self._stand_in(cmd_name)
            self.commands[cmd_name] = self.load(cmd_name)
        return self.commands[cmd_name]

    def load(self, name: str) -> Any:
        """Import the command `name` of the table."""
        app: typer.Typer = importlib.import_module(self.table[name][0]).app
        for registered in app.registered_commands:
            registered.cls = LightCommand
        command = typer.main.get_command(app)
        command.name = name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; a near miss is answered with the names of the table."""
        ctx.meta["agentbox.wanted"] = args[0]
        if args[0] not in self.table:
            for name in self.table:
                self.commands.setdefault(name, self._stand_in(name))
        return super().resolve_command(ctx, args)

    def get_params(self, ctx: Any) -> Any:
        """The options; those that are not given cost nothing."""
        return _lightened(super().get_params(ctx))

    def _stand_in(self, name: str) -> TyperCommand:
        # A short help that is given is wrapped where the terminal is narrow, not cut off.
        return TyperCommand(name, help=self.table[name][1], short_help=self.table[name][1])


class LightCommand(TyperCommand):
    """A command whose options cost nothing unless they are given."""

    def get_params(self, ctx: Any) -> Any:
        """The options and arguments."""
        return _lightened(super().get_params(ctx))


class LightOption(TyperOption):
    """An option that is converted only if it has a value that is no plain text.

    Typer converts the absent value of an option too, `--help` among them, and texts to texts, and
    imports pydantic for it: 60 ms for every command (measured).
    """

    def process_value(self, ctx: Any, value: Any) -> Any:
        """The converted value; None if there is none."""
        if value is None and not (self.required or self.multiple):
            return None
        if _is_text(super().display_type(ctx), value):
            return value
        return super().process_value(ctx, value)

    def display_type(self, ctx: Any) -> str:
        """What kind of value it takes, for help."""
        shown = super().display_type(ctx)
        return _WORDS.get(shown, shown)


class PlainArgument(TyperArgument):
    """An argument whose name says enough, and that is not converted if it is plain text."""

    def process_value(self, ctx: Any, value: Any) -> Any:
        """The converted value."""
        kind = super().display_type(ctx)
        if not value and not self.required:
            return None
        if kind == "<list[str]>" and value:
            return list(value)
        return value if _is_text(kind, value) else super().process_value(ctx, value)

    def display_type(self, ctx: Any) -> str:
        """What it may be, if that is more than a word or a number."""
        shown = super().display_type(ctx)
        return "" if shown in _WORDS else shown


def _is_text(kind: str, value: Any) -> bool:
    return kind == "<str>" and isinstance(value, str)


def _lightened(params: list[Any]) -> list[Any]:
    for param in params:
        if type(param) is TyperOption:
            param.__class__ = LightOption
        elif type(param) is TyperArgument:
            param.__class__ = PlainArgument
    return params


def _is_wanted(ctx: Any, name: str) -> bool:
    return bool(ctx.meta.get("agentbox.wanted") == name)
