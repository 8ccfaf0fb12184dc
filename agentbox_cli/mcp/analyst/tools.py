"""The tools of the toolset `analyst`: a model of another provider looks at files and commits."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastmcp.server.context import Context
from fastmcp.tools.base import ToolResult
from pydantic import Field

from agentbox_cli.errors import UsageError
from agentbox_cli.mcp.analyst import report, wording
from agentbox_cli.mcp.analyst.asking import Analyst
from agentbox_cli.mcp.analyst.judging import verified
from agentbox_cli.mcp.analyst.outcome import facts, footer, reading
from agentbox_cli.mcp.analyst.roots import workspace_for
from agentbox_cli.mcp.analyst.shapes import Analysis
from agentbox_cli.mcp.analyst.size import reader_elsewhere, reader_of
from agentbox_cli.mcp.analyst.subject import COMMIT, Gatherer, Piece, Subject
from agentbox_cli.mcp.analyst.workspace import Workspace
from agentbox_cli.mcp.calls.costs import Ledger
from agentbox_cli.mcp.calls.elsewhere import Elsewhere
from agentbox_cli.mcp.calls.proxy import Proxy
from agentbox_cli.mcp.following import followed
from agentbox_cli.mcp.telling import result

What = Annotated[
    str | list[str],
    Field(
        description="Files, folders or patterns inside the workspace (src/**/*.py), or git:COMMIT,"
        " git:A..B, git:staged, git:uncommitted."
    ),
]
Model = Annotated[str | None, Field(description="An alias, instead of the usual one.")]
ReportFile = Annotated[
    str | None,
    Field(description="A .md file in the workspace for the whole text; then a summary is told."),
]
Overwrite = Annotated[bool, Field(description="Write over a file that is no report of ours.")]
MaxTokens = Annotated[int, Field(ge=64, description="How long the answer may be, in tokens.")]

REASONING = ("reasoning", "default")
CODE = ("code", "default")
FAST = ("fast", "default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a caller may say of any analysis.

    Args:
        model: an alias, instead of the usual one.
        max_tokens: how long the answer may be.
        report_file: where the whole text goes.
        overwrite: whether it may take the place of any file.
    """

    model: str | None
    max_tokens: int
    report_file: str | None = None
    overwrite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is wanted of an analysis.

    Args:
        task: what to do with the subject.
        title: what the report is called.
        aliases: those that are taken where none is named, the best first.
        form: what the answer is to look like.
    """

    task: str
    title: str
    aliases: Sequence[str]
    form: str = wording.WITH_SUMMARY


@dataclass(frozen=True, slots=True)
class AnalystTools:
    """The tools; each is a method, and its docstring is what models read of it.

    Args:
        proxy: who is asked.
        ledger: knows what it costs.
        workspace: the folder of `--workspace`.
    """

    proxy: Proxy
    ledger: Ledger
    workspace: Path | None

    async def analyze(
        self,
        ctx: Context,
        subject: What,
        prompt: Annotated[str, Field(min_length=1, description="What to find out.")],
        *,
        report_file: ReportFile = None,
        overwrite: Overwrite = False,
        model: Model = None,
        max_tokens: MaxTokens = 4096,
    ) -> ToolResult:
        """Have another model read files or commits, of any size, and do a task with them.

        It reads by itself, inside the workspace only; files that hold secrets are left out.
        """
        order = Order(task=prompt, title=f"Analysis: {prompt[:100]}", aliases=REASONING)
        wishes = Wishes(
            model=model, max_tokens=max_tokens, report_file=report_file, overwrite=overwrite
        )
        return await self._analysed(ctx, subject, order, wishes)

    async def review_commit(
        self,
        ctx: Context,
        commit: Annotated[
            str, Field(description="A commit, A..B, `staged` or `uncommitted`.")
        ] = "HEAD",
        *,
        focus: Annotated[str | None, Field(description="What to look for most of all.")] = None,
        report_file: ReportFile = None,
        overwrite: Overwrite = False,
        model: Model = None,
        max_tokens: MaxTokens = 4096,
    ) -> ToolResult:
        """Have another model review a commit, or what is not committed yet."""
        task = _with(_REVIEW, "Look for this most of all", focus)
        order = Order(task=task, title=f"Review of {commit}", aliases=CODE)
        wishes = Wishes(
            model=model, max_tokens=max_tokens, report_file=report_file, overwrite=overwrite
        )
        return await self._analysed(ctx, f"{COMMIT}{commit}", order, wishes)

    async def suggest_tests(
        self,
        ctx: Context,
        subject: What,
        *,
        test_type: Annotated[
            str, Field(min_length=1, description="unit, integration, property, end-to-end, ...")
        ] = "unit",
        report_file: ReportFile = None,
        overwrite: Overwrite = False,
        model: Model = None,
        max_tokens: MaxTokens = 4096,
    ) -> ToolResult:
        """Have another model say which tests are missing."""
        task = _TESTS.format(kind=test_type)
        order = Order(task=task, title=f"Tests to write: {test_type}", aliases=CODE)
        wishes = Wishes(
            model=model, max_tokens=max_tokens, report_file=report_file, overwrite=overwrite
        )
        return await self._analysed(ctx, subject, order, wishes)

    async def quick_check(
        self,
        ctx: Context,
        subject: What,
        question: Annotated[str, Field(min_length=1, description="What to answer.")],
        *,
        model: Model = None,
    ) -> ToolResult:
        """Ask another model one short question about files or commits."""
        order = Order(task=question, title=question, aliases=FAST, form=wording.SHORT)
        return await self._analysed(ctx, subject, order, Wishes(model=model, max_tokens=1024))

    async def verify_plan(
        self,
        ctx: Context,
        plan: Annotated[str, Field(min_length=1, description="The plan, as text.")],
        *,
        context: Annotated[
            str | None, Field(description="What one must know to judge it.")
        ] = None,
        concerns: Annotated[str | None, Field(description="What you are not sure of.")] = None,
        subject: Annotated[
            str | list[str] | None, Field(description="Files that it is about, as for analyze.")
        ] = None,
        model: Model = None,
        max_tokens: MaxTokens = 4096,
    ) -> ToolResult:
        """Have another model judge a plan before it is carried out.

        The verdict is APPROVE, APPROVE_WITH_NOTES, NEEDS_REVISION or REJECT.
        """
        if not plan.strip():
            raise UsageError("the plan is empty", hint="pass its text")
        workspace = await self._workspace(ctx) if subject else None
        resolved = await asyncio.to_thread(self._resolved)
        wishes = Wishes(model=model, max_tokens=max_tokens)
        analyst = self._analyst(resolved, REASONING, wishes)
        files = None
        if workspace is not None and subject:
            files = await asyncio.to_thread(_gathered, workspace, self.proxy, resolved, subject)
        texts = {"plan": plan, "context": context, "concerns": concerns}
        told = [Piece(name=name, text=text) for name, text in texts.items() if text]
        return await followed(ctx, analyst.words, verified(analyst, told, files))

    async def _analysed(
        self, ctx: Context, said: str | list[str], order: Order, wishes: Wishes
    ) -> ToolResult:
        workspace = await self._workspace(ctx)
        place = None
        if wishes.report_file is not None:
            place = report.place_of(workspace, wishes.report_file, overwrite=wishes.overwrite)
        resolved = await asyncio.to_thread(self._resolved)
        analyst = self._analyst(resolved, order.aliases, wishes)
        subject = await asyncio.to_thread(_gathered, workspace, self.proxy, resolved, said)
        text = await followed(ctx, analyst.words, analyst.answer(order.task, order.form, subject))
        name = None
        if place is not None:
            page = report.page(order.title, facts(said, analyst, subject), text)
            name = await asyncio.to_thread(report.write, workspace, place, page)
            text = wording.summary_of(text)
        made = Analysis(
            text=text,
            report_file=name,
            truncated=analyst.truncated,
            **reading(analyst, subject),
        )
        return result(made, text, footer(analyst, subject, name))

    async def _workspace(self, ctx: Context) -> Workspace:
        return await workspace_for(ctx, self.workspace, self.proxy.home.working_dir)

    def _resolved(self) -> Any:
        """The config; where that is the host's, the proxy that tells of it."""
        home = self.proxy.home
        return home.hosted() or home.setup().resolved

    def _analyst(self, resolved: Any, aliases: Sequence[str], wishes: Wishes) -> Analyst:
        read = reader_elsewhere if isinstance(resolved, Elsewhere) else reader_of
        reader = read(resolved, wishes.model, aliases, wishes.max_tokens)
        return Analyst(
            proxy=self.proxy, ledger=self.ledger, reader=reader, max_tokens=wishes.max_tokens
        )


_REVIEW = """\
Review this change as a careful colleague would. First what breaks: wrong results, crashes, lost
data, races, security. Then what is missing: tests, cases, documentation. Then what could be
simpler. For each finding: file and line, what is wrong, what would be right, and how sure you are.
If it is good, say so and stop."""

_TESTS = """\
Say which {kind} tests are missing, the most valuable first: for each its name as a sentence, what
it sets up, what it does, what must hold, and which mistake it would catch. Prefer cases at the
edges and failures to those that work anyhow. End with the code of the three best ones, in the
style of the tests that you see."""


def _with(task: str, what: str, said: str | None) -> str:
    return f"{task}\n\n{what}: {said}" if said else task


def _gathered(workspace: Workspace, proxy: Proxy, resolved: Any, said: str | list[str]) -> Subject:
    secrets = (
        [] if isinstance(resolved, Elsewhere) else resolved.secrets()
    )  # the host keeps its own
    keys = tuple(secret.get_secret_value() for secret in secrets)
    gatherer = Gatherer(workspace=workspace, environ=proxy.home.environ, keys=keys)
    return gatherer.gather([said] if isinstance(said, str) else said)
