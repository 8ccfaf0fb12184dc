"""The tables of the usage store, as the newest release writes them.

`requests` and `calls` keep every request and every call to a link; `totals` adds them up by
quarters of an hour, so that a report reads thousands of rows where there were millions of calls.
Columns that are grouped by are never NULL: the empty text stands for "none".
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

# Stands for the kind of a call that did not fail: its client went away.
CANCELLED = "cancelled"

# Local days begin at a quarter of an hour in every time zone.
SLOT_SECONDS = 900

metadata = MetaData()

# SQLite numbers rows by itself only in a column of exactly this type.
_RowId = BigInteger().with_variant(Integer, "sqlite")

schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
)

price_tables = Table(
    "price_tables",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("made_at", Float, nullable=False),
    Column("prices", Text, nullable=False),  # JSON: provider/model to its PriceList
)

requests = Table(
    "requests",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("request_id", String(64), nullable=False, unique=True),
    Column("at", Float, nullable=False),  # seconds since the epoch
    Column("alias", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("status", Integer, nullable=False),  # what the client got
    Column("outcome", String(16), nullable=False),  # answered, failed, cut or cancelled
    Column("served_by", Text, nullable=False),
    Column("first_link", Text, nullable=False),
    Column("fell_back", Boolean, nullable=False),
    Column("elapsed_ms", Float, nullable=False),
    Column("first_content_ms", Float),
    Column("caller", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("pid", Integer),
    Column("process", Text),
    Index("requests_at", "at"),
)

calls = Table(
    "calls",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("request_id", String(64), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("link", Integer, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("lane", String(16), nullable=False),
    Column("status", Integer),
    Column("kind", String(32), nullable=False),  # of the failure; empty if it answered
    Column("complete", Boolean, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("maybe_charged", Boolean, nullable=False),
    Column("elapsed_ms", Float, nullable=False),
    Column("first_content_ms", Float),
    Column("fresh", BigInteger, nullable=False),
    Column("cached", BigInteger, nullable=False),
    Column("written", BigInteger, nullable=False),
    Column("written_1h", BigInteger, nullable=False),
    Column("output", BigInteger, nullable=False),
    Column("reasoning", BigInteger, nullable=False),
    Column("counted", Boolean, nullable=False),  # whether the provider reported tokens
    Column("tier", String(32), nullable=False),
    Column("price_version", Integer, nullable=False),
    Column("raw_usage", Text),  # the provider's own usage object, JSON
    Index("calls_at", "at"),
)

GROUPS = (
    "slot",
    "alias",
    "provider",
    "model",
    "caller",
    "project",
    "kind",
    "first_link",
    "tier",
    "over",
    "price_version",
)
SUMS = (
    "requests",
    "failed",
    "fell_back",
    "calls",
    "calls_failed",
    "rescues",
    "uncounted",
    "fresh",
    "cached",
    "written",
    "written_1h",
    "output",
    "reasoning",
)

totals = Table(
    "totals",
    metadata,
    Column("slot", BigInteger, primary_key=True),  # SLOT_SECONDS since the epoch
    Column("alias", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("caller", Text, primary_key=True),
    Column("project", Text, primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("first_link", Text, primary_key=True),
    Column("tier", String(32), primary_key=True),
    Column("over", Integer, primary_key=True),  # the price threshold that prompts were over
    Column("price_version", Integer, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in SUMS),
)
