"""A verdict on a plan, read strictly from what a model said."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What comes of a plan.

    - APPROVE: it can be carried out as it is.
    - APPROVE_WITH_NOTES: it can, with the notes in mind.
    - NEEDS_REVISION: it has to be changed before.
    - REJECT: it should not be carried out.
    """

    APPROVE = "APPROVE"
    APPROVE_WITH_NOTES = "APPROVE_WITH_NOTES"
    NEEDS_REVISION = "NEEDS_REVISION"
    REJECT = "REJECT"


TASK = f"""\
Judge the plan before it is carried out: is it right, complete, in the right order, safe, and as
simple as can be? Look for wrong assumptions, missing steps, steps that cannot be undone, and what
was not thought of. Answer with one JSON object and nothing else:

{{"verdict": "{'" | "'.join(Verdict)}",
  "summary": "two or three sentences",
  "notes": ["each thing to change or to keep in mind, the most important first"]}}"""

AGAIN = """\
That was not one JSON object with "verdict", "summary" and "notes". Give the same judgement again
as that object and nothing else. "verdict" is one of: {verdicts}."""

_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)\n\s*```", re.DOTALL)
_LINE = re.compile(r"(?im)^[\s*_#>-]*verdict[\s*_]*:[\s*_]*([a-z][a-z_ -]*[a-z])[\s*_.]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict, and why."""

    verdict: Verdict
    summary: str
    notes: tuple[str, ...]


def judged(text: str) -> Judged | None:
    """Read a verdict; None if there is none, or more than one.

    Args:
        text: a JSON object, alone or in a fence, or text with one line `VERDICT: ...`.
    """
    for candidate in _objects(text):
        verdict = _verdict(candidate.get("verdict"))
        if verdict is not None:
            notes = candidate.get("notes")
            return Judged(
                verdict=verdict,
                summary=str(candidate.get("summary") or "").strip(),
                notes=tuple(map(_note, notes)) if isinstance(notes, list) else (),
            )
    return _from_line(text)


def again() -> str:
    """What a model is told that did not answer in the right form."""
    return AGAIN.format(verdicts=", ".join(Verdict))


def _objects(text: str) -> Iterator[dict[str, Any]]:
    for candidate in (text, *_FENCE.findall(text), text[text.find("{") : text.rfind("}") + 1]):
        try:
            told = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(told, dict):
            yield told


def _from_line(text: str) -> Judged | None:
    found = {_verdict(said) for said in _LINE.findall(text)}
    if len(found) != 1 or (verdict := found.pop()) is None:
        return None
    return Judged(verdict=verdict, summary=_LINE.sub("", text).strip(), notes=())


def _verdict(said: Any) -> Verdict | None:
    if not isinstance(said, str):
        return None
    try:
        return Verdict(re.sub(r"[\s-]+", "_", said.strip()).upper())
    except ValueError:
        return None


def _note(said: Any) -> str:
    if isinstance(said, dict):
        return ": ".join(str(value) for value in said.values())
    return str(said)
