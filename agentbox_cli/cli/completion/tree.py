"""The command tree as plain data: what every script is made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import typer

from agentbox_cli.cli.completion.values import Values, values_of
from agentbox_cli.cli.lazy import LazyGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option; `values` is None for a flag."""

    names: tuple[str, ...]
    help: str
    values: Values | None
    repeatable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An argument, required or not; `many` takes all that follow."""

    name: str
    help: str
    values: Values
    many: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command or a group, which has commands below it.

    Args:
        words: how it is called, without `agentbox`.
    """

    words: tuple[str, ...]
    help: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    below: tuple["Command", ...]

    @property
    def path(self) -> str:
        """Its words as one text; empty for the program itself."""
        return " ".join(self.words)

    def every(self) -> Iterator["Command"]:
        """This command and all below it, in the order of the help."""
        yield self
        for command in self.below:
            yield from command.every()


def command_tree(program: Any) -> Command:
    """Read the whole tree of the program `typer.main.get_command` gave."""
    return _command(program, (), _line(program.help), None)


def _command(
    command: Any, words: tuple[str, ...], text: str, above: typer.Context | None
) -> Command:
    context = typer.Context(
        command,
        info_name=words[-1] if words else "agentbox",
        parent=above,
        **command.context_settings,
    )
    params = [
        param for param in command.get_params(context) if not getattr(param, "hidden", False)
    ]
    return Command(
        words=words,
        help=text,
        options=tuple(_option(p, words) for p in params if p.param_type_name == "option"),
        arguments=tuple(_argument(p, words) for p in params if p.param_type_name == "argument"),
        below=tuple(_below(command, words, context)),
    )


def _below(command: Any, words: tuple[str, ...], context: typer.Context) -> Iterator[Command]:
    if isinstance(command, LazyGroup):
        for name, (_, text) in command.table.items():
            yield _command(command.load(name), (*words, name), text, context)


def _option(param: Any, words: tuple[str, ...]) -> Option:
    flag = param.is_flag or param.count
    return Option(
        names=_long_first([*param.opts, *param.secondary_opts]),
        help=_line(param.help),
        values=None if flag else values_of(" ".join(words), param.name, _choices(param)),
        repeatable=param.multiple or param.count,
    )


def _long_first(names: list[str]) -> tuple[str, ...]:
    # Typer gives those of --help in no order of its own.
    return tuple(sorted(names, key=lambda name: (not name.startswith("--"), name)))


def _argument(param: Any, words: tuple[str, ...]) -> Argument:
    return Argument(
        name=param.name,
        help=_line(param.help),
        values=values_of(" ".join(words), param.name, _choices(param)),
        many=param.nargs == -1,
    )


def _choices(param: Any) -> tuple[str, ...]:
    return tuple(_allowed(param.type_descriptor.annotation))


def _allowed(annotation: Any) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from (str(member.value) for member in annotation)
    elif get_origin(annotation) is Literal:
        yield from map(str, get_args(annotation))
    else:
        for inner in get_args(annotation):
            yield from _allowed(inner)


def _line(text: str | None) -> str:
    return (text or "").partition("\n")[0].strip()
