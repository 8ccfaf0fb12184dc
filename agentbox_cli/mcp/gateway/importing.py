"""MCP servers out of the config files of agents: `.mcp.json` and its kin, and Codex' TOML. Pure.

No key is taken over: where one stands in the clear, a reference to a variable takes its place.
"""

import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentbox_cli.config.masking import starred
from agentbox_cli.config.mcp_servers import SERVER_NAME, VARIABLE
from agentbox_cli.config.redaction import is_credential
from agentbox_cli.config.references import is_clear, names
from agentbox_cli.config.shapes import HEADER_NAME
from agentbox_cli.errors import UsageError

# The names under which agents keep their servers.
_SECTIONS = ("mcpServers", "mcp_servers", "servers")
_ODD = re.compile(r"[^A-Za-z0-9_-]+")
_ENV = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_HERE = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\]):(\d+)/mcp(?:/|$)")
_INPUT = re.compile(r"\$\{(?:input|command|workspaceFolder|userHome)[^}]*\}")
# What other agents call what we have too.
_KNOWN = frozenset(
    {
        *("command", "args", "env", "cwd", "url", "httpUrl", "serverUrl", "type", "transport"),
        *("headers", "http_headers", "env_http_headers", "bearer_token_env_var", "disabled"),
        *("enabled", "startup_timeout_sec", "tool_timeout_sec", "enabled_tools"),
        *("disabled_tools", "includeTools", "excludeTools"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedServers:
    """What was found in a file.

    Args:
        entries: the servers as config.yml has them, by name.
        notes: what is to be known of it, a line each.
    """

    entries: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Draft:
    """A server in the making."""

    name: str
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(f"{self.name}: {text}")


def import_servers(text: str, where: str, ports: Collection[int] = ()) -> ImportedServers:
    """Take the servers out of a file.

    Args:
        text: what is in it: JSON or TOML.
        where: its name, for messages.
        ports: those of our own proxy, whose gateway must not become a server of itself.

    Raises:
        UsageError: it is neither, or has no servers.
    """
    entries: dict[str, Mapping[str, Any]] = {}
    notes: list[str] = []
    for title, told in _servers(_data(text, where)):
        draft = _Draft(_named(title, entries))
        if not SERVER_NAME.fullmatch(title):
            draft.note(f"it was called {starred(title[:60])!r}")
        entry = None if _is_ours(told, ports, draft) else _entry(told, draft)
        if entry is not None:
            entries[draft.name] = entry
        notes += draft.notes
    if not entries and not notes:
        raise UsageError(
            f"{where} has no MCP servers",
            hint="they stand below mcpServers, or [mcp_servers.NAME]",
        )
    return ImportedServers(entries=entries, notes=tuple(notes))


def _data(text: str, where: str) -> Mapping[str, Any]:
    data: Any
    try:
        data = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:
        # The error of either may quote what stands there, which may be a key.
        line = getattr(error, "lineno", None)
        at = f", line {line}" if line else ""
        raise UsageError(f"{where} is neither JSON nor TOML{at}") from None
    return data if isinstance(data, dict) else {}


def _servers(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every server, those of projects too; of two with one name the first counts."""
    seen: set[str] = set()
    projects = data.get("projects")
    below = list(projects.values()) if isinstance(projects, dict) else []
    for place in (data, data.get("mcp"), *below):
        for section in _SECTIONS:
            found = place.get(section) if isinstance(place, dict) else None
            for name, told in found.items() if isinstance(found, dict) else ():
                if isinstance(told, dict) and name not in seen:
                    seen.add(name)
                    yield name, told


def _named(title: str, taken: Mapping[str, Any]) -> str:
    name = _ODD.sub("-", title).strip("-_")[:32] or "server"
    number = 2
    while name in taken:
        name = f"{name[:29]}-{number}"
        number += 1
    return name


def _entry(told: Mapping[str, Any], draft: _Draft) -> Mapping[str, Any] | None:
    address = next((told[key] for key in ("url", "httpUrl", "serverUrl") if told.get(key)), None)
    command = told.get("command")
    if isinstance(command, str) and command:
        entry = _program(command, told, draft)
    elif isinstance(address, str):
        entry = _address(address, told, draft)
    else:
        draft.note("it has neither a command nor a url, and is left out")
        return None
    for key in sorted({*told} - _KNOWN):
        draft.note(f"{starred(str(key)[:40])!r} has no counterpart")
    return entry | _settings(told)


def _is_ours(told: Mapping[str, Any], ports: Collection[int], draft: _Draft) -> bool:
    address = str(told.get("url") or told.get("httpUrl") or "")
    here = _HERE.match(address)
    program = str(told.get("command")).rpartition("/")[2]
    if program != "agentbox" and not (here and int(here[1]) in ports):
        return False
    draft.note("it is agentbox itself, and left out")
    return True


def _program(command: str, told: Mapping[str, Any], draft: _Draft) -> dict[str, Any]:
    arguments = [_text(each, draft) for each in _listed(told.get("args"))]
    for argument in arguments:
        if starred(argument) != argument:
            draft.note("an argument looks like a key; better put it into a variable")
    entry: dict[str, Any] = {"command": command}
    if arguments:
        entry["args"] = arguments
    if env := _secrets(told.get("env"), draft, VARIABLE):
        entry["env"] = env
    if isinstance(told.get("cwd"), str):
        entry["cwd"] = told["cwd"]
    return entry


def _address(address: str, told: Mapping[str, Any], draft: _Draft) -> dict[str, Any]:
    entry: dict[str, Any] = {"url": _text(address, draft)}
    kind = str(told.get("type") or told.get("transport") or "")
    if kind == "sse" or (not kind and address.rstrip("/").endswith("/sse")):
        entry["transport"] = "sse"
    found = _secrets(told.get("headers") or told.get("http_headers"), draft, HEADER_NAME)
    by_variable = told.get("env_http_headers")
    for header, name in by_variable.items() if isinstance(by_variable, dict) else ():
        found[header] = f"${{{name}}}"
    if isinstance(token := told.get("bearer_token_env_var"), str):
        found["Authorization"] = f"Bearer ${{{token}}}"
    if found:
        entry["headers"] = found
    return entry


def _settings(told: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if told.get("disabled") is True or told.get("enabled") is False:
        found["enabled"] = False
    for theirs, ours in (
        ("tool_timeout_sec", "timeout"),
        ("startup_timeout_sec", "connect_timeout"),
    ):
        value = told.get(theirs)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            found[ours] = value
    for theirs, ours in (
        ("enabled_tools", "allow"),
        ("includeTools", "allow"),
        ("disabled_tools", "deny"),
        ("excludeTools", "deny"),
    ):
        if globs := [each for each in _listed(told.get(theirs)) if isinstance(each, str)]:
            found[ours] = globs
    return found


def _secrets(told: Any, draft: _Draft, shape: re.Pattern[str]) -> dict[str, str]:
    """Variables or headers; what looks like a key becomes a reference."""
    found = {}
    for name, value in told.items() if isinstance(told, dict) else ():
        if not shape.fullmatch(str(name)):
            draft.note("a variable or header has an odd name, and is left out")
            continue
        text = _text(value, draft)
        is_key = is_credential(name) or starred(text) != text
        if is_key and is_clear(text) and not names(text):
            variable = _variable(str(name), draft.name)
            scheme = "Bearer " if text.lower().startswith("bearer ") else ""
            found[name] = f"{scheme}${{{variable}}}"
            draft.note(f"{name} stands in the clear; put it into {variable}, in .env or exported")
        else:
            found[name] = text
    return found


def _variable(name: str, server: str) -> str:
    is_one = VARIABLE.fullmatch(name) and name.isupper()
    return name if is_one else re.sub(r"\W", "_", f"{server}_{name}").upper()


def _text(value: Any, draft: _Draft) -> str:
    text = _ENV.sub(r"${\1}", str(value))
    if _INPUT.search(text):
        draft.note(
            "it asks for a value where it is used, as `${input:...}` does: write it yourself"
        )
        text = _INPUT.sub("", text)
    return text


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
