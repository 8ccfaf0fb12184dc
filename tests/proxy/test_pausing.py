"""Links that somebody pauses, over HTTP."""

from typing import Any

import pytest

from tests.fakes.clients import CHAT
from tests.fakes.stand import Stand
from tests.proxy.conftest import MakeStand


async def pause(stand: Stand, status: int = 200, **asked: Any) -> dict[str, Any]:
    async with stand.post("/agentbox/links/pause", **asked) as answer:
        assert answer.status == status
        told: dict[str, Any] = await answer.json()
        return told


async def served_by(stand: Stand) -> tuple[str | None, str | None]:
    async with stand.chat() as answer:
        got = answer.headers
        return got.get("x-agentbox-served-by"), got.get("x-agentbox-attempts")


async def test_a_paused_link_gets_no_call_until_it_goes_on(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    assert await pause(stand, link=CHAT.first, paused=True) == {"link": CHAT.first, "paused": True}
    assert await served_by(stand) == (CHAT.second, f"{CHAT.first}=skipped-paused")
    async with stand.http.get(f"{stand.url}/agentbox/status") as answer:
        status = await answer.json()
    assert status["aliases"][0]["links"][0]["state"] == "paused"
    await pause(stand, link=CHAT.first, paused=False)
    assert (await served_by(stand))[0] == CHAT.first
    assert stand.calls(CHAT.first) == 1


async def test_when_every_link_is_paused_the_client_is_told_so(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    for link in CHAT.chain:
        await pause(stand, link=link, paused=True)
    async with stand.chat() as answer:
        assert answer.status == 503
        assert f"{CHAT.second} skipped-paused" in (await answer.json())["error"]["message"]
    assert stand.calls(CHAT.first) == stand.calls(CHAT.second) == 0


async def test_a_name_that_is_no_link_gets_the_one_that_is_meant(stand: Stand) -> None:
    told = await pause(stand, 404, link="openai/gpt-4", paused=True)
    assert "did you mean 'openai/gpt-4o'?" in told["error"]["message"]


@pytest.mark.parametrize(
    "asked", [{}, {"link": "openai/gpt-4o"}, {"link": 7, "paused": True}, {"paused": True}]
)
async def test_a_body_that_says_nothing_is_refused(stand: Stand, asked: dict[str, Any]) -> None:
    assert (await pause(stand, 400, **asked))["error"]["code"] == "invalid_body"


async def test_pausing_takes_post_only(stand: Stand) -> None:
    async with stand.http.get(f"{stand.url}/agentbox/links/pause") as answer:
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
