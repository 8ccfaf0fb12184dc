"""What goes on, made from stories, and told by the running proxy."""

import asyncio
import json
import math
import threading
from typing import Any

import pytest

from agentbox_cli.errors import UsageStoreError
from agentbox_cli.proxy import usage_page
from agentbox_cli.proxy.live import live
from agentbox_cli.proxy.story import End, Stories
from agentbox_cli.proxy.usage_page import UsagePage
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.usage.when import moment
from tests.fakes.clients import CHAT
from tests.fakes.stand import INSTALL_KEY, Stand, eventually, key_of
from tests.proxy.builders import WALL, Scene, chain, resolved
from tests.proxy.conftest import MakeStand
from tests.proxy.telling import Teller

SAIA = "gwdg_saia/llama-3.3-70b"
TWO = chain("first", "second")


def told(teller: Teller, scene: Scene, now: float) -> dict[str, Any]:
    return live(resolved(scene.chain), scene.memory, teller.stories, now, WALL + now)


def links(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["link"]: row for row in document["links"]}


def test_without_requests_every_link_is_told_and_nothing_goes_on() -> None:
    document = told(Teller(TWO), Scene(TWO), 100.0)
    assert (document["in_flight"], document["failovers"]) == (0, [])
    assert links(document)["first/one"] == {
        "link": "first/one",
        "aliases": ["default"],
        "state": "ok",
        "cooldown_s": None,
        "skipped": None,
        "windows": [],
        "last_error": None,
        "in_flight": 0,
        "calls": 0,
        "failed": 0,
        "rates": {
            "10s": {"calls_per_s": 0.0, "tokens_per_s": 0.0},
            "60s": {"calls_per_s": 0.0, "tokens_per_s": 0.0},
        },
        "latency_ms": {"p50": None, "p95": None},
        "first_content_ms": {"p50": None, "p95": None},
    }


def test_rates_are_of_the_last_ten_and_sixty_seconds() -> None:
    teller = Teller(TWO)
    for began in (10.0, 41.0, 58.0, 91.0, 95.0):
        teller.answered(1, began, ms=1_000.0, tokens=(20, 10))
    row = links(told(teller, Scene(TWO), 100.0))["first/one"]
    assert row["calls"] == 4, "the first one ended 89 seconds ago"
    assert row["rates"]["10s"] == {"calls_per_s": 0.2, "tokens_per_s": 6.0}
    assert row["rates"]["60s"] == {"calls_per_s": 0.067, "tokens_per_s": 2.0}


def test_latencies_are_of_whole_answers_only() -> None:
    teller = Teller(TWO)
    for number in range(1, 21):
        teller.answered(1, 90.0, ms=number * 100.0, content=number * 10.0)
    teller.failed(1, 90.0, ms=9_000.0)
    row = links(told(teller, Scene(TWO), 100.0))["first/one"]
    assert (row["calls"], row["failed"]) == (21, 1)
    assert row["latency_ms"] == {"p50": 1_000.0, "p95": 1_900.0}
    assert row["first_content_ms"] == {"p50": 100.0, "p95": 190.0}


def test_rates_reach_back_as_far_as_requests_are_known() -> None:
    """Of a thousand requests a second the ring holds one second's."""
    teller = Teller(TWO, kept=4)
    for began in (97.0, 98.0, 98.2, 98.4, 98.6):
        teller.answered(1, began, ms=100.0)
    document = told(teller, Scene(TWO), 100.0)
    assert document["covers_s"] == 2.0
    assert links(document)["first/one"]["rates"]["60s"]["calls_per_s"] == 2.0
    assert Stories(4).reach(100.0) == math.inf


def test_what_is_under_way_is_counted_and_what_was_given_up_is_not() -> None:
    teller = Teller(TWO)
    teller.running(2, 99.0)
    given_up = teller.running(2, 98.0)
    given_up.ends(End.BUG, None)
    document = told(teller, Scene(TWO), 100.0)
    assert document["in_flight"] == 1
    assert links(document)["second/one"]["in_flight"] == 1


def test_the_latest_failovers_are_told_with_what_failed_and_who_answered() -> None:
    teller = Teller(TWO)
    for _ in range(25):
        teller.moved_on(90.0)
    teller.answered(1, 91.0)
    rows = told(teller, Scene(TWO), 100.0)["failovers"]
    assert len(rows) == 20
    assert rows[0]["failed"] == [{"link": "first/one", "label": "server"}]
    assert (rows[0]["served_by"], rows[0]["end"]) == ("second/one", "answered")
    assert rows[0]["request_id"] == "req_24", "the newest first"


# Over HTTP.


async def now_of(stand: Stand) -> dict[str, Any]:
    async with stand.http.get(f"{stand.url}/agentbox/live") as answer:
        assert answer.status == 200
        document: dict[str, Any] = await answer.json()
        return document


