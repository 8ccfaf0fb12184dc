"""Budgets at work: the real proxy, its store, and simulated providers that count calls."""

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.providers.pricing import PriceList, Rates, Variant
from agentbox_cli.proxy.purse import Budgets
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.usage.budgets import Budget, Ledger, Period, Scope, Spender
from agentbox_cli.usage.prices import Priced, Source
from tests.fakes.scripted import whole
from tests.fakes.stand import HELLO, Stand, eventually
from tests.proxy.conftest import MakeScripted, MakeStand

PAID, FREE = "openai/gpt-4o", "gwdg_saia/llama-3.3-70b"
# What a simulated answer costs: 2 tokens of prompt and 5 of answer.
PRICE = {PAID: {"input_usd": 100_000, "output_usd": 200_000}}
COST = 2 * 0.1 + 5 * 0.2


async def _stand(make_stand: MakeStand, *links: str, **budgets: Any) -> Stand:
    return await make_stand(
        chains={"default": links or (PAID, FREE), "other": (PAID, FREE)},
        section={"usage": {"enabled": True, "prices": PRICE}, "budgets": budgets},
    )


async def _served(stand: Stand, model: str = "default", **fields: Any) -> tuple[int, str]:
    async with stand.chat(model, max_tokens=5, **fields) as answer:
        await answer.read()
        return answer.status, answer.headers.get("x-agentbox-served-by", "")


async def test_paid_links_are_passed_over_when_the_budget_is_used_up(
    make_stand: MakeStand,
) -> None:
    stand = await _stand(make_stand, daily_usd=20)
    served = [(await _served(stand))[1] for _ in range(20)]
    paid = served.count(PAID)
    assert served == [PAID] * paid + [FREE] * (20 - paid)
    assert stand.calls(PAID) == paid
    # The last ones are not allowed, because each may cost more than the simulated answer does.
    assert 1 <= paid * COST <= 20


async def test_the_attempts_header_tells_why(make_stand: MakeStand) -> None:
    stand = await _stand(make_stand, daily_usd=0)
    async with stand.chat() as answer:
        assert answer.headers["x-agentbox-attempts"] == f"{PAID}=skipped-budget"


async def test_without_a_free_link_the_client_is_told_the_budget_and_its_reset(
    make_stand: MakeStand,
) -> None:
    stand = await _stand(make_stand, PAID, daily_usd=0)
    async with stand.chat() as answer:
        body = await answer.json()
        assert answer.status == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 86_400
    assert body["error"]["code"] == "budget_exceeded"
    assert "daily budget of $0.00 is used up, until 20" in body["error"]["message"]
    assert stand.calls(PAID) == 0


async def test_from_four_fifths_on_the_client_and_the_status_are_warned(
    make_stand: MakeStand,
) -> None:
    stand = await _stand(make_stand, monthly_usd=100)
    await _spend(stand, 85.0)
    async with stand.chat(max_tokens=5) as answer:
        assert answer.headers["x-agentbox-served-by"] == PAID
        assert answer.headers["x-agentbox-budget"].startswith("monthly budget: ")
    [warning] = [w for w in stand.proxy.status()["warnings"] if "budget" in w]
    assert "monthly budget: 86% of $100.00" in warning
    [row] = stand.proxy.status()["budgets"]
    assert (row["scope"], row["period"], row["limit_usd"]) == ("all", "month", 100)
    assert row["spent_usd"] == pytest.approx(85 + COST)
    assert row["reserved_usd"] == 0.0


async def test_below_that_nobody_is_warned(make_stand: MakeStand) -> None:
    stand = await _stand(make_stand, monthly_usd=1_000)
    async with stand.chat(max_tokens=5) as answer:
        assert "x-agentbox-budget" not in answer.headers
    assert [w for w in stand.proxy.status()["warnings"] if "budget" in w] == []


