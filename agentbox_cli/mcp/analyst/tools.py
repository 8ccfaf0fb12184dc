"""The tools of the toolset `analyst`: a model of another provider looks at files and commits."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastmcp.server.context import Context
from fastmcp.tools.base import ToolResult
from pydantic import Field

from agentbox_cli.errors import ProviderError, UsageError
from agentbox_cli.mcp.analyst import report, verdict, wording
from agentbox_cli.mcp.analyst.asking import Analyst
from agentbox_cli.mcp.analyst.roots import workspace_for
from agentbox_cli.mcp.analyst.shapes import Analysis, PlanVerdict, SkippedFile
from agentbox_cli.mcp.analyst.size import reader_of
from agentbox_cli.mcp.analyst.subject import COMMIT, Gatherer, Piece, Skipped, Subject, packed
from agentbox_cli.mcp.analyst.workspace import Workspace
from agentbox_cli.mcp.calls.costs import Ledger, spent_words
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
class Order:
    """What is wanted of an analysis.

    Args:
        subject: what to gather.
        task: what to do with it.
        title: what the report is called.
        model: the alias that the caller names.
        preferred: the aliases that are taken otherwise.
        max_tokens: how long the answer may be.
        form: what the answer is to look like.
        report_file: where the whole text goes.
        overwrite: whether it may take the place of any file.
    """

    subject: str | list[str]
    task: str
    title: str
    model: str | None
    preferred: Sequence[str]
    max_tokens: int
    form: str = wording.WITH_SUMMARY
    report_file: str | None = None
    overwrite: bool = False


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
        order = Order(
            subject=subject,
            task=prompt,
            title=f"Analysis: {prompt[:100]}",
            model=model,
            preferred=REASONING,
            max_tokens=max_tokens,
            report_file=report_file,
            overwrite=overwrite,
        )
        return await self._analysed(ctx, order)

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
        order = Order(
            subject=f"{COMMIT}{commit}",
            task=_with(_REVIEW, "Look for this most of all", focus),
            title=f"Review of {commit}",
            model=model,
            preferred=CODE,
            max_tokens=max_tokens,
            report_file=report_file,
            overwrite=overwrite,
        )
        return await self._analysed(ctx, order)

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
        order = Order(
            subject=subject,
            task=_TESTS.format(kind=test_type),
            title=f"Tests to write: {test_type}",
            model=model,
            preferred=CODE,
            max_tokens=max_tokens,
            report_file=report_file,
            overwrite=overwrite,
        )
        return await self._analysed(ctx, order)

    async def quick_check(
        self,
        ctx: Context,
        subject: What,
        question: Annotated[str, Field(min_length=1, description="What to answer.")],
        *,
        model: Model = None,
    ) -> ToolResult:
        """Ask another model one short question about files or commits."""
        order = Order(
            subject=subject,
            task=question,
            form=wording.SHORT,
            title=question,
            model=model,
            preferred=FAST,
            max_tokens=1024,
        )
        return await self._analysed(ctx, order)

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
        analyst = self._analyst(resolved, model, REASONING, max_tokens)
        files = None
        if workspace is not None and subject:
            files = await asyncio.to_thread(_gathered, workspace, self.proxy, resolved, subject)
        texts = {"plan": plan, "context": context, "concerns": concerns}
        told = [Piece(name=name, text=text) for name, text in texts.items() if text]
        return await followed(ctx, analyst.words, _verified(analyst, told, files))

    async def _analysed(self, ctx: Context, order: Order) -> ToolResult:
        workspace = await self._workspace(ctx)
        place = None
        if order.report_file is not None:
            place = report.place_of(workspace, order.report_file, overwrite=order.overwrite)
        resolved = await asyncio.to_thread(self._resolved)
        analyst = self._analyst(resolved, order.model, order.preferred, order.max_tokens)
        subject = await asyncio.to_thread(
            _gathered, workspace, self.proxy, resolved, order.subject
        )
        text = await followed(ctx, analyst.words, analyst.answer(order.task, order.form, subject))
        name = None
        if place is not None:
            page = report.page(order.title, _facts(order, analyst, subject), text)
            name = await asyncio.to_thread(report.write, workspace, place, page)
            text = wording.summary_of(text)
        made = Analysis(
            text=text,
            report_file=name,
            truncated=analyst.truncated,
            **_reading(analyst, subject),
        )
        return result(made, text, _footer(analyst, subject, name))

    async def _workspace(self, ctx: Context) -> Workspace:
        return await workspace_for(ctx, self.workspace, self.proxy.home.working_dir)

    def _resolved(self) -> Any:
        return self.proxy.home.setup().resolved

    def _analyst(
        self, resolved: Any, model: str | None, preferred: Sequence[str], max_tokens: int
    ) -> Analyst:
        reader = reader_of(resolved, model, preferred, max_tokens)
        return Analyst(proxy=self.proxy, ledger=self.ledger, reader=reader, max_tokens=max_tokens)


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
    keys = tuple(secret.get_secret_value() for secret in resolved.secrets())
    gatherer = Gatherer(workspace=workspace, environ=proxy.home.environ, keys=keys)
    return gatherer.gather([said] if isinstance(said, str) else said)


async def _verified(analyst: Analyst, told: list[Piece], files: Subject | None) -> ToolResult:
    """Ask for a verdict; once more where the answer cannot be read."""
    subject = _beside(analyst, told, files)
    prompt = f"{verdict.TASK}\n\n{wording.fenced((*told, *subject.pieces))}"
    said = await analyst.say(prompt)
    judged = verdict.judged(said)
    if judged is None:
        answered = {"role": "assistant", "content": said}
        said = await analyst.say(prompt, answered, {"role": "user", "content": verdict.again()})
        judged = verdict.judged(said)
    if judged is None:
        raise ProviderError(
            f"{', '.join(analyst.served_by)} gave no verdict, asked twice: {said[:200]!r}",
            hint="name another model",
        )
    made = PlanVerdict(
        verdict=judged.verdict,
        summary=judged.summary,
        notes=list(judged.notes),
        **_reading(analyst, subject),
    )
    lines = [f"{judged.verdict}: {judged.summary}", *(f"- {note}" for note in judged.notes)]
    return result(made, "\n".join(lines), _footer(analyst, subject, None))


def _beside(analyst: Analyst, told: list[Piece], files: Subject | None) -> Subject:
    """The files that fit beside the plan; the others are told as skipped."""
    room = analyst.reader.characters - sum(len(piece.text) for piece in told)
    if room < 0:
        raise UsageError(
            f"plan, context and concerns are longer than {analyst.reader.model} can read",
            hint="shorten them, or name a model with a larger window",
        )
    if files is None:
        return Subject(title="", pieces=())
    chunks = packed(files.pieces, max(room, 1))
    kept = chunks[0] if room and chunks and sum(len(p.text) for p in chunks[0]) <= room else ()
    names = {piece.name for piece in kept}
    left = [Skipped(name=n, why="it does not fit") for n in wording.names_of(files)]
    skipped = (*files.skipped, *(each for each in left if each.name not in names))
    return Subject(title="", pieces=kept, skipped=skipped, redacted=files.redacted)


def _reading(analyst: Analyst, subject: Subject) -> dict[str, Any]:
    skipped = {each.name: each.why for each in (*subject.skipped, *analyst.lost)}
    return {
        "files_read": [name for name in wording.names_of(subject) if name not in skipped],
        "files_skipped": [SkippedFile(name=name, why=why) for name, why in skipped.items()],
        "keys_redacted": subject.redacted,
        "requests": analyst.requests,
        "model": analyst.reader.model,
        "served_by": list(analyst.served_by),
        "input_tokens": analyst.spent.input_tokens,
        "output_tokens": analyst.spent.output_tokens,
        "cost_usd": analyst.spent.cost_usd,
    }


def _facts(order: Order, analyst: Analyst, subject: Subject) -> list[tuple[str, str]]:
    said = [order.subject] if isinstance(order.subject, str) else order.subject
    skipped = (*subject.skipped, *analyst.lost)
    return [
        ("Subject", ", ".join(said)),
        ("Read", ", ".join(wording.names_of(subject))),
        ("Skipped", "; ".join(f"{each.name} ({each.why})" for each in skipped)),
        ("Model", f"{analyst.reader.model}, served by {', '.join(analyst.served_by)}"),
        ("Cost", spent_words(analyst.spent)),
        ("Cut off", "the answer reached its longest" if analyst.truncated else ""),
    ]


def _footer(analyst: Analyst, subject: Subject, name: str | None) -> str:
    skipped = len({each.name for each in (*subject.skipped, *analyst.lost)})
    parts = [
        f"report: {name}" if name else "",
        f"{len(wording.names_of(subject))} files read",
        f"{skipped} skipped" if skipped else "",
        f"{subject.redacted} keys taken out" if subject.redacted else "",
        f"{analyst.reader.model} by {', '.join(analyst.served_by)}",
        f"{len(analyst.requests)} requests" if len(analyst.requests) > 1 else "",
        spent_words(analyst.spent),
        "cut off by max_tokens" if analyst.truncated else "",
    ]
    return f"[{'; '.join(part for part in parts if part)}]"
