import json
from typing import Any

import pytest

from agentbox_cli.config.document import parse
from agentbox_cli.config.validate import validate
from agentbox_cli.errors import UsageError
from agentbox_cli.mcp.gateway.importing import import_servers

CODEX = """
model = "gpt-5"
[mcp_servers.docs]
url = "https://mcp.example.org/mcp"
bearer_token_env_var = "DOCS_TOKEN"
http_headers = { "X-Team" = "a" }
env_http_headers = { "X-Key" = "TEAM_KEY" }
startup_timeout_sec = 20
tool_timeout_sec = 45.5
enabled_tools = ["search"]
disabled_tools = ["delete"]
[mcp_servers.local]
command = "npx"
args = ["-y", "thing"]
cwd = "/srv"
enabled = false
required = true
[mcp_servers.local.env]
LEVEL = "debug"
"""


def imported(data: Any) -> dict[str, Any]:
    return dict(import_servers(json.dumps(data), "it.json").entries)


def test_codex() -> None:
    found = import_servers(CODEX, "config.toml")
    assert found.entries == {
        "docs": {
            "url": "https://mcp.example.org/mcp",
            "headers": {
                "X-Team": "a",
                "X-Key": "${TEAM_KEY}",
                "Authorization": "Bearer ${DOCS_TOKEN}",
            },
            "timeout": 45.5,
            "connect_timeout": 20,
            "allow": ["search"],
            "deny": ["delete"],
        },
        "local": {
            "command": "npx",
            "args": ["-y", "thing"],
            "env": {"LEVEL": "debug"},
            "cwd": "/srv",
            "enabled": False,
        },
    }
    assert found.notes == ("local: 'required' has no counterpart",)


@pytest.mark.parametrize(
    ("told", "entry"),
    [
        ({"command": "a", "env": {"T": "${env:T}"}}, {"command": "a", "env": {"T": "${T}"}}),
        ({"type": "sse", "url": "http://h/x"}, {"url": "http://h/x", "transport": "sse"}),
        ({"url": "http://h/sse"}, {"url": "http://h/sse", "transport": "sse"}),
        ({"httpUrl": "http://h/mcp", "type": "http"}, {"url": "http://h/mcp"}),
        ({"command": "a", "disabled": True}, {"command": "a", "enabled": False}),
        (
            {"url": "http://h/mcp", "headers": {"Authorization": "Bearer abcdefgh12345678"}},
            {"url": "http://h/mcp", "headers": {"Authorization": "Bearer ${X_AUTHORIZATION}"}},
        ),
    ],
)
@pytest.mark.parametrize("section", ["mcpServers", "servers", "mcp_servers"])
def test_json_of_other_agents(section: str, told: dict[str, Any], entry: dict[str, Any]) -> None:
    assert imported({section: {"x": told}}) == {"x": entry}


def test_servers_of_projects_are_found_too() -> None:
    data = {"projects": {"/a": {"mcpServers": {"x": {"command": "a"}}}}, "mcpServers": {}}
    assert imported(data) == {"x": {"command": "a"}}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is neither JSON nor TOML, line 1"),
        ("= secret-value", "is neither JSON nor TOML"),
        ("{}", "has no MCP servers"),
        ('{"mcpServers": []}', "has no MCP servers"),
        ("", "has no MCP servers"),
    ],
)
def test_a_file_without_servers_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError) as error:
        import_servers(text, "it.json")
    assert why in error.value.message
    assert "secret-value" not in error.value.message


ODD: list[Any] = [None, 7, "x", [], {}, {"command": 7}, {"url": []}, {"command": "a", "args": "b"}]


@pytest.mark.parametrize("told", ODD)
def test_odd_entries_break_nothing(told: Any) -> None:
    data = {
        "mcpServers": {"odd": told, "good one!": {"command": "a", "env": {"a b": "c", "D": 1}}}
    }
    found = imported(data)
    assert found["good-one"] == {"command": "a", "env": {"D": "1"}}


def test_what_is_taken_over_is_valid() -> None:
    entries = dict(import_servers(CODEX, "config.toml").entries)
    text = json.dumps({"litellm": {"mcp_servers": entries}})
    host, issues = validate(parse(text, "config.yml"))
    assert host is not None
    assert issues == ()