async def test_a_budget_of_an_alias_leaves_the_others_alone(make_stand: MakeStand) -> None:
    stand = await _stand(make_stand, per_alias={"default": {"daily_usd": 0}})
    assert (await _served(stand))[1] == FREE
    assert (await _served(stand, "other"))[1] == PAID


async def test_a_budget_of_a_caller_leaves_the_others_alone(make_stand: MakeStand) -> None:
    stand = await _stand(make_stand, per_caller={"codex": {"daily_usd": 0}})
    headers = {"user-agent": "codex_cli_rs/0.4 (linux)"}
    body = {"model": "default", "max_tokens": 5, "messages": HELLO}
    for agent, served in (({}, PAID), (headers, FREE)):
        async with stand.post("/v1/chat/completions", headers=agent, **body) as answer:
            assert answer.headers["x-agentbox-served-by"] == served


async def test_fifty_requests_at_once_do_not_all_spend_the_last_dollars(
    make_stand: MakeStand,
) -> None:
    stand = await _stand(make_stand, daily_usd=20)
    stand.fault(PAID, Fault(kind=FaultKind.NONE, delay_s=0.3))
    served = await asyncio.gather(*(_served(stand) for _ in range(50)))
    assert [status for status, _ in served] == [200] * 50
    paid = stand.calls(PAID)
    assert paid >= 1
    assert paid * COST <= 20
    [row] = stand.proxy.status()["budgets"]
    assert row["spent_usd"] == pytest.approx(paid * COST)
    assert row["reserved_usd"] == 0.0


async def test_each_of_several_answers_to_a_prompt_may_cost(make_stand: MakeStand) -> None:
    stand = await _stand(make_stand, daily_usd=20)
    assert (await _served(stand, n=20))[1] == FREE
    assert (await _served(stand, n=True))[1] == PAID


async def test_an_image_costs_no_more_than_the_window_of_the_model_holds(
    make_stand: MakeStand,
) -> None:
    stand = await make_stand(
        chains={"default": (PAID, FREE)},
        links={PAID: {"max_input_tokens": 50}},
        section={
            "usage": {"enabled": True, "prices": PRICE},
            "budgets": {"daily_usd": 20},
            "fallbacks": {"on_context_window": False},
        },
    )
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9_000}}
    told = [{"role": "user", "content": [picture]}]
    path = "/v1/chat/completions"
    async with stand.post(path, model="default", messages=told, max_tokens=5) as answer:
        assert answer.headers["x-agentbox-served-by"] == PAID


