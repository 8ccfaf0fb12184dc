"""The config editor alone, on a long config."""

import time
from collections.abc import Callable, Iterator, Mapping

from agentbox_cli.config.document import Document, parse
from agentbox_cli.config.edit import delete, insert_item, move_item, rename_key, set_value
from benchmarks.figures import Figure, of_rounds
from benchmarks.lineup import Effort

EDIT_MS = 10.0
HEAD = """\
litellm:
  # Who is asked
  providers:
    openai: {}

  router:
    timeout: 60   # seconds
    num_retries: 3

  # Model aliases
  models:
"""
ALIAS = """\
    # number {0}
    a{0}:
      - provider: openai
        model: gpt-4o
      - provider: openai
        model: gpt-4o-mini
"""
LINES = 500
LINK = {"provider": "openai", "model": "o1"}
MODELS = ("litellm", "models")
EDITS: Mapping[str, Callable[[Document], str]] = {
    "set": lambda document: set_value(document, (*MODELS, "a40", 0, "model"), "o1"),
    "new key": lambda document: set_value(document, (*MODELS, "new"), [LINK]),
    "new item": lambda document: insert_item(document, (*MODELS, "a40"), 0, LINK),
    "delete": lambda document: delete(document, (*MODELS, "a40")),
    "move": lambda document: move_item(document, (*MODELS, "a40"), 0, 1),
    "rename": lambda document: rename_key(document, (*MODELS, "a40"), "b40"),
    "new section": lambda document: set_value(document, ("other", "key"), 1),
}


def editing(effort: Effort) -> Iterator[Figure]:
    """CPU time of each edit of a config that was read already."""
    document = parse(text_of(LINES), "config.yml")
    for name, edit in EDITS.items():
        values = [_cpu_ms(edit, document) for _ in range(effort.rounds + 1)][1:]
        yield of_rounds(f"editor, {LINES} lines: {name} (CPU)", values, "ms", at_most=EDIT_MS)


def text_of(lines: int) -> str:
    """A config of about so many lines."""
    each = ALIAS.count("\n")
    return HEAD + "".join(
        ALIAS.format(number) for number in range((lines - HEAD.count("\n")) // each)
    )


def _cpu_ms(edit: Callable[[Document], str], document: Document) -> float:
    begun = time.process_time()
    edit(document)
    return (time.process_time() - begun) * 1_000
