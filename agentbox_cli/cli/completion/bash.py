"""The tables of the bash script."""

from collections.abc import Iterator, Mapping
from shlex import quote

from agentbox_cli.cli.completion.tree import Command
from agentbox_cli.cli.completion.values import Values


def tables(tree: Command) -> Mapping[str, str]:
    """What stands in the frame, by its mark."""
    return {
        "FACTS": "\n".join(_facts(command) for command in tree.every()),
        "TAKES": "\n".join(line for command in tree.every() for line in _takes(command)),
    }


def _facts(command: Command) -> str:
    below = " ".join(below.words[-1] for below in command.below)
    options = " ".join(name for option in command.options for name in option.names)
    facts = [f"commands={quote(below)}"] if below else []
    return f"    {quote(command.path)}) {' '.join([*facts, f'options={quote(options)}'])} ;;"


def _takes(command: Command) -> Iterator[str]:
    for option in command.options:
        if option.values is not None:
            names = " | ".join(quote(f"{command.path} {name}") for name in option.names)
            yield _line(names, option.values)
    for number, argument in enumerate(command.arguments, start=1):
        place = f"{command.path} @"
        pattern = f"{quote(place)}*" if argument.many else quote(f"{place}{number}")
        yield _line(pattern, argument.values)


def _line(pattern: str, values: Values) -> str:
    taken = _written(values)
    return f"    {pattern}) takes={quote(taken)} ;;" if taken else f"    {pattern}) ;;"


def _written(values: Values) -> str:
    if values.choices:
        return " ".join(["choices", *values.choices])
    if values.words:
        return f"words {values.words}"
    return "files" if values.files else ""
