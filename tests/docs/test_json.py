"""The examples in docs/json.md have the shape of what the commands print."""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.commandline import Agentbox, Result
from tests.fakes.mcp_gateway import SCRIPT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "json.md").read_text()

# One link is enough for the shape of a drill.
CONFIG = """\
litellm:
  providers:
    openai: {}
  mcp_servers:
    files:
      command: PYTHON
      args: [SCRIPT]
  models:
    default:
      - provider: simulated
        model: rate-limited
      - provider: simulated
        model: echo
    plain:
      - provider: simulated
        model: echo
    lame:
      - provider: openai
        model: gpt-4o
      - provider: simulated
        model: echo
"""
# What stands behind a command that asks for more.
MORE = {
    "ask": ["hi"],
    "test-fallback": ["plain"],
    "set": ["litellm.port", "4001"],
    "get": ["litellm.port"],
    "import": [str(ROOT / "tests" / "data" / "import" / "litellm-example.yaml"), "--dry-run"],
}
# Names are keys here, so the shape is that of any one of them.
BY_NAME = ("upstream_calls", ".litellm.providers", ".litellm.models", ".litellm.mcp_servers")


def examples() -> dict[str, Any]:
    """The example of each section, by its command."""
    found = re.findall(
        r"^## (agentbox [^\n]+)\n\n```json\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE
    )
    return {command: json.loads(text) for command, text in found}


@pytest.fixture
def command(agentbox: Agentbox, home: Path) -> Iterator[Callable[..., Result]]:
    file = home / "config" / "agentbox" / "config.yml"
    file.parent.mkdir(parents=True)
    file.write_text(CONFIG.replace("PYTHON", sys.executable).replace("SCRIPT", str(SCRIPT)))
    assert agentbox("litellm", "start", "--port", "0").exit_code == 0
    yield agentbox
    assert agentbox("litellm", "stop").exit_code == 0


def test_every_document_is_as_in_its_example(command: Callable[..., Result]) -> None:
    for line, example in examples().items():
        # The one request that was made, whatever its id is.
        arguments = ["req_" if "req_" in word else word for word in line.split()[1:]]
        more = MORE.get(arguments[1], [])
        document = filled(command, *arguments, *more)
        assert document["schema"] == example["schema"]
        assert list(differences(example, document, line)) == []


def filled(command: Callable[..., Result], *arguments: str) -> Any:
    """What a command prints; usage of the question before is there a moment later."""
    deadline = time.monotonic() + 30
    while True:
        document = command(*arguments).document
        if document.get("rows") != [] or time.monotonic() > deadline:
            return document


def test_every_schema_has_an_example() -> None:
    sources = (ROOT / "agentbox_cli" / "cli").rglob("*.py")
    printed = {name for file in sources for name in EMITTED.findall(file.read_text())}
    assert {f"agentbox.{name}/1" for name in printed} == {
        example["schema"] for example in examples().values()
    }


EMITTED = re.compile(r'emit_json\(\s*"([a-z-]+)"')


def test_a_difference_in_shape_is_found() -> None:
    assert list(differences({"a": [{"b": 1}]}, {"a": [{"c": 1}]}, "it")) == ["it.a[0]: b, c"]
    assert list(differences({"a": 1}, {"a": "one"}, "it")) == ["it.a: int and str"]
    assert list(differences({"a": None}, {"a": "one"}, "it")) == []


def differences(example: Any, document: Any, place: str) -> Iterator[str]:
    """Where two documents differ in keys or types; null goes with anything."""
    if isinstance(example, dict) and isinstance(document, dict):
        if place.endswith(BY_NAME):
            return
        odd = example.keys() ^ document.keys()
        if odd:
            yield f"{place}: {', '.join(sorted(odd))}"
        for name in example.keys() & document.keys():
            yield from differences(example[name], document[name], f"{place}.{name}")
    elif isinstance(example, list) and isinstance(document, list):
        for first in example[:1]:
            for one in document[:1]:
                yield from differences(first, one, f"{place}[0]")
    elif None not in (example, document) and not _same_type(example, document):
        yield f"{place}: {type(example).__name__} and {type(document).__name__}"


def _same_type(example: Any, document: Any) -> bool:
    numbers = (int, float)
    both = isinstance(example, numbers) and isinstance(document, numbers)
    return type(example) is type(document) or (
        both and bool not in (type(example), type(document))
    )
