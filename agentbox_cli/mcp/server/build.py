"""The server put together: its tools, resources and prompts."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastmcp import FastMCP
from fastmcp.tools.function_tool import FunctionTool
from mcp.types import ToolAnnotations

from agentbox_cli import __version__
from agentbox_cli.mcp.calls.costs import Ledger
from agentbox_cli.mcp.calls.home import Home
from agentbox_cli.mcp.calls.proxy import Proxy
from agentbox_cli.mcp.server import prompts, shapes
from agentbox_cli.mcp.server.core import CoreTools
from agentbox_cli.mcp.server.refusing import PlainRefusals
from agentbox_cli.mcp.server.resources import Resources
from agentbox_cli.mcp.server.telling import inlined, plainly, schema_of
from agentbox_cli.mcp.server.toolset import Toolset

INSTRUCTIONS = """\
Ask other models through agentbox, a local proxy with fallback chains. `list_models` tells the
aliases; `complete` asks one question, `chat` continues a conversation. Answers tell which model
served and what it cost."""

_ASKS = ToolAnnotations(read_only_hint=True, open_world_hint=True, idempotent_hint=False)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False, idempotent_hint=True)


def build(home: Home, toolsets: frozenset[Toolset]) -> FastMCP[Any]:
    """A server that is ready to run.

    Args:
        home: whose proxy it speaks for.
        toolsets: which tools it has.
    """
    proxy = Proxy(home)

    @asynccontextmanager
    async def closing(_: FastMCP[Any]) -> AsyncIterator[None]:
        yield
        await proxy.close()

    server: FastMCP[Any] = FastMCP(
        "agentbox",
        instructions=INSTRUCTIONS,
        version=__version__,
        lifespan=closing,
        on_duplicate="error",
        mask_error_details=True,
        dereference_schemas=False,
        middleware=[PlainRefusals()],
    )
    if Toolset.CORE in toolsets:
        _add_core(server, CoreTools(proxy, Ledger(proxy)))
    _add_resources(server, Resources(home))
    for prompt in (prompts.second_opinion, prompts.compare_models, prompts.challenge_plan):
        server.prompt(plainly(prompt))
    return server


def _add_core(server: FastMCP[Any], tools: CoreTools) -> None:
    rows: list[tuple[Callable[..., Any], type[Any], ToolAnnotations]] = [
        (tools.complete, shapes.Answer, _ASKS),
        (tools.chat, shapes.Answer, _ASKS),
        (tools.list_models, shapes.Models, _READS),
        (tools.usage, shapes.Usage, _READS),
        (tools.status, shapes.Status, _READS),
        (tools.test_fallback, shapes.FallbackReport, _READS),
        (tools.embed, shapes.Vectors, _ASKS),
    ]
    for tool, shape, annotations in rows:
        _add(server, tool, shape, annotations)


def _add(
    server: FastMCP[Any], tool: Callable[..., Any], shape: type[Any], annotations: ToolAnnotations
) -> None:
    made = FunctionTool.from_function(
        plainly(tool), output_schema=schema_of(shape), annotations=annotations
    )
    server.add_tool(made.model_copy(update={"parameters": inlined(made.parameters)}))


def _add_resources(server: FastMCP[Any], resources: Resources) -> None:
    rows = {
        "agentbox://models": resources.models,
        "agentbox://status": resources.status,
        "agentbox://usage/today": resources.usage_today,
    }
    for uri, resource in rows.items():
        server.resource(uri, mime_type="application/json")(plainly(resource))
