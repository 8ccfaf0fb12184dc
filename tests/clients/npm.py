"""Programs from npm, pinned, that tests of the MCP gateway run."""

import os
from pathlib import Path

import pytest

from tests.clients.installing import MACHINE, from_npm, is_here

_WANTED = bool(MACHINE.get("AGENTBOX_TEST_CLIENTS"))

FILESYSTEM = "@modelcontextprotocol/server-filesystem@2026.8.31"
EVERYTHING = "@modelcontextprotocol/server-everything@2026.8.31"
MEMORY = "@modelcontextprotocol/server-memory@2026.8.31"
INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"
# The last one that runs on Node 20.
CONFORMANCE = "@modelcontextprotocol/conformance@0.1.13"
CLAUDE = "@anthropic-ai/claude-code@2.1.332"
CODEX = "@openai/codex@0.169.0"


def program(package: str, name: str) -> str:
    """The path of a program of a package; the test is skipped where it cannot be had."""
    title, _, version = package.rpartition("@")
    if not (_WANTED or is_here(title, version)):
        pytest.skip(f"{package} is not here; AGENTBOX_TEST_CLIENTS=1 installs it from npm")
    return str(from_npm(title, version) / name)


def path_with(*programs: str) -> str:
    """A PATH on which these are found, and node."""
    folders = [str(Path(each).parent) for each in programs]
    return os.pathsep.join([*folders, MACHINE["PATH"]])
