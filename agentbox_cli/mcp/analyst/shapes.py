"""What the analyst's tools answer, as clients see it in the schemas."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from agentbox_cli.mcp.analyst.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFile:
    """A file that was not read, and why."""

    name: str
    why: str


# No slots: what models read first stands in bases of its own.
@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was read, who read it, and what it cost."""

    files_read: list[str]
    files_skipped: list[SkippedFile]
    keys_redacted: Annotated[int, Field(description="What looked like a key and was taken out.")]
    model: Annotated[str, Field(description="The alias whose chain was asked.")]
    served_by: Annotated[list[str], Field(description="The links that answered.")]
    requests: Annotated[list[str], Field(description="For: agentbox litellm explain ID")]
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Annotated[
        float | None, Field(description="Dollars; null if a price is not known, never 0.")
    ]


@dataclass(frozen=True, kw_only=True)
class _Analysed:
    text: Annotated[
        str, Field(description="The analysis; its summary where a report was written.")
    ]
    report_file: Annotated[str | None, Field(description="Where the whole of it stands.")]
    truncated: Annotated[bool, Field(description="Whether max_tokens cut the answer.")]


@dataclass(frozen=True, kw_only=True)
class Analysis(Reading, _Analysed):
    """An analysis."""


@dataclass(frozen=True, kw_only=True)
class _Judged:
    verdict: Verdict
    summary: str
    notes: list[str]


@dataclass(frozen=True, kw_only=True)
class PlanVerdict(Reading, _Judged):
    """A verdict on a plan."""
