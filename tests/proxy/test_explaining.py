"""The stories of requests, as the running proxy tells them."""

import asyncio
import json
import time
from typing import Any

import pytest

from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Wording
from tests.fakes.clients import CHAT, MESSAGES, STREAMING, Tongue
from tests.fakes.stand import HELLO, INSTALL_KEY, Stand, eventually, key_of
from tests.proxy.conftest import MakeStand


async def told(stand: Stand, name: str) -> dict[str, Any]:
    async with stand.http.get(f"{stand.url}/agentbox/requests/{name}") as answer:
        assert answer.status == 200
        document: dict[str, Any] = await answer.json()
        return document


async def listed(stand: Stand, query: str = "") -> list[dict[str, Any]]:
    async with stand.http.get(f"{stand.url}/agentbox/requests{query}") as answer:
        assert answer.status == 200
        rows: list[dict[str, Any]] = (await answer.json())["requests"]
        return rows


async def story_of(stand: Stand, tongue: Tongue = CHAT, **fields: Any) -> dict[str, Any]:
    """The story of one request that is made now."""
    async with tongue.post(stand, **fields) as answer:
        await answer.read()
        name = answer.headers["x-agentbox-request-id"]
    return await told(stand, name)


def attempts(story: dict[str, Any]) -> list[dict[str, Any]]:
    return [attempt for link in story["links"] for attempt in link["attempts"]]


