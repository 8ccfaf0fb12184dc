"""Write the generated parts of the documentation anew: `python -m docs.generate [--check]`.

The JSON Schema is generated as a whole. In a page, a block stands between
`<!-- generated: NAME -->` and `<!-- end -->`; the rest is written by hand and left alone.
"""

import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import typer

from agentbox_cli.cli.app import root
from agentbox_cli.cli.lazy import LazyGroup
from agentbox_cli.config.rules import MEANING
from agentbox_cli.config.schema import schema_text
from agentbox_cli.front import main as agentbox
from agentbox_cli.paths import SCHEMA_NAME
from docs.fields import tables
from docs.numbers import numbers, statuses
from docs.usage_examples import usage_examples

DOCS = Path(__file__).parent
WIDTH = "80"
BLOCK = re.compile(r"(<!-- generated: ([a-z._/<>-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages() -> Iterator[tuple[Path, str]]:
    """Every page that has generated blocks, and its text as it should be."""
    blocks = _blocks()
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if BLOCK.search(text):
            yield page, BLOCK.sub(lambda found: _filled(found, blocks), text)


def files() -> Iterator[tuple[Path, str]]:
    """Every generated file, and its text as it should be."""
    yield from pages()
    yield DOCS / SCHEMA_NAME, schema_text()


def command_paths() -> list[tuple[str, ...]]:
    """Every command and group below `agentbox`, as its words, in the order of the tables."""
    return list(_below(typer.main.get_command(root()), ()))


def _told(page: Path) -> str | None:
    return page.read_text(encoding="utf-8") if page.exists() else None


def _filled(found: re.Match[str], blocks: Mapping[str, Callable[[], str]]) -> str:
    return f"{found[1]}\n{blocks[found[2]]()}\n{found[3]}"


def _blocks() -> dict[str, Callable[[], str]]:
    fields = {name: lambda table=table: table for name, table in tables().items()}
    whole = {"commands": _commands, "numbers": numbers, "rules": _rules, "statuses": statuses}
    return {**whole, **fields, **usage_examples()}


def _below(command: object, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(command, LazyGroup):
        for name in command.table:
            yield (*words, name)
            yield from _below(command.load(name), (*words, name))


def _commands() -> str:
    return "\n".join(_section(words) for words in [(), *command_paths()])


def _rules() -> str:
    rows = [f"| `{rule}` | {text} |" for rule, text in MEANING.items()]
    return "\n".join(["| rule | what it means |", "|---|---|", *rows, ""])


def _section(words: tuple[str, ...]) -> str:
    name = " ".join(("agentbox", *words))
    return f"## {name}\n\n```text\n{_help(words).rstrip()}\n```\n"


def _help(words: tuple[str, ...]) -> str:
    with _fixed_width(), redirect_stdout(io.StringIO()) as told:
        agentbox([*words, "--help"])
    return told.getvalue()


@contextmanager
def _fixed_width() -> Iterator[None]:
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    try:
        yield
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` name those that are not fresh."""
    stale = [(page, text) for page, text in files() if _told(page) != text]
    for page, text in stale:
        if "--check" in arguments:
            sys.stderr.write(f"{page}: not fresh; run: make docs\n")
        else:
            page.write_text(text, encoding="utf-8")
            sys.stderr.write(f"wrote {page}\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
