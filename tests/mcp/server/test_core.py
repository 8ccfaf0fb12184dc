"""The tools of `core` as a client sees them: real pipes, the real proxy, simulated providers."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from agentbox_cli.fallback.stage import Cast
from agentbox_cli.simulate.faults import Fault, FaultKind
from tests.e2e.conftest import User
from tests.fakes.stand import eventually
from tests.mcp.conftest import AnyClient, connected, failure, faulty

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

THROTTLED = Fault(status=429, headers={"retry-after": "1"}, times=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(user: User) -> AsyncIterator[AnyClient]:
    async with connected(user) as one:
        yield one


async def test_the_tools_are_these_and_say_what_they_do(client: AnyClient) -> None:
    tools = {tool.name: tool for tool in await client.list_tools()}
    core = ("complete", "chat", "list_models", "usage", "status", "test_fallback", "embed")
    assert set(core) <= set(tools)
    for name in core:
        told = tools[name]
        assert told.description
        assert told.output_schema["type"] == "object"
        assert told.annotations.read_only_hint is True
        assert "$ref" not in json.dumps([told.input_schema, told.output_schema])
    opens = {name for name in core if tools[name].annotations.open_world_hint}
    assert opens == {"complete", "chat", "embed"}
    defaults = tools["complete"].input_schema["properties"]
    assert {name: each.get("default") for name, each in defaults.items()} == {
        "prompt": None,
        "model": "default",
        "max_tokens": 4096,
        "temperature": 0.7,
        "system": None,
    }


async def test_an_answer_tells_who_served_it_and_what_it_cost(client: AnyClient) -> None:
    told = await client.call_tool("complete", {"prompt": "hi there", "system": "be brief"})
    answer = told.structured_content
    assert answer["text"] == "[openai/gpt-4o] you said: hi there"
    assert answer["served_by"] == "openai/gpt-4o"
    assert (answer["link"], answer["attempts"]) == ("1/2", [])
    assert (answer["input_tokens"], answer["output_tokens"]) == (4, 5)
    # What the table of prices says: 2.50 and 10 dollars for a million.
    assert answer["cost_usd"] == pytest.approx(4 * 2.5e-6 + 5 * 10e-6)
    text, footer = (block.text for block in told.content)
    assert text == answer["text"]
    assert footer.startswith("[default: served by openai/gpt-4o, link 1/2; 4 + 5 tokens, $0.0000")
    assert answer["request_id"] in footer


async def test_a_failover_is_told(client: AnyClient, cast: Cast) -> None:
    with faulty(cast, "openai/gpt-4o", THROTTLED):
        told = await client.call_tool("chat", {"messages": [{"role": "user", "content": "yo"}]})
    answer = told.structured_content
    assert answer["served_by"] == "gwdg_saia/llama-3.3-70b"
    assert (answer["link"], answer["attempts"]) == ("2/2", ["openai/gpt-4o=rate_limit"])
    assert answer["cost_usd"] == 0.0  # the plugin says that it is free
    assert "after openai/gpt-4o=rate_limit; 1 + 4 tokens, free" in told.content[1].text


async def test_what_has_no_price_costs_an_unknown_sum_and_not_nothing(client: AnyClient) -> None:
    told = await client.call_tool("complete", {"prompt": "hi", "model": "unpriced"})
    assert told.structured_content["cost_usd"] is None
    assert "cost not known" in told.content[1].text


async def test_parameters_reach_the_provider(client: AnyClient, user: User) -> None:
    told = await client.call_tool(
        "complete",
        {"prompt": "hi", "model": "unpriced", "max_tokens": 7, "temperature": 0},
    )
    story = user.reads("litellm", "explain", told.structured_content["request_id"])
    assert (story["caller"], story["stream"]) == ("agentbox-mcp", True)


async def test_texts_become_vectors(client: AnyClient) -> None:
    told = (await client.call_tool("embed", {"texts": ["a", "b"]})).structured_content
    assert [len(vector) for vector in told["vectors"]] == [told["dimensions"]] * 2
    assert told["vectors"][0] != told["vectors"][1]
    assert (told["model"], told["served_by"]) == ("vectors", "openai/text-embedding-3-small")
    assert told["cost_usd"] == pytest.approx(2 * 2e-8)


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        (
            "complete",
            {"prompt": "hi", "model": "defualt"},
            ("unknown model 'defualt'; did you mean 'default'?", "next step: list_models"),
        ),
        ("complete", {"prompt": ""}, ("prompt: ", "next step: call complete as its schema says")),
        ("complete", {"prompt": "x", "max_tokens": 0}, ("max_tokens: ",)),
        ("chat", {"messages": []}, ("messages: ",)),
        ("chat", {"messages": [{"role": "pope", "content": "x"}]}, ("messages.0.role: ",)),
        ("embed", {"texts": ["a"], "model": "default"}, ("next step: ",)),
        ("usage", {"since": "someday"}, ("'someday' is no time", "next step: say 90m")),
        ("test_fallback", {"alias": "defualt"}, ("unknown alias 'defualt'", "did you mean")),
    ],
)
async def test_what_does_not_fit_is_an_error_with_the_next_step(
    client: AnyClient, tool: str, arguments: dict[str, Any], words: tuple[str, ...]
) -> None:
    said = await failure(client, tool, **arguments)
    assert [word for word in words if word not in said] == []
    assert "pydantic" not in said


async def test_an_alias_that_nobody_serves_is_an_error_that_names_the_links(
    client: AnyClient, cast: Cast
) -> None:
    with faulty(cast, "openai/dead", Fault(status=429, headers={"retry-after": "30"})):
        said = await failure(client, "complete", prompt="hi", model="dead")
    assert "openai/dead rate_limit" in said
    assert "(try again in 30 s)" in said
    assert "next step: status tells how each link is" in said


async def test_an_error_that_is_no_json_is_told_with_the_link_that_gave_it(
    client: AnyClient, cast: Cast
) -> None:
    with faulty(cast, "openai/gone", Fault(status=404, body="nobody here")):
        said = await failure(client, "complete", prompt="hi", model="gone")
    assert said.startswith("openai/gone=not_found answered 404: nobody here\n")
    assert "next step: status tells how each link is" in said


async def test_a_stream_that_breaks_is_an_error_and_no_answer(
    client: AnyClient, cast: Cast
) -> None:
    with faulty(cast, "openai/slow", Fault(kind=FaultKind.CUT, after_events=3)):
        said = await failure(client, "complete", prompt="one two three", model="slow")
    assert "the answer of openai/slow was cut" in said


async def test_somebody_who_waits_is_told_how_far_it_is(client: AnyClient, cast: Cast) -> None:
    seen: list[tuple[float, str]] = []

    async def take(progress: float, _: float | None, message: str | None) -> None:
        seen.append((progress, str(message)))

    with faulty(cast, "openai/slow", Fault(kind=FaultKind.SLOW, delay_s=0.8)):
        await client.call_tool(
            "complete", {"prompt": "a b", "model": "slow"}, progress_handler=take
        )
    assert seen[0] == (0.0, "waiting for slow")
    assert [progress for progress, _ in seen] == sorted({progress for progress, _ in seen})
    assert any("openai/slow answers: " in message for _, message in seen)


async def test_a_call_that_is_cancelled_hangs_up_on_the_provider(
    client: AnyClient, cast: Cast
) -> None:
    journal = cast["openai"].journal
    before = journal.count_cancelled("openai/slow")
    with faulty(cast, "openai/slow", Fault(kind=FaultKind.HANG)):
        call = asyncio.create_task(client.call_tool("complete", {"prompt": "hi", "model": "slow"}))
        calls = journal.count("openai/slow")
        await eventually(lambda: journal.count("openai/slow") > calls, "the call arrived")
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await eventually(
            lambda: journal.count_cancelled("openai/slow") == before + 1, "the call was left"
        )
    # And the server goes on.
    assert (await client.call_tool("status", {})).structured_content["state"] == "running"


async def test_many_calls_at_once_lose_none(client: AnyClient) -> None:
    calls = [
        client.call_tool("complete", {"prompt": f"number {n}", "model": "unpriced"})
        for n in range(40)
    ]
    texts = [told.structured_content["text"] for told in await asyncio.gather(*calls)]
    assert texts == [f"[openai/made-up] you said: number {n}" for n in range(40)]


async def test_documents_are_those_of_the_commands(client: AnyClient, user: User) -> None:
    for tool, command in {
        "list_models": ("litellm", "models"),
        "usage": ("litellm", "usage"),
        "status": ("litellm", "status"),
    }.items():
        told = (await client.call_tool(tool, {})).structured_content
        printed = user.reads(*command)
        assert told.keys() == printed.keys()
        assert told["schema"] == printed["schema"]
    assert (await client.call_tool("list_models", {})).structured_content == user.reads(
        "litellm", "models"
    )


async def test_chains_are_proved(client: AnyClient) -> None:
    told = (await client.call_tool("test_fallback", {"alias": "default"})).structured_content
    assert told["ok"] is True
    assert told["held"] > 20
    assert all(check["endpoint"] is None for check in told["checks"])  # remarks only


async def test_resources_are_the_same_documents(client: AnyClient) -> None:
    uris = [str(each.uri) for each in await client.list_resources()]
    assert uris == ["agentbox://models", "agentbox://status", "agentbox://usage/today"]
    for uri, schema in zip(uris, ("models", "status", "usage"), strict=True):
        (read,) = await client.read_resource(uri)
        assert json.loads(read.text)["schema"] == f"agentbox.{schema}/1"
        assert read.mime_type == "application/json"


async def test_prompts_ask_for_second_opinions(client: AnyClient) -> None:
    names = {prompt.name for prompt in await client.list_prompts()}
    assert {"second_opinion", "compare_models", "challenge_plan"} == names
    got = await client.get_prompt("second_opinion", {"question": "tabs?", "model": "fast"})
    text = got.messages[0].content.text
    assert "`fast`" in text
    assert text.endswith("The question: tabs?")
