"""The sections `usage:` and `budgets:`: what is kept, what it costs, how much may be spent."""

from typing import Annotated

from pydantic import Field

from agentbox_cli.config.section import Section
from agentbox_cli.config.shapes import (
    DATABASE,
    DEPLOYMENT,
    NAME,
    DatabaseAddress,
    DeploymentName,
    Name,
    keys_shaped,
    shaped,
)

Dollars = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class PriceConfig(Section):
    """What a model costs, where the known price is wrong or there is none."""

    input_usd: Dollars = Field(
        description="Dollars for a million tokens of the prompt.", examples=[2.5]
    )
    output_usd: Dollars = Field(
        description="Dollars for a million tokens of the answer.", examples=[10]
    )
    cached_usd: Dollars | None = Field(
        None,
        description="Dollars for a million tokens read from a cache; as `input_usd` by default.",
        examples=[1.25],
    )
    cache_written_usd: Dollars | None = Field(
        None,
        description="Dollars for a million tokens put into a cache; as `input_usd` by default.",
        examples=[3.75],
    )


class UsageConfig(Section):
    """What is kept of each request, and where."""

    enabled: bool = Field(
        default=True, description="Whether requests are counted; prompts and answers never are."
    )
    database: DatabaseAddress | None = Field(
        None,
        description="A SQLite file or a Postgres address; a file in the data folder by default.",
        examples=["postgresql+psycopg://agentbox@db.example.org/usage"],
        json_schema_extra=shaped(DATABASE),
    )
    retention_days: Annotated[int, Field(gt=0, le=36_500)] | None = Field(
        None,
        description="Days that single requests are kept; sums stay. All are kept by default.",
        examples=[90],
    )
    prices: dict[DeploymentName, PriceConfig] = Field(
        default_factory=dict,
        description="Prices of your own, by `provider/model`.",
        examples=[{"openai/gpt-4o": {"input_usd": 2.5, "output_usd": 10}}],
        json_schema_extra=keys_shaped(DEPLOYMENT),
    )


class LimitsConfig(Section):
    """How much may be spent in a day and in a month."""

    daily_usd: Dollars | None = Field(
        None, description="Dollars a day, from midnight on.", examples=[1]
    )
    monthly_usd: Dollars | None = Field(
        None, description="Dollars a month, from its first day on.", examples=[20]
    )


class BudgetsConfig(LimitsConfig):
    """How much may be spent before the paid links are passed over."""

    per_alias: dict[Name, LimitsConfig] = Field(
        default_factory=dict,
        description="Limits of single aliases.",
        examples=[{"reasoning": {"daily_usd": 2}}],
        json_schema_extra=keys_shaped(NAME),
    )
    per_provider: dict[Name, LimitsConfig] = Field(
        default_factory=dict,
        description="Limits of single providers.",
        examples=[{"openai": {"monthly_usd": 20}}],
        json_schema_extra=keys_shaped(NAME),
    )
    per_caller: dict[str, LimitsConfig] = Field(
        default_factory=dict,
        description="Limits of single callers, by the names that `usage --by caller` shows.",
        examples=[{"claude-code": {"daily_usd": 5}}],
    )
