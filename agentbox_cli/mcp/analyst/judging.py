"""A plan's verdict: asked for, and read."""

from fastmcp.tools.base import ToolResult

from agentbox_cli.errors import ProviderError, UsageError
from agentbox_cli.mcp.analyst import verdict, wording
from agentbox_cli.mcp.analyst.asking import Analyst
from agentbox_cli.mcp.analyst.outcome import footer, reading
from agentbox_cli.mcp.analyst.shapes import PlanVerdict
from agentbox_cli.mcp.analyst.subject import Piece, Skipped, Subject, packed
from agentbox_cli.mcp.telling import result


async def verified(analyst: Analyst, told: list[Piece], files: Subject | None) -> ToolResult:
    """Ask for a verdict; once more where the answer cannot be read.

    Args:
        analyst: who is asked.
        told: the plan, and what was said of it.
        files: what it is about; None for no files.

    Raises:
        UsageError: the plan is longer than the model can read.
        ProviderError: twice there was no verdict in the answer.
    """
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
        **reading(analyst, subject),
    )
    lines = [f"{judged.verdict}: {judged.summary}", *(f"- {note}" for note in judged.notes)]
    return result(made, "\n".join(lines), footer(analyst, subject, None))


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
