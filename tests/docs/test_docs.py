"""What README and docs/ say is so: generated parts are fresh, examples work, names exist."""

import dataclasses
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from agentbox_cli.cli.app import root
from agentbox_cli.cli.lazy import LazyGroup
from agentbox_cli.config.document import parse
from agentbox_cli.config.validate import validate
from agentbox_cli.errors import Exit
from agentbox_cli.providers.load import find_problems
from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.resolved import Toggles
from agentbox_cli.proxy import endpoints, headers, verdict
from docs import generate
from docs.fields import SECTIONS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
KEY_NAMES = re.compile(r"\$\{([A-Z_]+)")
USUAL_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GWDG_API_KEY")


def ids(page: Path) -> str:
    return page.name


def told(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def yaml_blocks() -> list[tuple[str, str]]:
    return [(page.name, block) for page in PAGES for block in blocks(page, "yaml")]


def test_every_generated_block_is_fresh() -> None:
    stale = [page.name for page, text in generate.pages() if page.read_text() != text]
    assert stale == [], "run: make docs"


def test_every_page_with_blocks_is_generated() -> None:
    written = [page.name for page, _ in generate.pages()]
    assert written == ["chain.md", "cli.md", "config.md", "usage.md"]


@pytest.mark.parametrize(("page", "text"), yaml_blocks())
def test_every_yaml_block_is_a_valid_section(page: str, text: str) -> None:
    document = parse(text, page)
    assert not document.faults
    assert list(document.data) == ["litellm"], "other sections are nobody's business here"
    host, issues = validate(document)
    assert [issue.message for issue in issues] == []
    assert host is not None


@pytest.mark.parametrize("text", [text for _, text in yaml_blocks() if "\n  models:" in text])
def test_every_whole_config_has_no_problem(text: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    file.write_text(text)
    keys = dict.fromkeys([*USUAL_KEYS, *KEY_NAMES.findall(text)], "dummy")
    assert [problem.message for problem in find_problems(file, keys, None)] == []


def test_every_config_field_is_described_and_shown_in_an_example() -> None:
    shown = {place for block in blocks(ROOT / "docs/config.md", "yaml") for place in places(block)}
    fields = {
        f"{place}.{name}" for place, model in SECTIONS.items() for name in model.model_fields
    }
    assert fields - shown == set()
    for field in fields:
        assert f"| `{field.rpartition('.')[2]}` |" in told("docs/config.md")


def test_every_section_of_the_model_has_a_table() -> None:
    assert {*SECTIONS.values()} == sections_below(SECTIONS["litellm"])


def sections_below(model: type[BaseModel]) -> set[type[BaseModel]]:
    found = re.findall(r"#/\$defs/(\w+)", json.dumps(model.model_json_schema()))
    by_name = {section.__name__: section for section in SECTIONS.values()}
    return {model, *(by_name[name] for name in found)}


def places(block: str) -> Iterator[str]:
    """The places of a config, as the headings name them."""
    section = parse(block, "an example").data["litellm"]
    for name, value in section.items():
        yield f"litellm.{name}"
        if name in ("providers", "mcp_servers"):
            for named in value.values():
                yield from (f"litellm.{name}.<name>.{field}" for field in named)
        elif name == "models":
            for link in [link for links in value.values() for link in links]:
                yield from (f"litellm.models.<alias>.{field}" for field in link)
        elif isinstance(value, dict):
            yield from (f"litellm.{name}.{field}" for field in value)
            yield from _named_below(f"litellm.{name}", value)


def _named_below(place: str, section: dict[str, Any]) -> Iterator[str]:
    """The fields below names that the user gives."""
    for title in (title for title in SECTIONS if title.startswith(f"{place}.")):
        for named in section.get(title.split(".")[2], {}).values():
            yield from (f"{title}.{field}" for field in named)


def test_every_command_has_a_section() -> None:
    titles = re.findall(r"^## (agentbox.*)$", told("docs/cli.md"), re.MULTILINE)
    assert titles == [" ".join(("agentbox", *words)) for words in [(), *generate.command_paths()]]


def test_every_exit_code_is_explained() -> None:
    rows = re.findall(r"^\| (\d+) \|", told("docs/cli.md"), re.MULTILINE)
    assert [int(row) for row in rows] == [code.value for code in Exit]


def test_the_readme_names_every_command() -> None:
    table = told("README.md").partition("## Commands\n")[2].partition("\n## ")[0]
    words = set(re.findall(r"[a-z-]+", table))
    assert {path[-1] for path in generate.command_paths()} - words == set()


def command_lines() -> list[tuple[str, str]]:
    """Every `agentbox ...` that a page shows, in a block or in a line of text."""
    found = []
    for page in PAGES:
        text = page.read_text()
        shells = [line for block in blocks(page, "(?:sh|console)") for line in block.splitlines()]
        lines = [line.removeprefix("$ ") for line in shells]
        lines += re.findall(r"`(agentbox [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        lines += re.findall(r"\$\((agentbox [^)]+)\)", text)
        found += [(page.name, line) for line in lines if line.startswith("agentbox ")]
    return found


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_every_command_line_names_a_command_and_its_options(page: str, line: str) -> None:
    words = [*takewhile(lambda word: word != "--", shlex.split(line, comments=True)[1:])]
    command, rest = _resolved(words)
    known = {option for param in command.params for option in param.opts} | {"-h", "--help"}
    given = {word.partition("=")[0] for word in rest if word.startswith("-") and word != "-"}
    assert given - known == set()
    assert not isinstance(command, LazyGroup) or not [w for w in rest if _is_word(w)], line


@cache
def _root() -> Any:
    return typer.main.get_command(root())


def _resolved(words: list[str]) -> tuple[Any, list[str]]:
    """The command that a line calls, and what follows it."""
    command, rest = _root(), _without_root_options(words)
    while isinstance(command, LazyGroup) and rest and rest[0] in command.table:
        command, rest = command.load(rest[0]), rest[1:]
    return command, rest


def _without_root_options(words: list[str]) -> list[str]:
    rest = list(words)
    while rest and rest[0] in {"--config", "--no-plugins"}:
        rest = rest[2:] if rest[0] == "--config" else rest[1:]
    return rest


def _is_word(word: str) -> bool:
    return not word.startswith("-") and word != "..."


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.is_file(), target
        assert not anchor or anchor in _anchors(found), target


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_changelog_has_something_unreleased() -> None:
    unreleased = told("CHANGELOG.md").partition("## [Unreleased]\n")[2].partition("\n## [")[0]
    assert re.search(r"^- .+\.$", unreleased, re.MULTILINE)


def test_the_chain_page_has_every_kind_label_toggle_and_header() -> None:
    page = told("docs/chain.md")
    words = [kind.value for kind in ErrorKind]
    words += [verdict.COOLING, verdict.EXHAUSTED, verdict.KEY_MISSING, verdict.UNFIT]
    words += [verdict.BUDGET, headers.BUDGET]
    words += [field.name for field in dataclasses.fields(Toggles)]
    words += [headers.ALIAS, headers.SERVED_BY, headers.LINK, headers.ATTEMPTS, headers.REQUEST_ID]
    assert [word for word in words if f"`{word}`" not in page] == []


def test_the_chain_page_gives_each_kind_its_class() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \| ", told("docs/chain.md"), re.MULTILINE))
    assert rows == {kind.value: kind.error_class.value for kind in ErrorKind}


def test_the_readme_lists_the_paths_that_are_served() -> None:
    page = told("README.md")
    assert [path for path in endpoints.BY_PATH if f"`{path}`" not in page] == []
