"""What tools answer, as clients see it in the schemas."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from agentbox_cli.mcp.calls.chat import Said, Served
from agentbox_cli.mcp.calls.costs import Spent, spent_words

ServedBy = Annotated[str, Field(description="The link that answered, as provider/model.")]
Cost = Annotated[
    float | None,
    Field(description="Dollars, failed calls included; null if a price is not known, never 0."),
]
Attempts = Annotated[
    list[str],
    Field(description="Links before it and why they did not answer, as provider/model=reason."),
]
Tokens = Annotated[int | None, Field(description="Null if the provider reported none.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A model's answer, who gave it, and what it cost."""

    text: str
    finish_reason: Annotated[
        str | None, Field(description="`length` means that max_tokens cut the answer.")
    ]
    model: Annotated[str, Field(description="The alias whose chain was asked.")]
    served_by: ServedBy
    link: Annotated[str, Field(description="Its place in the chain, such as 2/2.")]
    attempts: Attempts
    request_id: Annotated[str, Field(description="For: agentbox litellm explain ID")]
    input_tokens: Tokens
    output_tokens: Tokens
    cost_usd: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """The vectors of texts, in their order."""

    vectors: list[list[float]]
    dimensions: int
    model: str
    served_by: ServedBy
    link: str
    attempts: Attempts
    request_id: str
    input_tokens: Tokens
    cost_usd: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLink:
    """One link of a chain."""

    link: int
    provider: str
    model: str
    lanes: dict[str, str]
    context_window: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAlias:
    """An alias and its chain; the first link is tried first."""

    alias: str
    source: Annotated[
        str | None,
        Field(description="config, or who proposes it; null where the config is the host's."),
    ]
    links: list[ModelLink]


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """As `agentbox litellm models --json`."""

    schema: str
    aliases: list[ModelAlias]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """How a link is."""

    link: int
    provider: str
    model: str
    state: Annotated[str, Field(description="ok, cooling, exhausted, key-missing or paused.")]
    cooldown_s: float | None
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasState:
    """How the links of an alias are."""

    alias: str
    links: list[LinkState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """As `agentbox litellm status --json`."""

    schema: str
    state: Annotated[
        str,
        Field(description="stopped, starting, running, degraded, draining, stale or foreign."),
    ]
    ready: bool
    url: str | None
    version: str | None
    config_file: str | None
    uptime_s: float | None
    warnings: list[str]
    aliases: list[AliasState]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLine:
    """What was used, of one kind."""

    key: str
    requests: int
    failed: int
    fell_back: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: Annotated[float, Field(description="Of what has a price.")]
    unpriced: Annotated[int, Field(description="Calls whose cost is not known.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """As `agentbox litellm usage --json`."""

    schema: str
    since: float | None
    until: float | None
    by: str
    rows: list[UsageLine]
    total: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackCheck:
    """One check of a chain."""

    alias: str
    scenario: str
    endpoint: str | None
    expected: str | None
    served_by: str | None
    ok: bool | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackReport:
    """As `agentbox litellm test-fallback --json`, without the checks that hold."""

    schema: str
    ok: Annotated[bool, Field(description="Whether every chain falls back.")]
    mode: str
    elapsed_s: float
    held: Annotated[int, Field(description="How many checks found what must be.")]
    checks: Annotated[list[FallbackCheck], Field(description="What failed, and remarks.")]


def answer_of(said: Said, spent: Spent) -> Answer:
    """An answer for a client."""
    served = said.served
    return Answer(
        text=said.text,
        finish_reason=said.finish_reason,
        model=served.alias,
        served_by=served.served_by,
        link=served.link,
        attempts=list(served.attempts),
        request_id=served.request_id,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        cost_usd=spent.cost_usd,
    )


def served_words(served: Served, spent: Spent) -> str:
    """Who served and what it cost, in one line."""
    parts = [f"{served.alias}: served by {served.served_by}, link {served.link}"]
    if served.attempts:
        parts.append(f"after {', '.join(served.attempts)}")
    parts += [spent_words(spent), served.request_id]
    return f"[{'; '.join(parts)}]"
