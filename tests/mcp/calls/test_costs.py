"""What a request has cost; what nobody knows stays unknown."""

from typing import Any

import pytest

from agentbox_cli.mcp.calls.costs import NOTHING, Spent, spent_of, spent_words
from agentbox_cli.providers.model import Price
from agentbox_cli.providers.pricing import flat

PRICES = {
    "a/paid": flat(Price(input_usd=1.0, output_usd=2.0, cached_usd=0.5)),
    "b/free": flat(Price(input_usd=0.0, output_usd=0.0)),
}
NO_COUNTS = dict.fromkeys(("fresh", "cached", "written", "written_1h", "output", "reasoning"), 0)


def charged(fresh: int, output: int, cached: int = 0) -> dict[str, Any]:
    counted = {"fresh": fresh, "output": output, "cached": cached, "tier": ""}
    return {**NO_COUNTS, **counted}


def link(name: str, outcome: str, *attempts: dict[str, Any]) -> dict[str, Any]:
    provider, _, model = name.partition("/")
    whole = {"kind": None, "maybe_charged": False, "charged": None}
    told = [{**whole, **attempt} for attempt in attempts]
    return {"provider": provider, "model": model, "outcome": outcome, "attempts": told}


def spent(*links: dict[str, Any]) -> Spent:
    return spent_of({"links": links}, PRICES)


def test_cached_tokens_count_by_their_own_price() -> None:
    told = spent(link("a/paid", "answered", {"charged": charged(10, 5, cached=4)}))
    assert (told.input_tokens, told.output_tokens) == (14, 5)
    assert told.cost_usd == pytest.approx((10 * 1 + 4 * 0.5 + 5 * 2) / 1e6)


def test_a_failed_call_that_was_charged_counts_too() -> None:
    told = spent(
        link("a/paid", "failed", {"kind": "server", "charged": charged(3, 0)}),
        link("b/free", "answered", {"charged": charged(10, 5)}),
    )
    assert told.input_tokens == 13
    assert told.cost_usd == pytest.approx(3e-6)


@pytest.mark.parametrize(
    "links",
    [
        [link("c/unknown", "answered", {"charged": charged(1, 1)})],
        [link("a/paid", "answered", {})],
        [
            link("a/paid", "failed", {"kind": "timeout", "maybe_charged": True}),
            link("b/free", "answered", {"charged": charged(1, 1)}),
        ],
        [
            link("c/unknown", "answered", {"charged": charged(1, 1)}),
            link("a/paid", "answered", {"charged": charged(1, 1)}),
        ],
    ],
    ids=["no price", "not counted", "maybe charged", "a part unknown"],
)
def test_a_cost_that_is_not_known_is_none_and_never_nothing(links: list[dict[str, Any]]) -> None:
    assert spent(*links).cost_usd is None


def test_a_failure_that_cost_nothing_and_a_link_passed_over_cost_nothing() -> None:
    told = spent(
        link("c/unknown", "failed", {"kind": "throttle"}),
        link("c/other", "skipped-cooling"),
        link("b/free", "answered", {"charged": charged(1, 1)}),
    )
    assert told.cost_usd == 0.0


def test_what_is_free_is_free_even_if_nobody_counted() -> None:
    assert spent(link("b/free", "answered", {})).cost_usd == 0.0


def test_sums_know_no_more_than_their_parts() -> None:
    known = Spent(input_tokens=1, output_tokens=2, cost_usd=0.5)
    assert NOTHING + known + known == Spent(input_tokens=2, output_tokens=4, cost_usd=1.0)
    assert (known + Spent()).cost_usd is None


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Spent(), "tokens not reported, cost not known"),
        (Spent(input_tokens=1200, output_tokens=3), "1,200 + 3 tokens, cost not known"),
        (Spent(input_tokens=1, output_tokens=2, cost_usd=0.0), "1 + 2 tokens, free"),
        (Spent(input_tokens=1, output_tokens=2, cost_usd=0.00012), "1 + 2 tokens, $0.000120"),
    ],
)
def test_tokens_and_money_in_words(told: Spent, words: str) -> None:
    assert spent_words(told) == words
