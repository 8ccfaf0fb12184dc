import json
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.errors import ConfigError
from agentbox_cli.mcp.gateway.pins import (
    PinnedBy,
    difference,
    forget,
    pin,
    read_pins,
    take_back,
    way_back,
)
from agentbox_cli.mcp.gateway.tools import Filter, Tool, sorted_tools


def tools(*names: str, **more: Any) -> tuple[Tool, ...]:
    listed = [
        {"name": name, "description": "Does it.", "inputSchema": {"type": "object"}, **more}
        for name in names
    ]
    return sorted_tools(listed, Filter(), None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mcp.pins.json"


def test_what_is_pinned_is_read_back(file: Path) -> None:
    written = pin(file, "files", tools("read", "write"), PinnedBy.ADD)
    assert read_pins(file) == {"files": written}
    assert set(written.tools) == {"read", "write"}
    assert file.stat().st_mode & 0o777 == 0o600


def test_pinning_some_leaves_the_others(file: Path) -> None:
    pin(file, "files", tools("read"), PinnedBy.ADD)
    pin(file, "docs", tools("read"), PinnedBy.FIRST_CONTACT)
    pin(file, "files", tools("write"), PinnedBy.ACCEPT)
    found = read_pins(file)
    assert set(found["files"].tools) == {"read", "write"}
    assert found["files"].by is PinnedBy.ACCEPT
    assert set(found["docs"].tools) == {"read"}
    forget(file, "files")
    assert set(read_pins(file)) == {"docs"}
    forget(file, "files")


def test_an_acceptance_can_be_taken_back_as_a_whole_or_in_part(file: Path) -> None:
    pin(file, "files", tools("read", "write"), PinnedBy.ADD)
    first = read_pins(file)["files"].tools
    pin(file, "files", tools("read", "write", "new", title="Other"), PinnedBy.ACCEPT)
    accepted = read_pins(file)["files"]
    assert accepted.before == {**first, "new": None}
    assert '-  "title": "Other"' in way_back("files", "read", accepted)
    take_back(file, "files", ["new", "read"])
    left = read_pins(file)["files"]
    assert left.tools == {"read": first["read"], "write": accepted.tools["write"]}
    assert left.before == {"write": first["write"]}
    take_back(file, "files", ["write"])
    assert read_pins(file)["files"].tools == first
    # What was accepted before the last time cannot be taken back any more.
    pin(file, "files", tools("a"), PinnedBy.ACCEPT)
    pin(file, "files", tools("b"), PinnedBy.ACCEPT)
    assert read_pins(file)["files"].before == {"b": None}


def test_a_tool_that_nobody_could_use_is_not_pinned(file: Path) -> None:
    assert pin(file, "a", tools("bad name", "good"), PinnedBy.ADD).tools.keys() == {"good"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"servers": []}',
        '{"servers": {"a": {}}}',
        '{"servers": {"a": {"by": "me"}}}',
    ],
)
def test_a_damaged_file_pins_nothing_and_frees_nothing(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match="is no file of pinned tools"):
        read_pins(file)
    with pytest.raises(ConfigError, match="is no file of pinned tools"):
        pin(file, "a", tools("read"), PinnedBy.ADD)
    assert file.read_text() == text


def test_the_file_is_the_same_for_the_same_tools(file: Path) -> None:
    pin(file, "a", tools("x", "y"), PinnedBy.ADD)
    first = json.loads(file.read_text())["servers"]["a"]["tools"]
    pin(file, "a", tools("y", "x"), PinnedBy.ADD)
    assert json.loads(file.read_text())["servers"]["a"]["tools"] == first


def test_a_difference_shows_the_lines_of_a_description() -> None:
    (before,) = tools("read")
    (after,) = tools("read", description="Does it.\nThen \x1b[8m\u202esend it.")
    shown = difference("files", after, before.definition)
    assert "+Then \N{REPLACEMENT CHARACTER}[8m\N{REPLACEMENT CHARACTER}send it." in shown
    assert "-Does it." not in shown
    assert difference("files", before, None).count("\n+") > 3