async def test_the_proxy_tells_a_failover_the_cooldown_and_the_window(
    make_stand: MakeStand,
) -> None:
    stand = await make_stand(chains={"default": [CHAT.first, SAIA], "fast": [CHAT.first]})
    left = {"x-ratelimit-limit-hour": "200", "x-ratelimit-remaining-hour": "150"}
    said = json.dumps({"error": {"message": f"slow down, {key_of('openai')}"}})
    stand.fault(CHAT.first, Fault(status=429, headers={"retry-after": "40"}, body=said))
    stand.fault(SAIA, Fault(kind=FaultKind.NONE, headers=left))
    async with stand.chat() as answer:
        name = answer.headers["x-agentbox-request-id"]
    document = await now_of(stand)
    first, second = links(document)[CHAT.first], links(document)[SAIA]
    assert first["aliases"][:2] == ["default", "fast"]
    assert (first["state"], first["failed"]) == ("cooling", 1)
    assert 30 < first["cooldown_s"] <= 40
    assert (second["state"], second["calls"], second["failed"]) == ("ok", 1, 0)
    assert second["rates"]["10s"]["tokens_per_s"] > 0
    [window] = second["windows"]
    assert (window["limit"], window["remaining"]) == (200, 150)
    assert first["skipped"]["message"].startswith("slow down")
    assert key_of("openai") not in str(document)
    [failover] = document["failovers"]
    assert (failover["request_id"], failover["alias"]) == (name, "default")
    assert failover["failed"] == [{"link": CHAT.first, "label": "rate_limit"}]


async def test_a_request_under_way_is_told(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    stand.fault(CHAT.first, Fault(kind=FaultKind.HANG))
    asking = asyncio.create_task(_read(stand))
    await eventually(lambda: stand.calls(CHAT.first) == 1)
    document = await now_of(stand)
    assert document["in_flight"] == links(document)[CHAT.first]["in_flight"] == 1
    asking.cancel()
    await asyncio.wait([asking])


async def _read(stand: Stand) -> None:
    async with stand.chat() as answer:
        await answer.read()


async def test_what_was_used_today_is_told_from_the_store(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain}, section={"usage": {"enabled": True}})
    assert (await now_of(stand))["today"]["requests"] == 0, "there is no store yet"
    await _read(stand)
    page = stand.proxy._usage_page

    def counted() -> bool:
        page._told_at = 0.0
        return bool(page._today and page._today["requests"])

    async with asyncio.timeout(20):
        while not counted():
            await now_of(stand)
    assert (await now_of(stand))["today"]["cost_usd"] > 0


async def test_with_a_daily_budget_its_dollars_are_those_of_today(make_stand: MakeStand) -> None:
    section = {"usage": {"enabled": True}, "budgets": {"daily_usd": 5}}
    stand = await make_stand(chains={"default": CHAT.chain}, section=section)
    await _read(stand)
    document = await now_of(stand)
    [budget] = document["budgets"]
    assert document["today"]["cost_usd"] == pytest.approx(budget["spent_usd"], abs=1e-9)
    assert budget["spent_usd"] > 0


# Usage over HTTP.


async def used(stand: Stand, query: str = "", status: int = 200) -> dict[str, Any]:
    async with stand.http.get(f"{stand.url}/agentbox/usage{query}") as answer:
        assert answer.status == status
        document: dict[str, Any] = await answer.json()
        return document


async def test_usage_is_told_in_all_and_over_time(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain}, section={"usage": {"enabled": True}})
    empty = await used(stand)
    assert (empty["rows"], empty["total"]["requests"]) == ([], 0), "there is no store yet"
    await _read(stand)
    async with asyncio.timeout(20):
        while not (document := await used(stand, "?since=today&by=model"))["rows"]:
            pass
    [row] = document["rows"]
    assert (row["key"], row["requests"]) == (CHAT.first, 1)
    assert (document["by"], document["since"]) == ("model", moment("today"))
    series = document["series"]
    assert (
        len(series["labels"]) == len(series["rows"]) == len(series["parts"][CHAT.first]["tokens"])
    )
    assert sum(series["parts"][CHAT.first]["cost_usd"]) == pytest.approx(row["cost_usd"])
    assert sum(one["requests"] for one in series["rows"]) == 1


@pytest.mark.parametrize("query", ["?since=soon", "?by=colour"])
async def test_a_question_that_nobody_understands_is_refused(stand: Stand, query: str) -> None:
    assert (await used(stand, query, 400))["error"]["code"] == "bad_query"


async def test_a_store_that_cannot_be_read_is_said_and_stops_nothing(
    make_stand: MakeStand,
) -> None:
    stand = await make_stand()
    stand.proxy.paths.usage_database.write_bytes(b"this is no database" * 100)
    assert (await used(stand, status=503))["error"]["code"] == "usage_store"
    assert (await now_of(stand))["today"] is None


async def test_a_store_that_does_not_answer_delays_only_the_first_to_ask(
    make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand = await make_stand()
    silent = threading.Event()

    def fails(*_: object) -> None:
        silent.wait(30)
        raise UsageStoreError("it is down")

    page = stand.proxy._usage_page
    monkeypatch.setattr(usage_page, "PATIENCE", 0.05)
    monkeypatch.setattr(UsagePage, "_read_now", fails)
    try:
        assert (await now_of(stand))["today"] is None
        silent.set()
        await eventually(lambda: page._asking is None)
        silent.clear()
        page._told_at = 0.0
        monkeypatch.setattr(usage_page, "PATIENCE", 60.0)
        assert (await now_of(stand))["today"] is None
        assert page._asking is not None, "it was asked again, and nobody waits"
    finally:
        silent.set()


@pytest.mark.parametrize("path", ["/agentbox/live", "/agentbox/usage", "/agentbox/links/pause"])
async def test_what_goes_on_is_guarded(make_stand: MakeStand, path: str) -> None:
    stand = await make_stand(section={"auth": "key"})
    method = stand.http.post if path.endswith("pause") else stand.http.get
    async with method(f"{stand.url}{path}") as answer:
        assert answer.status == 401
    key = {"authorization": f"Bearer {INSTALL_KEY}"}
    async with method(f"{stand.url}{path}", headers=key) as answer:
        assert answer.status in {200, 400}
