"""The server put together: its tools, resources and prompts."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastmcp import FastMCP
from fastmcp.tools.function_tool import FunctionTool
from mcp.types import ToolAnnotations

from agentbox_cli import __version__
from agentbox_cli.mcp.analyst.shapes import Analysis, PlanVerdict
from agentbox_cli.mcp.analyst.tools import AnalystTools
from agentbox_cli.mcp.calls.costs import Ledger
from agentbox_cli.mcp.calls.home import Home
from agentbox_cli.mcp.calls.proxy import Proxy
from agentbox_cli.mcp.server import prompts, shapes
from agentbox_cli.mcp.server.core import CoreTools
from agentbox_cli.mcp.server.on_behalf import OnBehalf
from agentbox_cli.mcp.server.refusing import PlainRefusals
from agentbox_cli.mcp.server.resources import Resources
from agentbox_cli.mcp.server.toolset import Toolset
from agentbox_cli.mcp.telling import inlined, plainly, schema_of

INSTRUCTIONS = """\
Ask other models through agentbox, a local proxy with fallback chains. `list_models` tells the
aliases; `complete` asks one question, `chat` continues a conversation. `analyze`, `review_commit`,
`suggest_tests` and `quick_check` read files and commits of the workspace by themselves, so that
you need not; `verify_plan` judges a plan. Answers tell which model served and what it cost."""

_ASKS = ToolAnnotations(read_only_hint=True, open_world_hint=True, idempotent_hint=False)
_WRITES_REPORTS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, open_world_hint=True, idempotent_hint=False
)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False, idempotent_hint=True)


def build(home: Home, toolsets: frozenset[Toolset], workspace: Path | None = None) -> FastMCP[Any]:
    """A server that is ready to run.

    Args:
        home: whose proxy it speaks for.
        toolsets: which tools it has.
        workspace: the folder that the analyst may read; by default where the client works.
    """
    proxy = Proxy(home)
    ledger = Ledger(proxy)

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
        middleware=[OnBehalf(), PlainRefusals()],
    )
    if Toolset.CORE in toolsets:
        _add_core(server, CoreTools(proxy, ledger))
    if Toolset.ANALYST in toolsets:
        _add_analyst(server, AnalystTools(proxy, ledger, workspace))
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


def _add_analyst(server: FastMCP[Any], tools: AnalystTools) -> None:
    rows: list[tuple[Callable[..., Any], type[Any], ToolAnnotations]] = [
        (tools.analyze, Analysis, _WRITES_REPORTS),
        (tools.review_commit, Analysis, _WRITES_REPORTS),
        (tools.suggest_tests, Analysis, _WRITES_REPORTS),
        (tools.quick_check, Analysis, _ASKS),
        (tools.verify_plan, PlanVerdict, _ASKS),
    ]
    for tool, shape, annotations in rows:
        _add(server, tool, shape, annotations)


def _add_resources(server: FastMCP[Any], resources: Resources) -> None:
    rows = {
        "agentbox://models": resources.models,
        "agentbox://status": resources.status,
        "agentbox://usage/today": resources.usage_today,
    }
    for uri, resource in rows.items():
        server.resource(uri, mime_type="application/json")(plainly(resource))
