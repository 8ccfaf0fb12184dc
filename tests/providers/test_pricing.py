from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentbox_cli.providers.model import Price
from agentbox_cli.providers.pricing import (
    THRESHOLDS,
    Counts,
    PriceList,
    Rates,
    Variant,
    flat,
    threshold,
)

SONNET = PriceList(
    variants=(
        Variant(
            rates=Rates(input=3e-6, output=15e-6, cached=3e-7, written=3.75e-6, written_1h=6e-6)
        ),
        Variant(above=200_000, rates=Rates(input=6e-6, output=22.5e-6, cached=6e-7)),
        Variant(tier="batch", rates=Rates(input=1.5e-6, output=7.5e-6)),
    )
)


def test_each_kind_of_token_has_its_own_rate() -> None:
    counts = Counts(fresh=1_000, cached=2_000, written=400, written_1h=100, output=500)
    wanted = 1_000 * 3 + 2_000 * 0.3 + 400 * 3.75 + 100 * 6 + 500 * 15
    assert SONNET.cost(counts) * 1e6 == pytest.approx(wanted)


def test_thinking_costs_as_output_unless_it_has_a_price() -> None:
    counts = Counts(output=1_000, reasoning=900)
    assert SONNET.cost(counts) == pytest.approx(0.015)
    own = PriceList(variants=(Variant(rates=Rates(input=0.0, output=1e-6, reasoning=3e-6)),))
    assert own.cost(counts) == pytest.approx(100e-6 + 900 * 3e-6)


def test_cache_tokens_cost_as_the_prompt_where_no_price_is_named() -> None:
    plain = PriceList(variants=(Variant(rates=Rates(input=1e-6, output=0.0)),))
    assert plain.cost(Counts(cached=10, written=10, written_1h=10)) == pytest.approx(30e-6)


def test_what_a_special_rate_leaves_open_comes_from_the_usual_one() -> None:
    counts = Counts(written=1_000)
    assert SONNET.cost(counts, over=200_000) == pytest.approx(0.00375)


def test_an_unknown_tier_costs_the_usual_rate() -> None:
    counts = Counts(fresh=1_000)
    assert SONNET.cost(counts, tier="scale") == SONNET.cost(counts)


def test_a_lower_threshold_than_the_price_knows_changes_nothing() -> None:
    counts = Counts(fresh=1_000)
    assert SONNET.cost(counts, over=128_000) == SONNET.cost(counts)
    assert SONNET.cost(counts, over=272_000) == SONNET.cost(counts, over=200_000)


def test_a_plugins_price_is_for_a_million_tokens() -> None:
    price = flat(Price(input_usd=2.0, output_usd=8.0, cached_usd=0.5))
    counts = Counts(fresh=1_000_000, cached=1_000_000, output=1_000_000)
    assert price.cost(counts) == pytest.approx(10.5)


def test_free_is_free_in_every_variant() -> None:
    assert flat(Price(input_usd=0.0, output_usd=0.0)).free
    assert not SONNET.free


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=10**7))
def test_the_threshold_is_the_highest_that_a_prompt_is_longer_than(prompt: int) -> None:
    found = threshold(prompt)
    assert found == 0 or prompt > found
    assert all(prompt <= limit for limit in THRESHOLDS if limit > found)


# What providers report, by how it is charged, and the dollars by a hand-made sum.
_M = Decimal(1_000_000)
_SONNET = ("3", "15", "0.3", "3.75", "6")
_GPT = ("2.5", "10", "1.25", "2.5", "2.5")
_Case = tuple[tuple[str, str, str, str, str], int, int, int, int, int, int]
_CASES: list[_Case] = [
    (rates, fresh, cached, written, hour, output, reasoning)
    for rates in (_SONNET, _GPT)
    for fresh, cached, written, hour, output, reasoning in [
        (0, 0, 0, 0, 0, 0),
        (1, 0, 0, 0, 1, 0),
        (14, 0, 0, 0, 3, 0),
        (1_000, 0, 0, 0, 0, 0),
        (0, 1_000, 0, 0, 0, 0),
        (0, 0, 1_000, 0, 0, 0),
        (0, 0, 0, 1_000, 0, 0),
        (0, 0, 0, 0, 1_000, 0),
        (0, 0, 0, 0, 1_000, 1_000),
        (0, 0, 0, 0, 4_096, 3_777),
        (12, 98_304, 0, 0, 512, 0),
        (12, 0, 98_304, 0, 512, 0),
        (12, 98_304, 4_096, 0, 512, 128),
        (12, 98_304, 0, 4_096, 512, 128),
        (127_999, 1, 0, 0, 16_384, 0),
        (3, 199_990, 7, 0, 64_000, 60_000),
        (77_777, 22_222, 11_111, 5_555, 3_333, 1_111),
        (1, 1, 1, 1, 1, 1),
        (199_000, 0, 0, 0, 8_192, 8_192),
        (50_000, 50_000, 50_000, 50_000, 50_000, 50_000),
    ]
]


@pytest.mark.parametrize("case", _CASES)
def test_the_cost_is_that_of_exact_arithmetic(case: _Case) -> None:
    (inp, out, read, write, hour), fresh, cached, written, longer, output, reasoning = case
    assert len(_CASES) == 40
    rates = Rates(
        input=float(inp) / 1e6,
        output=float(out) / 1e6,
        cached=float(read) / 1e6,
        written=float(write) / 1e6,
        written_1h=float(hour) / 1e6,
    )
    counts = Counts(
        fresh=fresh,
        cached=cached,
        written=written,
        written_1h=longer,
        output=output,
        reasoning=reasoning,
    )
    exact = (
        fresh * Decimal(inp)
        + cached * Decimal(read)
        + written * Decimal(write)
        + longer * Decimal(hour)
        + output * Decimal(out)
    ) / _M
    told = PriceList(variants=(Variant(rates=rates),)).cost(counts)
    assert abs(Decimal(told) - exact) < Decimal("1e-9")
