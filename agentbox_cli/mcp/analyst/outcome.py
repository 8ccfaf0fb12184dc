"""What is told beside an analysis: what was read, who served, what it cost."""

from typing import Any

from agentbox_cli.mcp.analyst import wording
from agentbox_cli.mcp.analyst.asking import Analyst
from agentbox_cli.mcp.analyst.shapes import SkippedFile
from agentbox_cli.mcp.analyst.subject import Subject
from agentbox_cli.mcp.calls.costs import spent_words


def reading(analyst: Analyst, subject: Subject) -> dict[str, Any]:
    """What every answer tells: files, requests, who served, tokens and cost in dollars."""
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


def facts(subject: str | list[str], analyst: Analyst, read: Subject) -> list[tuple[str, str]]:
    """What stands at the head of a report: label and text.

    Args:
        subject: as it was asked for.
        analyst: who worked.
        read: what was gathered of it.
    """
    said = [subject] if isinstance(subject, str) else subject
    skipped = (*read.skipped, *analyst.lost)
    return [
        ("Subject", ", ".join(said)),
        ("Read", ", ".join(wording.names_of(read))),
        ("Skipped", "; ".join(f"{each.name} ({each.why})" for each in skipped)),
        ("Model", f"{analyst.reader.model}, served by {', '.join(analyst.served_by)}"),
        ("Cost", spent_words(analyst.spent)),
        ("Cut off", "the answer reached its longest" if analyst.truncated else ""),
    ]


def footer(analyst: Analyst, subject: Subject, name: str | None) -> str:
    """The same in a line, for people; `name` is that of the report, if there is one."""
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
