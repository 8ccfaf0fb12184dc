"""Records as the proxy makes them."""

from typing import Any

from agentbox_cli.providers.pricing import Counts, PriceList, Rates, Variant
from agentbox_cli.usage.record import CallRecord, RequestRecord

# A Wednesday, at the begin of a quarter of an hour.
NOON = 1_795_608_000.0

DEAR = PriceList(variants=(Variant(rates=Rates(input=2e-6, output=8e-6, cached=5e-7)),))
FREE = PriceList(variants=(Variant(rates=Rates(input=0.0, output=0.0)),))


def call(**changed: Any) -> CallRecord:
    told: dict[str, Any] = {
        "attempt": 1,
        "at": NOON,
        "link": 1,
        "provider": "openai",
        "model": "gpt-4o",
        "lane": "direct",
        "status": 200,
        "kind": "",
        "complete": True,
        "cancelled": False,
        "maybe_charged": False,
        "elapsed_ms": 120.0,
        "first_content_ms": 40.0,
        "counts": Counts(fresh=1_000, output=100),
        "counted": True,
        "tier": "",
        "raw_usage": {"prompt_tokens": 1_000, "completion_tokens": 100},
    }
    return CallRecord(**{**told, **changed})


def failed_call(kind: str = "throttle", **changed: Any) -> CallRecord:
    told = {"kind": kind, "status": 429, "complete": False, "counted": False, "raw_usage": None}
    return call(**{**told, "counts": Counts(), **changed})


def request(number: int, *calls: CallRecord, **changed: Any) -> RequestRecord:
    served = calls[-1] if calls and not calls[-1].kind else None
    told: dict[str, Any] = {
        "request_id": f"req_{number:024x}",
        "at": NOON,
        "alias": "default",
        "asked": "default",
        "endpoint": "/v1/chat/completions",
        "stream": False,
        "status": 200 if served else 429,
        "outcome": "answered" if served else "failed",
        "served_by": f"{served.provider}/{served.model}" if served else "",
        "first_link": "openai/gpt-4o",
        "fell_back": bool(served and served.link > 1),
        "elapsed_ms": 130.0,
        "first_content_ms": 50.0,
        "caller": "openai-python",
        "project": "",
        "pid": None,
        "process": None,
        "calls": calls,
    }
    return RequestRecord(**{**told, **changed})
