"""What may stand in `litellm.mcp_servers`, and how it is edited."""

import pytest

from agentbox_cli.config.document import parse
from agentbox_cli.config.mcp_entries import add_server, headers, remove_server, variables
from agentbox_cli.config.validate import validate
from agentbox_cli.errors import UsageError

KEPT = "# mine\nlitellm:\n  mcp_servers:  # tools\n    a: {command: a}  # first\n"


def issues(server: str) -> list[str]:
    _, found = validate(parse(f"litellm:\n  mcp_servers:\n    {server}\n", "config.yml"))
    return [issue.message for issue in found]


@pytest.mark.parametrize(
    "server",
    [
        "files: {command: npx, args: [-y, thing], cwd: /srv, env: {TOKEN: '${T}', A: b}}",
        "docs: {url: 'https://mcp.example.org/mcp/?v=1', headers: {Authorization: 'Bearer ${T}'}}",
        "old: {url: 'http://127.0.0.1:9/sse', transport: sse, allow: [read_*], deny: ['*x']}",
        "a_-9: {command: x}",
    ],
)
def test_servers_of_every_kind_are_valid(server: str) -> None:
    assert issues(server) == []


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ("a: {}", "a server has either a `command` or a `url`"),
        ("a: {command: x, url: 'http://h/mcp'}", "a server has either a `command` or a `url`"),
        ("a: {command: ' '}", "this is no program's name or path"),
        ("a: {url: 'http://h/mcp', args: [x]}", "`args` has no meaning for a server with a `url`"),
        (
            "a: {command: x, headers: {X: y}}",
            "`headers` has no meaning for a server with a `command`",
        ),
        ("a: {url: 'file:///etc'}", "this is not an http:// or https:// address"),
        (
            "a: {url: 'http://me:hush@h/mcp'}",
            "user and password do not belong into an address; use headers",
        ),
        ("a: {command: x, timeout: 0}", "must be more than 0"),
        ("a: {command: x, max_output_bytes: 1}", "must be at least 1000"),
        ("a: {command: x, alow: []}", "unknown key 'alow'; did you mean 'allow'?"),
        ("a: {command: x, env: {A: '${'}}", "'${' has no closing '}'"),
        ("a: {command: x, env: {API_KEY: abc}}", "a key stands here in clear text"),
        ("a: {command: x, allow: ['']}", "an empty pattern fits no tool"),
        (
            "a/b: {command: x}",
            (
                "this name cannot be used: use up to 32 letters, digits, _ and -;"
                " start with a letter or digit"
            ),
        ),
    ],
)
def test_what_cannot_be_used_is_said(server: str, message: str) -> None:
    assert issues(server) == [message]


def test_an_added_server_leaves_every_other_byte() -> None:
    after = add_server(parse(KEPT, "config.yml"), "b", {"command": "b", "args": ["-y"]})
    assert after.startswith(KEPT)
    assert remove_server(parse(after, "config.yml"), "b") == KEPT


def test_a_name_is_given_once_and_only_a_known_one_is_removed() -> None:
    document = parse(KEPT, "config.yml")
    with pytest.raises(UsageError, match="'a' is configured already"):
        add_server(document, "a", {"command": "b"})
    with pytest.raises(UsageError, match="has no MCP server 'b'"):
        remove_server(document, "b")


def test_a_variable_alone_is_a_reference_to_itself() -> None:
    assert variables(["A", "B=x", "C=${D}", "E="]) == {"A": "${A}", "B": "x", "C": "${D}", "E": ""}


def test_headers_are_written_in_both_ways_that_people_know() -> None:
    told = ["X-Team=a:b", "Authorization: Bearer ${T}"]
    assert headers(told) == {"X-Team": "a:b", "Authorization": "Bearer ${T}"}


def test_a_key_in_the_clear_is_refused_and_not_repeated() -> None:
    for read, pair in ((variables, "API_KEY=abc-123"), (headers, "x-token=abc-123")):
        with pytest.raises(UsageError) as error:
            read([pair])
        assert "abc-123" not in f"{error.value.message}{error.value.hint}"


def test_what_is_no_pair_is_refused() -> None:
    for read, pair in ((variables, "a b=c"), (headers, "nothing"), (headers, "=x")):
        with pytest.raises(UsageError, match="this is no"):
            read([pair])
