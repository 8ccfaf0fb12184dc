from pathlib import Path

import pytest

from agentbox_cli.providers.load import find_problems, load_setup

CONFIG = """\
litellm:
  models: {default: [{provider: simulated, model: echo}]}
  mcp_servers:
    files: {command: files, env: {A: "${A_TOKEN}", B: "x${B_TOKEN}", C: "${C:-}", D: d}}
    docs: {url: "http://h/mcp", headers: {Authorization: "Bearer ${DOCS}"}}
    off: {command: off, enabled: false, env: {X: "${UNSET}"}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "config.yml"
    file.write_text(CONFIG)
    return file


def test_variables_without_a_value_are_warned_of_where_they_are_named(file: Path) -> None:
    found = find_problems(file, {"B_TOKEN": "b"}, None)
    assert [(each.path, each.message) for each in found] == [
        ("litellm.mcp_servers.files.env.A", "A_TOKEN is not set; the MCP server files stays down"),
        ("litellm.mcp_servers.files.env.C", "C is not set; the MCP server files stays down"),
        (
            "litellm.mcp_servers.docs.headers.Authorization",
            "DOCS is not set; the MCP server docs stays down",
        ),
    ]


def test_they_may_stand_in_the_env_file_beside(file: Path) -> None:
    env = file.parent / ".env"
    env.touch(mode=0o600)
    env.write_text("A_TOKEN=a\nB_TOKEN=b\nC=c\nDOCS=d\n")
    assert find_problems(file, {}, None) == []


def test_a_server_that_stays_down_does_not_keep_the_proxy_from_starting(file: Path) -> None:
    both = {"A_TOKEN": "a", "A_TOKEN_FILE": "/a", "B_TOKEN": "b", "C": "c", "DOCS": "d"}
    (problem,) = load_setup(file, both, None).problems
    assert "both A_TOKEN and A_TOKEN_FILE are set" in problem.message
