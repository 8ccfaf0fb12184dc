"""From the records of requests to the rows of the store, as tuples in the order of the columns.

Plain tuples, and no more work than must be: this runs beside the data plane for every request.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

from agentbox_cli.providers.pricing import Counts, threshold
from agentbox_cli.usage.record import CallRecord, RequestRecord
from agentbox_cli.usage.tables import CANCELLED, SLOT_SECONDS

Row = tuple[Any, ...]

REQUEST_COLUMNS = RequestRecord.__struct_fields__[:-1]
CALL_COLUMNS = (
    "request_id",
    *CallRecord.__struct_fields__[:-4],
    *Counts.__struct_fields__,
    "counted",
    "tier",
    "price_version",
    "raw_usage",
)

_NO_COUNTS = Counts()
_astuple = msgspec.structs.astuple
_to_json = msgspec.json.Encoder().encode


def request_row(record: RequestRecord) -> Row:
    """The row of a request."""
    return _astuple(record)[:-1]


def call_rows(records: Iterable[RequestRecord], price_version: int) -> list[Row]:
    """The rows of all calls of these requests."""
    return [
        _call_row(record.request_id, call, price_version)
        for record in records
        for call in record.calls
    ]


def _call_row(request_id: str, call: CallRecord, price_version: int) -> Row:
    *own, counts, counted, tier, raw = _astuple(call)
    text = None if raw is None else _to_json(raw).decode()
    return (request_id, *own, *_astuple(counts), counted, tier, price_version, text)


def total_rows(records: Iterable[RequestRecord], price_version: int) -> list[Row]:
    """What these requests add to the totals: the groups, each followed by its sums."""
    added: defaultdict[Row, list[Row]] = defaultdict(list)
    for record in records:
        last = len(record.calls) - 1
        for index, call in enumerate(record.calls or (None,)):
            sums = _sums(record, call, ends=index >= last)
            added[_group(record, call, price_version)].append(sums)
    # Two writers that take the rows in one order never wait for each other.
    return [(*group, *map(sum, zip(*added[group], strict=True))) for group in sorted(added)]


def _group(record: RequestRecord, call: CallRecord | None, price_version: int) -> Row:
    """What a call counts in, in the order of GROUPS; a request without calls counts by itself."""
    return (
        int(record.at // SLOT_SECONDS),
        record.alias,
        call.provider if call else "",
        call.model if call else "",
        record.caller,
        record.project,
        _class_of(call) if call else "",
        record.first_link,
        call.tier if call else "",
        threshold(call.counts.prompt) if call else 0,
        price_version,
    )


def _class_of(call: CallRecord) -> str:
    return call.kind or (CANCELLED if call.cancelled else "")


def _sums(record: RequestRecord, call: CallRecord | None, *, ends: bool) -> Row:
    """What it adds, in the order of SUMS; the request itself counts with its last call."""
    failed = ends and record.outcome in {"failed", "cut"}
    fell_back = ends and record.fell_back
    if call is None:
        return (ends, failed, fell_back, 0, 0, 0, 0, *_astuple(_NO_COUNTS))
    answered = not call.kind and not call.cancelled
    # What a stream had told when it broke off is less than it cost.
    partial = call.first_content_ms is not None and not call.complete
    uncounted = (partial or not call.counted) and (answered or call.maybe_charged)
    helped = answered and record.fell_back
    mine = (True, bool(call.kind), helped, uncounted)
    return (ends, failed, fell_back, *mine, *_astuple(call.counts))
