"""What is wrong with config.yml, where, and what to do about it.

An `Issue` names a path of the data, so that rooms without the text can report one; `locate` finds
the place in the text and makes it a `Problem` that can be shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from agentbox_cli.config.document import Document, Path, Place
from agentbox_cli.config.excerpts import Spans, excerpt_line, printable, secret_spans, underline
from agentbox_cli.config.masking import starred, starred_data
from agentbox_cli.config.names import dotted
from agentbox_cli.config.rules import Rule

SHOWN = 20


class Severity(StrEnum):
    """An error stops a command; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Something wrong with the data.

    Args:
        path: where, from the root: keys, and indexes of lists. It may name a missing key.
        on: whether the key or its value is at fault.
        rule: what it is an instance of.
    """

    path: Path
    message: str
    severity: Severity = Severity.ERROR
    hint: str | None = None
    on: Literal["key", "value"] = "value"
    rule: Rule = Rule.BAD_VALUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong with the text, ready to be shown: no part of it holds a key.

    Args:
        path: such as `litellm.models.default[1].model`; empty for the file as a whole.
        line, column: counted from 1, columns in characters.
        end_column: where the mark ends, exclusive; on the same line.
        excerpt: the line, with keys masked in place.
    """

    path: str
    line: int
    column: int
    end_column: int
    severity: Severity
    message: str
    hint: str | None
    excerpt: str
    rule: Rule


def unreadable(message: str, hint: str | None, *, line: int = 1, column: int = 1) -> Problem:
    """A file that cannot be read at all, or from a place on, as a problem like others."""
    return Problem(
        path="",
        line=line,
        column=column,
        end_column=column + 1,
        severity=Severity.ERROR,
        message=_safe(message),
        hint=_safe(hint) if hint else None,
        excerpt="",
        rule=Rule.UNREADABLE,
    )


def locate(document: Document, issues: Iterable[Issue]) -> list[Problem]:
    """Find the places of issues, and of the document's own faults, in the order of the text."""
    secrets = secret_spans(document)
    problems = []
    for fault in document.faults:
        broken = Issue(path=fault.path, message=fault.message, hint=fault.hint, rule=fault.rule)
        problems.append(_problem(document, (fault.start, fault.end), broken, secrets))
    for issue in issues:
        span = _span(document.find(issue.path), issue.on)
        problems.append(_problem(document, span, issue, secrets))
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def render(problems: Iterable[Problem], name: str, *, limit: int = SHOWN) -> str:
    """All problems as plain text, at most `limit` of them."""
    shown = list(problems)
    parts = [render_one(problem, name) for problem in shown[:limit]]
    if len(shown) > limit:
        parts.append(f"and {len(shown) - limit} more")
    return "\n".join(parts)


def render_one(problem: Problem, name: str) -> str:
    """One problem: where and what, the line with a mark below it, and what to do."""
    path = f"{problem.path}: " if problem.path else ""
    where = f"{name}:{problem.line}:{problem.column}"
    lines = [f"{where}: {problem.severity}: {path}{problem.message}"]
    if problem.excerpt.strip():
        number = str(problem.line)
        shown, marks = underline(problem.excerpt, problem.column, problem.end_column)
        lines += [f" {number} | {shown}", f" {' ' * len(number)} | {marks}"]
    if problem.hint:
        lines.append(f" hint: {problem.hint}")
    return "\n".join(lines)


def _problem(document: Document, span: tuple[int, int], issue: Issue, secrets: Spans) -> Problem:
    start, end = span
    line, column = document.position(start)
    rest_of_line = len(document.line(line)) - (column - 1)
    return Problem(
        # Part by part: in a whole path no key stands alone.
        path=_safe(dotted(map(starred_data, issue.path))),
        line=line,
        column=column,
        end_column=column + max(1, min(end - start, rest_of_line)),
        severity=issue.severity,
        message=_safe(issue.message),
        hint=_safe(issue.hint) if issue.hint else None,
        excerpt=excerpt_line(document, line, issue.path, secrets),
        rule=issue.rule,
    )


def _safe(text: str) -> str:
    return printable(starred(text))


def _span(place: Place, on: Literal["key", "value"]) -> tuple[int, int]:
    is_empty = place.node.start == place.node.end
    if place.key is not None and (on == "key" or is_empty or not place.exists):
        return place.key.start, place.key.end
    return place.node.start, place.node.end
