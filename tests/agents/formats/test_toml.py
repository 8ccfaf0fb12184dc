import tomllib

import pytest

from agentbox_cli.agents.formats.broken import BrokenTextError
from agentbox_cli.agents.formats.editing import drop, put, value_at
from agentbox_cli.providers.agent import SettingsFormat

TOML = SettingsFormat.TOML
MINE = """\
# of mine
model = "o3"   # the best

[mcp_servers.files]   # by hand
command = "files"

# how I work
[profiles.slow]
model = "o1"
"""
BLOCK = {"name": "agentbox", "auth": {"command": "agentbox", "args": ["litellm", "key"]}}


def test_a_value_is_replaced_in_its_place() -> None:
    assert put(TOML, MINE, ("model",), "default") == MINE.replace('"o3"', '"default"')


def test_a_new_key_stands_above_the_tables() -> None:
    edited = put(TOML, MINE, ("model_provider",), "agentbox")
    assert edited == MINE.replace("best\n", 'best\nmodel_provider = "agentbox"\n')


def test_a_table_goes_to_the_end_and_comes_out_again_to_the_byte() -> None:
    edited = put(TOML, MINE, ("mcp_servers", "agentbox"), {"url": "http://127.0.0.1:4000/mcp"})
    edited = put(TOML, edited, ("model_providers", "agentbox"), BLOCK)
    assert edited.startswith(MINE)
    assert tomllib.loads(edited)["model_providers"]["agentbox"] == BLOCK
    for path in (("mcp_servers", "agentbox"), ("model_providers", "agentbox")):
        edited = drop(TOML, edited, path)
    assert edited == MINE


def test_what_somebody_wrote_below_our_table_stays_with_its_comment() -> None:
    edited = put(TOML, MINE, ("mcp_servers", "agentbox"), {"url": "u"})
    theirs = "\n# one more of mine\n[mcp_servers.other]\ncommand = 'x'\n"
    assert drop(TOML, edited + theirs, ("mcp_servers", "agentbox")) == MINE + theirs


def test_a_table_in_braces_takes_a_new_key() -> None:
    edited = put(
        TOML, 'mcp_servers = {a = {url = "x"}} # braces\n', ("mcp_servers", "b"), {"u": 1}
    )
    assert tomllib.loads(edited) == {"mcp_servers": {"a": {"url": "x"}, "b": {"u": 1}}}
    assert edited.endswith("# braces\n")


@pytest.mark.parametrize("text", ["", "# only a word\n", "a = 1"])
def test_a_text_without_tables_gets_one(text: str) -> None:
    edited = put(TOML, text, ("model_providers", "agentbox"), {"name": "x"})
    assert value_at(TOML, edited, ("model_providers", "agentbox", "name")) == "x"
    assert edited.startswith(text)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [('a = 1\nb = "x\n', 2, 7), ("a = \n", 1, 5), ("[a\n", 1, 3), ("a = 1\na = 2\n", 2, 6)],
)
def test_a_broken_text_is_told_with_its_place(text: str, line: int, column: int) -> None:
    with pytest.raises(BrokenTextError, match="this is not TOML: ") as raised:
        put(TOML, text, ("model",), "x")
    assert (raised.value.line, raised.value.column) == (line, column)


def test_a_value_where_a_table_must_stand_is_told() -> None:
    with pytest.raises(BrokenTextError, match="must be a table") as raised:
        put(TOML, "b = 1\nmodel_providers = 3\n", ("model_providers", "agentbox"), {"a": 1})
    assert raised.value.line == 2