async def test_what_another_service_tier_cost_is_spent(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    body = {
        "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 0},
        "service_tier": "flex",
    }
    provider = await make_scripted([whole(json.dumps(body).encode())])
    stand = await make_stand(
        bases={"openai": f"{provider.base}/v1"},
        section={"usage": {"enabled": True}, "budgets": {"daily_usd": 20}},
    )
    budgets = stand.proxy._budgets
    assert budgets is not None
    await eventually(lambda: budgets.ledger.known)
    usual, flex = (Variant(rates=Rates(input=dollars), tier=tier) for dollars, tier in TIERS)
    price = PriceList(variants=(usual, flex))
    budgets.learn_prices({PAID: Priced(name=PAID, price=price, source=Source.CONFIG)})
    assert (await _served(stand))[1] == PAID
    assert stand.proxy.status()["budgets"][0]["spent_usd"] == pytest.approx(10 * 0.005)


TIERS = ((0.01, ""), (0.005, "flex"))


async def test_a_client_that_leaves_gives_back_what_was_set_aside(make_stand: MakeStand) -> None:
    stand = await _stand(make_stand, daily_usd=20)
    stand.fault(PAID, Fault(kind=FaultKind.HANG))
    asking = asyncio.ensure_future(_served(stand))
    await eventually(lambda: stand.proxy.status()["budgets"][0]["reserved_usd"] > 0)
    asking.cancel()
    await eventually(lambda: stand.proxy.status()["budgets"][0]["reserved_usd"] == 0)
    # It may have been charged, and nobody says how much: what it might have cost is spent.
    assert stand.proxy.status()["budgets"][0]["spent_usd"] > COST


async def test_a_failed_call_costs_nothing(make_stand: MakeStand) -> None:
    stand = await _stand(make_stand, daily_usd=20)
    stand.fault(PAID, Fault(status=429))
    assert (await _served(stand))[1] == FREE
    assert stand.proxy.status()["budgets"][0]["spent_usd"] == 0.0


async def test_what_was_spent_is_known_after_a_restart(
    make_stand: MakeStand, tmp_path: Path
) -> None:
    first = await _stand(make_stand, daily_usd=7)
    for _ in range(2):
        assert (await _served(first))[1] == PAID
    await eventually(lambda: _stored(tmp_path) == 2)
    second = await _stand(make_stand, daily_usd=7)
    assert (await _served(second))[1] == PAID
    [row] = second.proxy.status()["budgets"]
    assert row["spent_usd"] == pytest.approx(3 * COST)
    assert (await _served(second))[1] == FREE


async def test_nobody_is_warned_while_what_was_spent_is_being_read() -> None:
    ledger = Ledger((Budget(scope=Scope.ALL, name="", period=Period.DAY, limit_usd=1.0),))
    assert Budgets(ledger=ledger).warnings() == []


async def test_while_the_store_cannot_be_read_only_free_links_are_called(
    make_stand: MakeStand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentbox_cli.proxy.purse.PATIENCE", 0.2)
    blocked = tmp_path / "blocked"
    blocked.touch()
    stand = await make_stand(
        chains={"default": (PAID, FREE), "dear": (PAID,)},
        section={
            "usage": {"prices": PRICE, "database": str(blocked / "usage.db")},
            "budgets": {"daily_usd": 100},
        },
    )
    assert (await _served(stand))[1] == FREE
    assert [row["spent_usd"] for row in stand.proxy.status()["budgets"]] == [None]
    async with stand.chat("dear") as answer:
        assert answer.status == 503
        assert "cannot be read" in (await answer.json())["error"]["message"]
    await eventually(
        lambda: any("cannot be read" in text for text in stand.proxy.status()["warnings"])
    )
    blocked.unlink()
    blocked.mkdir()
    await eventually(
        lambda: stand.proxy._budgets is not None and stand.proxy._budgets.ledger.known
    )
    assert (await _served(stand))[1] == PAID


async def test_a_model_without_a_price_goes_on_until_the_budget_is_used_up(
    make_stand: MakeStand,
) -> None:
    unknown = "twin/who-knows"
    stand = await _stand(make_stand, unknown, FREE, daily_usd=20)
    assert (await _served(stand))[1] == unknown
    [warning] = [text for text in stand.proxy.status()["warnings"] if "budget" in text]
    assert f"budgets do not count {unknown}: no price is known" in warning
    await _spend(stand, 20.0)
    assert (await _served(stand))[1] == FREE


async def test_the_story_tells_which_budget_it_was(make_stand: MakeStand) -> None:
    stand = await _stand(make_stand, daily_usd=0)
    async with stand.chat() as answer:
        told = answer.headers["x-agentbox-request-id"]
    async with stand.http.get(f"{stand.url}/agentbox/requests/{told}") as answer:
        first = (await answer.json())["links"][0]
    assert first["skip"]["label"] == "skipped-budget"
    assert "daily budget" in first["skip"]["message"]


async def _spend(stand: Stand, dollars: float) -> None:
    budgets = stand.proxy._budgets
    assert budgets is not None
    await eventually(lambda: budgets.ledger.known, "what was spent is known")
    spender = Spender(alias="default", provider="openai", caller="")
    budgets.ledger.spend(spender, dollars, time.time())


def _stored(directory: Path) -> int:
    file = directory / "usage.db"
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM requests").fetchone()[0])
        except sqlite3.DatabaseError:
            return 0
