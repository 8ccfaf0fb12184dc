"""How tools answer: errors with the next step, and never a traceback or a key."""

import functools
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, ParamSpec, TypeVar

from fastmcp.exceptions import FastMCPError, ToolError
from fastmcp.tools.base import ToolResult
from mcp.types import TextContent
from pydantic import TypeAdapter

from agentbox_cli.config.bug_file import write_bug_file
from agentbox_cli.config.redaction import redact_environment
from agentbox_cli.errors import AgentboxError

P = ParamSpec("P")
T = TypeVar("T")


def plainly(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Let a tool, resource or prompt fail with words for the one who called it."""

    @functools.wraps(function)
    async def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await function(*args, **kwargs)
        except AgentboxError as error:
            raise ToolError(words_of(error)) from None
        except FastMCPError:
            raise
        except Exception as error:  # noqa: BLE001 - this is the boundary
            raise ToolError(_words_of_bug(error)) from None

    return told


def words_of(error: AgentboxError) -> str:
    """An error for people: what went wrong, and the next step."""
    text = f"{error.message}\nnext step: {error.hint}" if error.hint else error.message
    return redact_environment(text, os.environ)


def _words_of_bug(error: Exception) -> str:
    place = write_bug_file(error)
    what = f"agentbox failed by a fault of its own: {type(error).__name__}"
    return f"{what}\nnext step: report it{f' with {place}' if place else ''}"


def result(document: Any, *texts: str) -> ToolResult:
    """A structured answer, and the same in words.

    Args:
        document: a dataclass of `shapes`.
        texts: each becomes a block of text.
    """
    blocks = [TextContent(type="text", text=text) for text in texts]
    return ToolResult(content=blocks, structured_content=asdict(document))


def schema_of(shape: type[Any]) -> dict[str, Any]:
    """The JSON schema of a dataclass as it is sent."""
    return inlined(TypeAdapter(shape).json_schema(mode="serialization"))


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without references, which some clients do not follow, and without made-up titles.

    FastMCP would do the same with a library that imports an HTTP client (100 ms, measured).
    """
    definitions = schema.get("$defs", {})

    def put_in(value: Any) -> Any:
        if isinstance(value, list):
            return [put_in(each) for each in value]
        if not isinstance(value, dict):
            return value
        named = str(value.get("$ref", "")).removeprefix("#/$defs/")
        beside = {key: put_in(each) for key, each in value.items() if not _is_left_out(key, each)}
        return put_in(definitions[named]) | beside if named else beside

    told: dict[str, Any] = put_in(schema)
    return told


def _is_left_out(key: str, value: Any) -> bool:
    return key in {"$ref", "$defs"} or (key == "title" and isinstance(value, str))
