"""What the usage store keeps of real requests: one row each, with the truth about every call."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.simulate.faults import RATE_LIMITED, Fault, FaultKind
from tests.fakes.clients import CHAT, MESSAGES, RESPONSES, STREAMING, TONGUES, Tongue
from tests.fakes.kept import kept, written
from tests.fakes.scripted import END, begin_stream, chunk, whole
from tests.fakes.stand import HELLO, Plan, Stand, eventually, head, open_stand
from tests.proxy.conftest import MakeScripted, MakeStand

# How many events a simulated stream sends up to its first content and a little more.
SOME = {"chat": 3, "messages": 4, "responses": 6}
MARK = "blue-elephant-4711"


USED = {"usage": {"enabled": True}}


@pytest.fixture
async def make_stand(tmp_path: Path) -> AsyncIterator[MakeStand]:
    """Starts a proxy that keeps what is used."""
    async with AsyncExitStack() as stack:

        async def make(**plan: Any) -> Stand:
            section = {**plan.pop("section", {}), **USED}
            return await stack.enter_async_context(
                open_stand(Plan(section=section, **plan), tmp_path)
            )

        yield make


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "usage.db"


def prompt_of(call: dict[str, Any]) -> int:
    return int(call["fresh"] + call["cached"] + call["written"] + call["written_1h"])


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
async def test_an_answer_leaves_one_row_with_what_the_provider_reported(
    make_stand: MakeStand, database: Path, tongue: Tongue, stream: bool
) -> None:
    stand = await make_stand(chains={"default": tongue.chain})
    headers = {"user-agent": "AsyncOpenAI/Python 2.9.0", "x-agentbox-project": "thesis"}
    async with tongue.post(stand, stream=stream, headers=headers) as answer:
        assert answer.status == 200
        request_id = answer.headers["x-agentbox-request-id"]
        await answer.read()

    [row] = await written(database)
    provider, _, model = tongue.first.partition("/")
    assert {name: row[name] for name in TOLD} == {
        "request_id": request_id,
        "alias": "default",
        "asked": "default",
        "endpoint": tongue.path,
        "stream": stream,
        "status": 200,
        "outcome": "answered",
        "served_by": tongue.first,
        "first_link": tongue.first,
        "fell_back": 0,
        "caller": "openai-python",
        "project": "thesis",
    }
    [call] = row["calls"]
    assert (call["provider"], call["model"], call["lane"]) == (provider, model, "direct")
    assert (call["attempt"], call["link"], call["status"], call["kind"]) == (1, 1, 200, "")
    assert (call["complete"], call["cancelled"], call["maybe_charged"]) == (1, 0, 0)
    assert call["counted"] == 1
    usage = call["raw_usage"]
    assert prompt_of(call) == usage.get("prompt_tokens", usage.get("input_tokens")) > 0
    assert call["output"] == usage.get("completion_tokens", usage.get("output_tokens", 0))
    assert 0 < call["first_content_ms"] <= call["elapsed_ms"] <= row["elapsed_ms"]
    assert call["first_content_ms"] <= row["first_content_ms"] <= row["elapsed_ms"]


TOLD = (
    "request_id",
    "alias",
    "asked",
    "endpoint",
    "stream",
    "status",
    "outcome",
    "served_by",
    "first_link",
    "fell_back",
    "caller",
    "project",
)


async def test_a_request_that_fell_back_keeps_both_calls(
    make_stand: MakeStand, database: Path
) -> None:
    stand = await make_stand()
    stand.fault(CHAT.first, RATE_LIMITED)
    async with stand.chat() as answer:
        assert answer.status == 200

    [row] = await written(database)
    assert (row["fell_back"], row["served_by"], row["outcome"]) == (1, CHAT.second, "answered")
    first, second = row["calls"]
    assert (first["kind"], first["status"], first["counted"]) == ("throttle", 429, 0)
    assert (first["maybe_charged"], prompt_of(first), first["raw_usage"]) == (0, 0, None)
    assert (second["kind"], second["link"], second["counted"]) == ("", 2, 1)


async def test_a_request_that_nobody_answers_keeps_every_call(
    make_stand: MakeStand, database: Path
) -> None:
    stand = await make_stand()
    stand.fault(CHAT.first, RATE_LIMITED)
    stand.fault(CHAT.second, Fault(status=401))
    async with stand.chat() as answer:
        assert answer.status == 429
    async with stand.chat() as answer:
        assert answer.status == 429  # both cool: nobody is called

    rows = await written(database, 2)
    assert [(row["outcome"], row["status"], row["served_by"]) for row in rows] == [
        ("failed", 429, ""),
        ("failed", 429, ""),
    ]
    assert [[call["kind"] for call in row["calls"]] for row in rows] == [["throttle", "auth"], []]
    assert all(row["first_content_ms"] is None for row in rows)


@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_a_stream_that_breaks_is_kept_as_cut(
    make_stand: MakeStand, database: Path, tongue: Tongue
) -> None:
    stand = await make_stand(chains={"default": tongue.chain})
    stand.fault(tongue.first, Fault(kind=FaultKind.CUT, after_events=SOME[tongue.name]))
    async with tongue.post(stand, stream=True) as answer:
        await answer.read()

    [row] = await written(database)
    assert (row["outcome"], row["served_by"]) == ("cut", tongue.first)
    [call] = row["calls"]
    assert (call["kind"], call["complete"], call["maybe_charged"]) == ("connection", 0, 1)


async def test_a_client_that_leaves_before_the_answer_is_kept_as_cancelled(
    make_stand: MakeStand, database: Path
) -> None:
    stand = await make_stand()
    stand.fault(CHAT.first, Fault(kind=FaultKind.HANG))
    async with stand.connected() as (_, writer):
        body = json.dumps({"model": "default", "messages": HELLO}).encode()
        length = b"content-length: %d" % len(body)
        writer.write(head(CHAT.path, b"content-type: application/json", length) + body)
        await eventually(lambda: stand.calls(CHAT.first) == 1)

    [row] = await written(database)
    assert (row["outcome"], row["status"], row["served_by"]) == ("cancelled", 0, "")
    [call] = row["calls"]
    assert (call["cancelled"], call["complete"], call["maybe_charged"]) == (1, 0, 1)
    assert (call["kind"], call["counted"]) == ("", 0)


async def test_a_client_that_leaves_in_the_middle_of_a_stream_is_kept_as_cancelled(
    make_stand: MakeStand, database: Path
) -> None:
    stand = await make_stand()
    stand.fault(CHAT.first, Fault(kind=FaultKind.STALL, after_events=3))
    async with stand.chat(stream=True) as answer:
        await answer.content.readany()
        answer.close()

    [row] = await written(database)
    assert (row["outcome"], row["served_by"]) == ("cancelled", CHAT.first)
    [call] = row["calls"]
    assert (call["cancelled"], call["maybe_charged"]) == (1, 1)


async def test_what_goes_down_no_chain_is_not_kept(make_stand: MakeStand, database: Path) -> None:
    stand = await make_stand()
    async with stand.chat(model="nobody-knows-this") as answer:
        assert answer.status == 404
    async with stand.send(CHAT.path, b"no json") as answer:
        assert answer.status == 400
    async with stand.http.get(f"{stand.url}/v1/models") as answer:
        assert answer.status == 200
    async with stand.chat() as answer:
        assert answer.status == 200

    [row] = await written(database)
    assert row["outcome"] == "answered"


async def test_many_at_once_are_all_kept(make_stand: MakeStand, database: Path) -> None:
    stand = await make_stand()

    async def ask() -> str:
        async with stand.chat() as answer:
            return str(answer.headers["x-agentbox-request-id"])

    asked = await asyncio.gather(*(ask() for _ in range(200)))

    rows = await written(database, 200)
    assert {row["request_id"] for row in rows} == {*asked}


async def test_stopping_writes_what_has_not_been_written(tmp_path: Path, database: Path) -> None:
    async with open_stand(Plan(section=USED), tmp_path) as stand:
        for _ in range(3):
            async with stand.chat() as answer:
                assert answer.status == 200
    assert len(kept(database)) == 3


async def test_nothing_is_kept_where_usage_is_switched_off(tmp_path: Path) -> None:
    plan = Plan(section={"usage": {"enabled": False}})
    async with open_stand(plan, tmp_path) as stand, stand.chat() as answer:
        assert answer.status == 200
    assert stored(tmp_path) == {}


async def test_a_project_comes_from_the_proxys_environment_unless_a_request_names_one(
    make_stand: MakeStand, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTBOX_PROJECT", "home\x1b work")
    stand = await make_stand()
    async with stand.chat():
        pass
    headers = {"x-agentbox-project": "Überblick"}
    async with stand.chat(headers=headers):
        pass

    rows = await written(database, 2)
    assert [row["project"] for row in rows] == ["home work", "Überblick"]
    for call in stand.seen(CHAT.first):
        assert "berblick" not in json.dumps(dict(call.headers))


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_no_word_of_a_prompt_or_an_answer_is_kept(
    make_stand: MakeStand, tmp_path: Path, tongue: Tongue, stream: bool
) -> None:
    stand = await make_stand(
        chains={"default": (tongue.first, "simulated/echo", tongue.second)}
        if tongue is CHAT
        else {"default": tongue.chain}
    )
    # An error that repeats the prompt, as some providers send it.
    repeated = json.dumps({"error": {"message": f"cannot read {MARK}", "type": MARK}})
    stand.fault(tongue.first, Fault(status=500, body=repeated, times=2))
    text = f"say {MARK} and {MARK[::-1]}"
    said = (
        {"input": text} if tongue is RESPONSES else {"messages": [{**HELLO[0], "content": text}]}
    )
    for _ in range(3):
        async with tongue.post(stand, stream=stream, **said) as answer:
            await answer.read()

    await written(tmp_path / "usage.db", 3)
    await stand.proxy.drain()
    content = b"".join(stored(tmp_path).values())
    assert b"/v1/" in content, "it was looked into where something is"
    for word in (MARK, MARK[::-1], "say ", "elephant"):
        assert word.encode() not in content


def stored(directory: Path) -> dict[str, bytes]:
    """The files of the store and of its journal."""
    return {file.name: file.read_bytes() for file in directory.glob("usage*")}


TIERED: dict[str, dict[str, Any]] = {
    "chat": {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]},
    "responses": {"object": "response", "status": "completed", "output": [{"type": "message"}]},
    "messages": {"type": "message", "content": [{"type": "text", "text": "hi"}]},
}
USAGES: dict[str, dict[str, Any]] = {
    "chat": {"prompt_tokens": 7, "completion_tokens": 2},
    "responses": {"input_tokens": 7, "output_tokens": 2},
    "messages": {"input_tokens": 7, "output_tokens": 2},
}


@pytest.mark.parametrize(
    "tier",
    [("flex", "flex"), ("priority", "priority"), ("default", ""), (None, ""), (7, "")],
)
@pytest.mark.parametrize("tongue", [CHAT, RESPONSES, MESSAGES], ids=lambda tongue: tongue.name)
async def test_the_service_tier_of_an_answer_is_kept(
    make_stand: MakeStand,
    make_scripted: MakeScripted,
    database: Path,
    tongue: Tongue,
    tier: tuple[Any, str],
) -> None:
    said, kept_as = tier
    usage = dict(USAGES[tongue.name])
    body = {**TIERED[tongue.name], "usage": usage}
    (usage if tongue is MESSAGES else body)["service_tier"] = said
    provider = await make_scripted([whole(json.dumps(body).encode())])
    stand = await make_stand(
        chains={"default": tongue.chain},
        bases={tongue.first.partition("/")[0]: f"{provider.base}/v1"},
    )
    async with tongue.post(stand) as answer:
        assert answer.status == 200, await answer.text()

    [row] = await written(database)
    [call] = row["calls"]
    assert (call["tier"], call["raw_usage"]) == (kept_as, usage)
    assert (prompt_of(call), call["output"]) == (7, 2)


def event(data: Any, name: str = "") -> bytes:
    told = f"event: {name}\n".encode() if name else b""
    return told + b"data: " + json.dumps(data).encode() + b"\n\n"


STREAMS = {
    "chat": [
        event({"choices": [{"delta": {"content": "hi"}}], "service_tier": "flex"}),
        event({"choices": [{"delta": {}, "finish_reason": "stop"}], "service_tier": "flex"}),
        event({"choices": [], "usage": USAGES["chat"], "service_tier": "flex"}),
        b"data: [DONE]\n\n",
    ],
    "responses": [
        # What was asked for; `auto` is not who answered.
        event(
            {"type": "response.created", "response": {"id": "r", "service_tier": "auto"}},
            "response.created",
        ),
        event({"type": "response.output_text.delta", "delta": "hi"}, "response.output_text.delta"),
        event(
            {
                "type": "response.completed",
                "response": {"id": "r", "usage": USAGES["responses"], "service_tier": "flex"},
            },
            "response.completed",
        ),
    ],
}


@pytest.mark.parametrize("tongue", [CHAT, RESPONSES], ids=lambda tongue: tongue.name)
async def test_the_service_tier_of_a_stream_is_kept(
    make_stand: MakeStand, make_scripted: MakeScripted, database: Path, tongue: Tongue
) -> None:
    events = [chunk(one) for one in STREAMS[tongue.name]]
    provider = await make_scripted([begin_stream(), *events, END])
    stand = await make_stand(
        chains={"default": tongue.chain},
        bases={tongue.first.partition("/")[0]: f"{provider.base}/v1"},
    )
    async with tongue.post(stand, stream=True) as answer:
        assert answer.status == 200
        await answer.read()

    [row] = await written(database)
    [call] = row["calls"]
    assert (call["tier"], call["counted"], prompt_of(call), call["output"]) == ("flex", 1, 7, 2)


async def test_counts_that_cannot_be_true_are_not_taken(
    make_stand: MakeStand, make_scripted: MakeScripted, database: Path
) -> None:
    usage = {"prompt_tokens": -5, "completion_tokens": 10**18}
    body = {**TIERED["chat"], "usage": usage}
    provider = await make_scripted([whole(json.dumps(body).encode())])
    stand = await make_stand(bases={"openai": f"{provider.base}/v1"})
    async with stand.chat() as answer:
        assert answer.status == 200

    [row] = await written(database)
    [call] = row["calls"]
    assert (call["counted"], prompt_of(call), call["output"]) == (0, 0, 0)
    assert call["raw_usage"] == usage


DECLINED: dict[str, dict[str, Any]] = {
    "chat": {"choices": [{"message": {}, "finish_reason": "content_filter"}]},
    "responses": {
        "object": "response",
        "status": "incomplete",
        "output": [],
        "incomplete_details": {"reason": "content_filter"},
    },
    "messages": {"type": "message", "content": [], "stop_reason": "refusal"},
}


@pytest.mark.parametrize("tongue", [CHAT, RESPONSES, MESSAGES], ids=lambda tongue: tongue.name)
async def test_what_a_filtered_answer_used_is_kept_with_its_tier(
    make_stand: MakeStand, make_scripted: MakeScripted, database: Path, tongue: Tongue
) -> None:
    usage = dict(USAGES[tongue.name])
    body = {**DECLINED[tongue.name], "usage": usage}
    (usage if tongue is MESSAGES else body)["service_tier"] = "flex"
    provider = await make_scripted([whole(json.dumps(body).encode())])
    stand = await make_stand(
        chains={"default": tongue.chain},
        bases={tongue.first.partition("/")[0]: f"{provider.base}/v1"},
    )
    async with tongue.post(stand) as answer:
        assert answer.status == 200
    await _filtered_first(database, usage)


FILTERED = event({"choices": [{"delta": {}, "finish_reason": "content_filter"}]})
USED_LATER = event({"choices": [], "usage": USAGES["chat"], "service_tier": "flex"})


@pytest.mark.parametrize(
    "events",
    [
        [FILTERED, USED_LATER, b"data: [DONE]\n\n"],
        [FILTERED, USED_LATER],
        [FILTERED + USED_LATER + b"data: [DONE]\n\n"],
    ],
    ids=["one by one", "without the marker", "at once"],
)
@pytest.mark.parametrize("asked", [False, True], ids=["hidden", "asked for"])
async def test_usage_that_comes_after_a_filtered_end_is_kept(
    make_stand: MakeStand,
    make_scripted: MakeScripted,
    database: Path,
    events: list[bytes],
    asked: bool,
) -> None:
    provider = await make_scripted([begin_stream(), *map(chunk, events), END])
    stand = await make_stand(bases={"openai": f"{provider.base}/v1"})
    more = {"stream_options": {"include_usage": True}} if asked else {}
    async with CHAT.post(stand, stream=True, **more) as answer:
        assert answer.status == 200
        await answer.read()
    await _filtered_first(database, USAGES["chat"])


async def _filtered_first(database: Path, usage: dict[str, Any]) -> None:
    [row] = await written(database)
    first, second = row["calls"]
    assert (first["kind"], first["raw_usage"], first["tier"]) == ("content_policy", usage, "flex")
    assert (first["counted"], prompt_of(first), first["output"]) == (1, 7, 2)
    assert (second["kind"], second["counted"]) == ("", 1)
