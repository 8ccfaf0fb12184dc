"""A story in plain language."""

import time
from typing import Any

import pytest
from inline_snapshot import snapshot

from agentbox_cli.cli.litellm.retelling import advice, retold, span
from agentbox_cli.providers.model import ErrorKind

BEGUN = time.mktime((2026, 11, 25, 10, 31, 2, 0, 0, -1))
NO_TOKENS = dict.fromkeys(("input", "output", "cached", "cache_written", "reasoning"))


def attempt(**fields: Any) -> dict[str, Any]:
    return {
        "attempt": 1,
        "retry": 0,
        "lane": "direct",
        "at_ms": 0.5,
        "delay_ms": 0.0,
        "probe": False,
        "first_content_ms": None,
        "elapsed_ms": 20.0,
        "status": None,
        "class": None,
        "kind": None,
        "message": None,
        "maybe_charged": False,
        "tokens": NO_TOKENS,
        **fields,
    }


def failed(kind: str = "throttle", **fields: Any) -> dict[str, Any]:
    return attempt(kind=kind, **{"status": 429, "message": "too many", **fields})


def link(number: int, *attempts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "link": number,
        "provider": ("openai", "gwdg_saia", "anthropic")[number - 1],
        "model": "m",
        "outcome": "failed",
        "skip": None,
        "attempts": list(attempts),
        "state": "ok",
        "cooldown_s": None,
        **fields,
    }


def skip(label: str, **fields: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("kind", "until", "since", "because_of", "message"))
    return {"label": label, "at_ms": 0.2, **nothing, **fields}


def story(*links: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "request_id": "req_1",
        "started_at": BEGUN,
        "asked": "default",
        "alias": "default",
        "endpoint": "chat",
        "stream": False,
        "caller": None,
        "end": "answered",
        "status": 200,
        "served_by": "gwdg_saia/m",
        "elapsed_ms": 1_234.0,
        "message": None,
        "links": list(links),
        **fields,
    }


def test_a_failover_with_a_retry_and_a_probe() -> None:
    answer = attempt(
        at_ms=90.0,
        probe=True,
        lane="litellm",
        first_content_ms=100.0,
        elapsed_ms=1_144.0,
        status=200,
        tokens=NO_TOKENS | {"input": 12, "output": 40},
    )
    told = story(
        link(
            1,
            failed("server", status=500, message="oops", maybe_charged=True),
            failed("server", status=None, message="cut", retry=1, at_ms=80.0, delay_ms=59.5),
        ),
        link(2, answer, outcome="answered"),
        link(3, outcome="not-reached"),
        stream=True,
        asked="claude-x",
        caller="codex",
    )
    assert list(retold(told)) == snapshot(
        [
            "req_1: chat, stream, asked for 'claude-x' (alias default) by codex at 10:31:02",
            "link 1/3: openai/m",
            "     0.5 ms called (direct lane)",
            "    20.5 ms failed: 500 server: oops (may be charged)",
            "    80.0 ms called again, retry 1 after a pause of 59.5 ms (direct lane)",
            "   100.0 ms failed: server: cut",
            "link 2/3: gwdg_saia/m",
            "    90.0 ms called (litellm lane), to find out whether it is well again",
            "   190.0 ms first content",
            "     1.23 s answered with 200; 12 tokens input, 40 tokens output",
            "link 3/3: anthropic/m",
            "  not needed",
            "answered by gwdg_saia/m after 1.23 s",
        ]
    )


def test_links_that_were_passed_over() -> None:
    cooling = skip(
        "skipped-cooling",
        kind="throttle",
        since=BEGUN - 18,
        until=BEGUN + 42,
        because_of="req_0",
        message="too many",
    )
    told = story(
        link(1, skip=cooling, state="cooling", cooldown_s=41.2),
        link(2, skip=skip("skipped-exhausted", until=BEGUN + 3_600)),
        link(3, skip=skip("skipped-key-missing")),
        end="failed",
        status=429,
        message="no link can answer",
    )
    _, first, pause, *rest = retold(told)
    assert first == "link 1/3: openai/m"
    assert pause.lstrip().removeprefix("0.2 ms ") == snapshot(
        "passed over: it cools after throttle since 10:30:44 until 10:31:44 (see req_0): too many"
    )
    assert rest == snapshot(
        [
            "link 2/3: gwdg_saia/m",
            "     0.2 ms passed over: a quota window has nothing left until 11:31:02",
            "link 3/3: anthropic/m",
            "     0.2 ms passed over: its provider's key is not set",
            "no link answered; the client got 429 after 1.23 s: no link can answer",
        ]
    )
    assert list(advice(told)) == snapshot(
        [
            "openai: rate limited, cools 42 s more: `agentbox litellm limits`",
            "gwdg_saia: a quota window is used up: `agentbox litellm limits`",
            "anthropic: its key is not set: `agentbox litellm providers login anthropic`",
        ]
    )


def test_a_cut_names_what_may_be_charged() -> None:
    cut = failed(
        "connection",
        status=None,
        message="the answer was cut",
        first_content_ms=5.0,
        maybe_charged=True,
        tokens=NO_TOKENS | {"input": 7},
    )
    told = story(link(1, cut, outcome="cut"), end="cut", message="openai/m: the answer was cut")
    assert list(retold(told))[-2:] == snapshot(
        [
            "    20.5 ms failed: connection: the answer was cut (may be charged); 7 tokens input",
            "cut after its first content, 1.23 s in all: openai/m: the answer was cut",
        ]
    )
    assert list(advice(told)) == snapshot(
        [
            "openai: hard to reach from here: `agentbox litellm providers`",
            "calls marked `may be charged` can stand on the bill without a whole answer",
        ]
    )


@pytest.mark.parametrize(
    ("fields", "last"),
    [
        ({"end": "running", "elapsed_ms": None}, "it is still under way"),
        ({"end": "client-left"}, "the client left after 1.23 s"),
        (
            {"end": "refused", "status": 404, "message": "unknown"},
            "refused with 404 before any link was called: unknown",
        ),
        ({"end": "bug", "message": "a fault of ours"}, "a fault of ours"),
    ],
)
def test_the_other_ends(fields: dict[str, Any], last: str) -> None:
    assert list(retold(story(asked=None, alias=None, **fields)))[-1] == last


def test_a_call_under_way_has_no_end_yet_and_one_that_the_client_left_has() -> None:
    under_way = story(link(1, attempt(elapsed_ms=None)), end="running")
    assert list(retold(under_way))[2:-1] == ["     0.5 ms called (direct lane)"]
    left = story(link(1, attempt(cancelled=True, maybe_charged=True)), end="client-left")
    assert list(retold(left))[3] == "    20.5 ms given up: the client left (may be charged)"


@pytest.mark.parametrize("kind", ErrorKind)
def test_there_is_something_to_say_after_every_kind_of_failure(kind: ErrorKind) -> None:
    [line] = advice(story(link(1, failed(kind.value))))
    assert line.startswith("openai")


def test_a_smooth_request_needs_no_advice() -> None:
    smooth = attempt(status=200, first_content_ms=3.0)
    assert list(advice(story(link(1, smooth), link(2)))) == []


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(0.04, "0.0 ms"), (999.9, "999.9 ms"), (61_000, "61.00 s")]
)
def test_spans(milliseconds: float, text: str) -> None:
    assert span(milliseconds) == text
