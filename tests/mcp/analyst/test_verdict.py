"""A verdict is read strictly, or not at all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.mcp.analyst.verdict import TASK, Verdict, again, judged

WHOLE = {"verdict": "REJECT", "summary": "It deletes all.", "notes": ["no backup"]}


@pytest.mark.parametrize(
    ("text", "verdict", "notes"),
    [
        (json.dumps(WHOLE), Verdict.REJECT, ("no backup",)),
        (f"```json\n{json.dumps(WHOLE, indent=2)}\n```", Verdict.REJECT, ("no backup",)),
        (f"Here it is: {json.dumps(WHOLE)} I hope it helps.", Verdict.REJECT, ("no backup",)),
        ('{"verdict": "approve with notes", "notes": []}', Verdict.APPROVE_WITH_NOTES, ()),
        ('{"verdict": "needs-revision"}', Verdict.NEEDS_REVISION, ()),
        (
            '{"verdict": "APPROVE", "notes": [{"severity": "minor", "text": "x"}]}',
            Verdict.APPROVE,
            ("minor: x",),
        ),
        ("It is fine.\n**VERDICT: APPROVE**", Verdict.APPROVE, ()),
        ("Verdict: needs revision\nBecause of this.", Verdict.NEEDS_REVISION, ()),
        ("verdict: REJECT\n...\nVERDICT: reject", Verdict.REJECT, ()),
    ],
)
def test_a_verdict_is_read(text: str, verdict: Verdict, notes: tuple[str, ...]) -> None:
    told = judged(text)
    assert told is not None
    assert (told.verdict, told.notes) == (verdict, notes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I would approve it.",
        '{"verdict": "MAYBE"}',
        '{"verdict": ["APPROVE"]}',
        '{"summary": "fine"}',
        '["APPROVE"]',
        "VERDICT: APPROVE\nVERDICT: REJECT",
        "VERDICT: APPROVE or REJECT",
        "VERDICT: not APPROVE",
        "The verdict APPROVE would be wrong.",
        TASK,
        again(),
        "[" * 100_000,
    ],
)
def test_what_is_no_verdict_is_none(text: str) -> None:
    assert judged(text) is None


@given(st.text(max_size=200))
def test_no_text_is_a_failure(text: str) -> None:
    judged(text)
