"""The limits over HTTP: told to whoever may call, and reset by them."""

from typing import Any

import pytest

from agentbox_cli.simulate.faults import Fault, FaultKind
from tests.fakes.clients import CHAT
from tests.fakes.stand import Stand
from tests.proxy.conftest import MakeStand

SAIA = "gwdg_saia/llama-3.3-70b"
LEFT = {"x-ratelimit-limit-hour": "200", "x-ratelimit-remaining-hour": "150"}


async def limits(stand: Stand) -> dict[str, Any]:
    async with stand.http.get(f"{stand.url}/agentbox/limits") as answer:
        assert answer.status == 200
        told: dict[str, Any] = await answer.json()
        return told


async def reset(stand: Stand, status: int = 200, **asked: Any) -> dict[str, Any]:
    async with stand.post("/agentbox/limits/reset", **asked) as answer:
        assert answer.status == status
        told: dict[str, Any] = await answer.json()
        return told


def names(told: dict[str, Any]) -> set[str]:
    return {row["name"] for row in told["windows"] + told["cooling"]}


@pytest.fixture
async def busy(make_stand: MakeStand) -> Stand:
    """A proxy whose first link has no credit, and whose second reports a window."""
    stand = await make_stand(chains={"default": CHAT.chain, "saia": [SAIA]})
    stand.fault(CHAT.first, Fault(status=402))
    stand.fault(SAIA, Fault(kind=FaultKind.NONE, headers=LEFT))
    for model in ("default", "saia"):
        async with stand.chat(model) as answer:
            assert answer.status == 200
    return stand


async def test_windows_and_cooldowns_are_told(busy: Stand) -> None:
    told = await limits(busy)
    [window] = told["windows"]
    assert (window["name"], window["window"]) == ("gwdg_saia", "hour")
    assert (window["limit"], window["used"], window["remaining"]) == (200, 50, 150)
    assert 0 < window["resets_in_s"] <= 3_600
    [cooling] = told["cooling"]
    assert (cooling["name"], cooling["kind"]) == ("openai", "payment")
    assert 590 < cooling["remaining_s"] <= 600
    assert cooling["message"]


async def test_a_reset_lets_the_link_be_called_again(busy: Stand) -> None:
    assert names(await reset(busy, name=CHAT.first, dry_run=True)) == {"openai"}
    assert names(await limits(busy)) == {"openai", "gwdg_saia"}, "that was only told"
    busy.fault(CHAT.first)
    assert names(await reset(busy, name=CHAT.first)) == {"openai"}
    async with busy.chat() as answer:
        assert answer.headers["x-agentbox-attempts"] == ""
    assert names(await reset(busy, name=None)) == {"gwdg_saia"}
    assert names(await reset(busy, name=None)) == set()


async def test_a_reset_reaches_the_file(busy: Stand) -> None:
    await reset(busy, name="openai")
    await busy.proxy.drain()
    assert "openai" not in busy.proxy.paths.limits_file.read_text()


async def test_an_unknown_name_is_told_with_what_may_be_meant(busy: Stand) -> None:
    told = await reset(busy, 404, name="opnai")
    assert "did you mean 'openai'?" in told["error"]["message"]
    assert names(await limits(busy)) == {"openai", "gwdg_saia"}


@pytest.mark.parametrize("asked", [{}, {"name": 1}, {"nme": None}, {"name": None, "dry": True}])
async def test_a_body_that_asks_for_nothing_resets_nothing(
    busy: Stand, asked: dict[str, Any]
) -> None:
    await reset(busy, 400, **asked)
    assert names(await limits(busy)) == {"openai", "gwdg_saia"}


async def test_only_a_post_resets(busy: Stand) -> None:
    async with busy.http.get(f"{busy.url}/agentbox/limits/reset") as answer:
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    async with busy.post("/agentbox/limits", name=None) as answer:
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}]
)
async def test_a_web_page_resets_nothing(busy: Stand, headers: dict[str, str]) -> None:
    async with busy.post("/agentbox/limits/reset", headers=headers, name=None) as answer:
        assert answer.status == 403
    assert names(await limits(busy)) == {"openai", "gwdg_saia"}


async def test_where_the_key_is_wanted_a_reset_wants_it_too(make_stand: MakeStand) -> None:
    stand = await make_stand(section={"auth": "key"})
    for path in ("/agentbox/limits", "/agentbox/limits/reset"):
        async with stand.post(path, name=None) as answer:
            assert answer.status == 401
