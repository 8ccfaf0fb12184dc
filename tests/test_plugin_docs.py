"""docs/plugins.md tells plugin authors everything, and nothing that is not so."""

import dataclasses
import inspect
import re
from pathlib import Path

import pytest

from agentbox_cli import api
from agentbox_cli.config.document import parse
from agentbox_cli.config.validate import validate
from agentbox_cli.providers import hookspecs
from agentbox_cli.providers.agent import (
    AgentSpec,
    Alias,
    Connection,
    Launch,
    Settings,
    SettingsFormat,
)
from agentbox_cli.providers.model import (
    ErrorKind,
    ErrorPattern,
    ModelSpec,
    Price,
    Protocol,
    ProviderSpec,
    QuotaWindow,
)

ROOT = Path(__file__).parent.parent
DOCS = (ROOT / "docs" / "plugins.md").read_text()


def section(title: str) -> str:
    return DOCS.partition(f"## {title}\n")[2].partition("\n## ")[0]


def table_of(title: str) -> dict[str, list[str]]:
    """The rows of a section's table by their first cell."""
    rows = [line.strip("|").split("|") for line in section(title).splitlines() if "|" in line]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in rows[2:]}


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)


def hooks() -> dict[str, inspect.Signature]:
    mark = f"{hookspecs.PROJECT}_spec"
    found = inspect.getmembers(hookspecs, lambda member: hasattr(member, mark))
    return {name: inspect.signature(hook) for name, hook in found}


def test_every_hook_is_described_with_its_arguments() -> None:
    told = {name: cells[0] for name, cells in table_of("The hooks").items()}
    assert told == {
        name: ", ".join(signature.parameters) or "none" for name, signature in hooks().items()
    }


@pytest.mark.parametrize("spec", [ProviderSpec, ModelSpec, AgentSpec])
def test_every_field_is_described_in_order_with_its_default(spec: type) -> None:
    told = {name: cells[0].strip("`") for name, cells in table_of(spec.__name__).items()}
    assert told == {field.name: default_of(field) for field in dataclasses.fields(spec)}


def default_of(field: dataclasses.Field[object]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return str(dict(field.default_factory()))  # type: ignore[call-overload] # all are mappings
    if field.default is dataclasses.MISSING:
        return ""
    return getattr(field.default, "name", repr(field.default))


@pytest.mark.parametrize(
    "part", [Price, QuotaWindow, ErrorPattern, Alias, Connection, Launch, Settings]
)
def test_every_field_of_the_smaller_parts_is_named(part: type) -> None:
    title = "The parts of an agent" if part.__module__.endswith(".agent") else "The smaller parts"
    (told,) = table_of(title)[part.__name__]
    assert [
        field.name for field in dataclasses.fields(part) if f"`{field.name}`" not in told
    ] == []


def test_every_word_that_a_plugin_may_use_is_named() -> None:
    words = {member.name for kinds in (ErrorKind, Protocol, SettingsFormat) for member in kinds}
    assert {word for word in words if f"`{word}`" not in DOCS} == set()
    assert {name for name in api.__all__ if name not in DOCS} == set()


def test_the_examples_run() -> None:
    for block in code_blocks("python"):
        exec(compile(block, "docs/plugins.md", "exec"), {"__name__": "example"})  # noqa: S102


def test_the_config_in_it_is_valid() -> None:
    (block,) = code_blocks("yaml")
    assert validate(parse(block, "docs/plugins.md"))[1] == ()


def test_the_template_it_tells_to_copy_exists() -> None:
    assert (ROOT / "plugins" / "template" / "pyproject.toml").exists()
