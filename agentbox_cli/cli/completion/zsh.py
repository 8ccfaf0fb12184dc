"""The functions of the zsh script, one for each command."""

from collections.abc import Iterator, Mapping
from shlex import quote

from agentbox_cli.cli.completion.tree import Argument, Command, Option
from agentbox_cli.cli.completion.values import Values


def tables(tree: Command) -> Mapping[str, str]:
    """What stands in the frame, by its mark."""
    return {"FUNCTIONS": "\n\n".join(_function(command) for command in tree.every())}


def _function(command: Command) -> str:
    body = _group(command) if command.below else _leaf(command)
    return f"{_name(command)}() {{\n{body}\n}}"


def _name(command: Command) -> str:
    return "__".join(["__agentbox", *command.words])


def _leaf(command: Command) -> str:
    specs = [*_options(command), *_arguments(command)]
    return " \\\n        ".join(["    _arguments -s -S", *specs])


def _group(command: Command) -> str:
    # Options stand before the command: -A keeps those of the group out of what comes after it.
    specs = [*_options(command), "'1:command:->command'", "'*::argument:->below'"]
    listed = [quote(f"{below.words[-1]}:{_escaped(below.help)}") for below in command.below]
    lines = [
        "    local curcontext=$curcontext context state state_descr line ret=1",
        "    local -A opt_args",
        " \\\n        ".join(["    _arguments -s -S -C -A '-*'", *specs, "&& ret=0"]),
        "    case $state in",
        "    command)",
        "\n            ".join(["        local -a commands=(", *listed]) + "\n        )",
        "        _describe -t commands command commands && ret=0 ;;",
        f"    below) __agentbox_below {_name(command)} && ret=0 ;;",
        "    esac",
        "    return ret",
    ]
    return "\n".join(lines)


def _options(command: Command) -> Iterator[str]:
    for option in command.options:
        for name in option.names:
            yield quote(_excluded(option) + _option(name, option))


def _excluded(option: Option) -> str:
    if "--help" in option.names:
        return "(- : *)"
    if option.repeatable:
        return "*"
    return f"({' '.join(option.names)})" if len(option.names) > 1 else ""


def _option(name: str, option: Option) -> str:
    text = f"[{_escaped(option.help)}]"
    if option.values is None:
        return name + text
    attached = f"{name}=" if name.startswith("--") else f"{name}+"
    return f"{attached}{text}:{_escaped(option.names[0].lstrip('-'))}:{_action(option.values)}"


def _arguments(command: Command) -> Iterator[str]:
    for number, argument in enumerate(command.arguments, start=1):
        place = "*" if argument.many else str(number)
        yield quote(f"{place}:{_message(argument)}:{_action(argument.values)}")


def _message(argument: Argument) -> str:
    return _escaped(argument.name.replace("_", " "))


def _action(values: Values) -> str:
    if values.choices:
        return f"({' '.join(values.choices)})"
    if values.words:
        # Without the blank, zsh would put words of its own before the kind.
        return f" __agentbox_words {values.words}"
    return "_files" if values.files else " "


def _escaped(text: str) -> str:
    for char in "\\:[]":
        text = text.replace(char, f"\\{char}")
    return text