async def test_a_failover_is_told_link_by_link(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    stand.fault(CHAT.first, Fault(status=500))
    begun = time.time()
    story = await story_of(stand, stream=True)

    assert begun - 1 <= story["started_at"] <= time.time() + 1
    assert {name: story[name] for name in ("asked", "alias", "endpoint", "stream")} == {
        "asked": "default",
        "alias": "default",
        "endpoint": "chat",
        "stream": True,
    }
    assert (story["end"], story["status"], story["calls"]) == ("answered", 200, 3)
    assert story["served_by"] == CHAT.second
    assert [link["outcome"] for link in story["links"]] == ["failed", "answered"]
    first, again, second = attempts(story)
    assert [one["attempt"] for one in (first, again, second)] == [1, 2, 3]
    assert [one["retry"] for one in (first, again, second)] == [0, 1, 0]
    assert first["delay_ms"] == second["delay_ms"] == 0
    assert 50 <= again["delay_ms"] <= 100
    assert (first["status"], first["class"], first["kind"]) == (500, "error", "server")
    assert first["message"]
    assert first["maybe_charged"]
    assert (second["lane"], second["status"], second["kind"]) == ("direct", 200, None)
    assert second["first_content_ms"] <= second["elapsed_ms"]
    times = [one["at_ms"] for one in (first, again, second)] + [story["elapsed_ms"]]
    assert times == sorted(times)
    assert again["at_ms"] >= first["at_ms"] + first["elapsed_ms"] + again["delay_ms"] - 1


async def test_a_cooling_link_is_told_with_its_cause_and_its_times(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    stand.fault(CHAT.first, Fault(status=429, headers={"retry-after": "40"}))
    before = await story_of(stand)
    [failed] = before["links"][0]["attempts"]
    story = await story_of(stand)

    link = story["links"][0]
    skip = link["skip"]
    assert (link["outcome"], link["attempts"]) == ("skipped-cooling", [])
    assert (skip["label"], skip["kind"]) == ("skipped-cooling", "throttle")
    assert skip["because_of"] == before["request_id"]
    assert skip["message"] == failed["message"]
    assert 39 <= skip["until"] - skip["since"] <= 41
    assert 0 <= skip["at_ms"] <= story["elapsed_ms"]


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


async def test_links_without_a_key_or_a_fit_are_told(make_stand: MakeStand) -> None:
    saia = {"api_base": "{base}/gwdg_saia/v1", "api_key": "${GWDG_SAIA_DUMMY_KEY}"}
    section = {"providers": {"openai": {"api_key": "${NOT_SET}"}, "gwdg_saia": saia}}
    chain = ["openai/gpt-4o", "gwdg_saia/llama-3.3-70b-instruct"]
    stand = await make_stand(chains={"default": chain}, section=section)
    story = await story_of(stand, messages=[{"role": "user", "content": [IMAGE]}])
    keyless, misfit = story["links"]
    assert (keyless["outcome"], keyless["skip"]["message"]) == ("skipped-key-missing", None)
    assert misfit["outcome"] == "skipped-unfit"
    assert misfit["skip"]["message"] == "it does not take vision"
    assert (story["end"], story["calls"], story["served_by"]) == ("failed", 0, None)


async def test_a_window_that_is_too_small_is_told(make_stand: MakeStand) -> None:
    stand = await make_stand(
        chains={"default": CHAT.chain}, links={CHAT.first: {"max_input_tokens": 2}}
    )
    story = await story_of(stand, messages=[{"role": "user", "content": "hello " * 50}])
    skip = story["links"][0]["skip"]
    assert (skip["label"], skip["kind"]) == ("skipped-unfit", "context_window")
    assert "prompt is too long" in skip["message"]


async def test_nothing_of_prompt_or_answer_is_told(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    stand.fault(CHAT.first, Fault(status=503))
    text = await story_of(stand, messages=[{"role": "user", "content": "a-private-matter"}])
    assert "a-private-matter" not in json.dumps(text)
    assert "you said" not in json.dumps(text)


async def test_a_key_that_a_provider_quotes_is_masked(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    key = key_of("openai")
    body = json.dumps({"error": {"message": f"no such key: xx{key}", "type": "auth"}})
    stand.fault(CHAT.first, Fault(status=401, body=body))
    story = await story_of(stand)
    assert attempts(story)[0]["kind"] == "auth"
    assert "dummy-openai" not in json.dumps(story)


@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_a_cut_is_told_with_the_tokens_that_were_reported(
    make_stand: MakeStand, tongue: Tongue
) -> None:
    stand = await make_stand(chains={"default": tongue.chain})
    stand.fault(tongue.first, Fault(kind=FaultKind.CUT, after_events=6))
    async with tongue.post(stand, stream=True) as answer:
        body = (await answer.read()).decode()
        name = answer.headers["x-agentbox-request-id"]
    assert f"`agentbox litellm explain {name}`" in body
    story = await told(stand, name)
    assert (story["end"], story["status"], story["served_by"]) == ("cut", 200, tongue.first)
    assert story["links"][0]["outcome"] == "cut"
    assert story["links"][1]["outcome"] == "not-reached"
    [cut] = attempts(story)
    assert cut["maybe_charged"]
    assert set(cut["tokens"]) == {"input", "output", "cached", "cache_written", "reasoning"}
    assert cut["tokens"]["input"] == (2 if tongue is MESSAGES else None)


async def test_when_no_link_answers_the_error_leads_to_the_story(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    for deployment in CHAT.chain:
        stand.fault(deployment, Fault(status=429))
    async with CHAT.post(stand) as answer:
        message = (await answer.json())["error"]["message"]
        name = answer.headers["x-agentbox-request-id"]
    assert message.endswith(f"(`agentbox litellm explain {name}`)")
    story = await told(stand, name)
    assert (story["end"], story["status"]) == ("failed", 429)
    assert story["message"].startswith("no link of 'default' can answer now: ")


async def test_a_links_own_error_is_passed_on_unchanged_and_told(make_stand: MakeStand) -> None:
    stand = await make_stand(
        chains={"default": CHAT.chain}, section={"fallbacks": {"on_error": False}}
    )
    stand.fault(CHAT.first, Fault(status=404, wording=Wording.PLAIN))
    async with CHAT.post(stand) as answer:
        assert b"agentbox" not in await answer.read()
        name = answer.headers["x-agentbox-request-id"]
    story = await told(stand, name)
    assert (story["end"], story["status"]) == ("failed", 404)
    assert story["message"] == attempts(story)[0]["message"]


async def test_a_client_that_leaves_is_told(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    stand.fault(CHAT.first, Fault(kind=FaultKind.HANG))
    client = asyncio.create_task(CHAT.post(stand)._coro)
    await eventually(lambda: stand.calls(CHAT.first) == 1, "the provider is called")
    [row] = await listed(stand)
    assert (row["end"], row["elapsed_ms"]) == ("running", None)
    running = await told(stand, row["request_id"])
    assert running["links"][0]["outcome"] == "running"
    client.cancel()
    await eventually(lambda: bool(stand.records), "the attempt is recorded")
    story = await told(stand, row["request_id"])
    assert (story["end"], story["status"]) == ("client-left", None)
    assert story["links"][0]["outcome"] == "client-left"
    assert attempts(story)[0]["maybe_charged"]


@pytest.mark.parametrize(
    ("body", "status", "asked"),
    [
        ({"model": "nobody-knows-it", "messages": HELLO}, 404, "nobody-knows-it"),
        ({"model": "x" * 5_000, "messages": HELLO}, 404, "x" * 100),
        ({"messages": HELLO}, 400, None),
    ],
)
async def test_a_request_that_goes_down_no_chain_is_told(
    stand: Stand, body: dict[str, Any], status: int, asked: str | None
) -> None:
    async with stand.post(CHAT.path, **body) as answer:
        assert answer.status == status
        name = answer.headers["x-agentbox-request-id"]
    story = await told(stand, name)
    assert (story["end"], story["status"], story["asked"]) == ("refused", status, asked)
    assert (story["alias"], story["links"]) == (None, [])
    assert story["message"]


async def test_a_fault_of_ours_is_told(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentbox_cli.proxy.lanes.body_for", _breaks)
    async with CHAT.post(stand) as answer:
        assert answer.status == 500
    [row] = await listed(stand)
    assert row["end"] == "bug"


def _breaks(*_: object) -> bytes:
    raise RuntimeError("on purpose")


async def test_the_list_has_the_newest_first_and_as_many_as_asked(stand: Stand) -> None:
    ids = [(await story_of(stand))["request_id"] for _ in range(3)]
    assert [row["request_id"] for row in await listed(stand)] == ids[::-1]
    assert [row["request_id"] for row in await listed(stand, "?limit=2")] == ids[:0:-1]


async def test_the_list_of_failed_ones_leaves_out_what_went_well(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    await story_of(stand)
    stand.fault(CHAT.first, Fault(status=400), Fault(kind=FaultKind.NONE))
    failed = await story_of(stand)
    stand.fault(CHAT.first, Fault(kind=FaultKind.NONE))
    await story_of(stand)
    rows = await listed(stand, "?failed=true&limit=2")
    assert [row["request_id"] for row in rows] == [failed["request_id"]]


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "", "1" * 5_000, "²"])
async def test_a_limit_that_is_none_is_refused(stand: Stand, limit: str) -> None:
    async with stand.http.get(f"{stand.url}/agentbox/requests", params={"limit": limit}) as answer:
        assert answer.status == 400


async def test_the_beginning_of_an_id_is_enough_if_only_one_begins_so(stand: Stand) -> None:
    first = (await story_of(stand))["request_id"]
    for start in (first[:12], first[4:12]):
        assert (await told(stand, start))["request_id"] == first
    second = (await story_of(stand))["request_id"]
    async with stand.http.get(f"{stand.url}/agentbox/requests/req_") as answer:
        assert answer.status == 409
        error = (await answer.json())["error"]
    assert error["code"] == "request_ambiguous"
    assert first in error["message"]
    assert second in error["message"]


@pytest.mark.parametrize("name", ["req_nobody", "x" * 500, "%00", "a/b"])
async def test_an_unknown_id_is_a_404(stand: Stand, name: str) -> None:
    async with stand.http.get(f"{stand.url}/agentbox/requests/{name}") as answer:
        assert answer.status == 404
        assert (await answer.json())["error"]["code"] == "request_unknown"


@pytest.mark.parametrize("path", ["/agentbox/requests", "/agentbox/requests/req_1"])
async def test_the_pages_are_guarded_and_only_read(make_stand: MakeStand, path: str) -> None:
    stand = await make_stand(section={"auth": "key"})
    async with stand.http.get(f"{stand.url}{path}") as answer:
        assert answer.status == 401
    key = {"x-api-key": INSTALL_KEY}
    async with stand.http.get(f"{stand.url}{path}", headers=key) as answer:
        assert answer.status in {200, 404}
    async with stand.http.delete(f"{stand.url}{path}", headers=key) as answer:
        assert answer.status == 405
