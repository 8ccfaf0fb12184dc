"""The tables of the fish script."""

from collections.abc import Iterator, Mapping

from agentbox_cli.cli.completion.tree import Command
from agentbox_cli.cli.completion.values import Values


def tables(tree: Command) -> Mapping[str, str]:
    """What stands in the frame, by its mark."""
    return {
        "COMMANDS": "\n".join(_commands(command) for command in tree.every() if command.below),
        "OPTIONS": "\n".join(_options(command) for command in tree.every()),
        "TAKES": "\n".join(line for command in tree.every() for line in _takes(command)),
    }


def _commands(command: Command) -> str:
    return _listed(command, [(below.words[-1], below.help) for below in command.below])


def _options(command: Command) -> str:
    return _listed(
        command, [(name, option.help) for option in command.options for name in option.names]
    )


def _listed(command: Command, told: list[tuple[str, str]]) -> str:
    head = f"        case {quote(command.path)}\n            printf '%s\\t%s\\n'"
    return head + "".join(
        f" \\\n                {quote(name)} {quote(text)}" for name, text in told
    )


def _takes(command: Command) -> Iterator[str]:
    for option in command.options:
        if option.values is not None:
            yield _case([f"{command.path} {name}" for name in option.names], option.values)
    for number, argument in enumerate(command.arguments, start=1):
        yield _case([f"{command.path} @{'*' if argument.many else number}"], argument.values)


def _case(patterns: list[str], values: Values) -> str:
    head = f"        case {' '.join(map(quote, patterns))}"
    taken = _written(values)
    return f"{head}\n            printf '%s\\n' {taken}" if taken else head


def _written(values: Values) -> str:
    if values.choices:
        return " ".join(["choices", *map(quote, values.choices)])
    if values.words:
        return f"words {values.words}"
    return "files" if values.files else ""


def quote(text: str) -> str:
    """A text as one word of fish."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
