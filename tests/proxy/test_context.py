"""Prompts that are too long: which link is asked, and what the client is told."""

import asyncio
import io
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from agentbox_cli.providers.registry import discover
from agentbox_cli.proxy import relay
from agentbox_cli.proxy.request import needs_of
from agentbox_cli.simulate.faults import Fault
from agentbox_cli.simulate.wording import Wording
from tests.fakes.clients import CHAT, MESSAGES, Tongue, anthropic_sdk, openai_sdk
from tests.fakes.stand import Stand
from tests.proxy.conftest import MakeStand

LONG = [{"role": "user", "content": "some words of a long talk " * 2_000}]  # about 10,000 tokens
BETA = {"anthropic-beta": "interleaved-thinking-2025-05-14,context-1m-2025-08-07"}


async def windows(
    make_stand: MakeStand, tongue: Tongue, *sizes: int | None, toggle: bool = True
) -> Stand:
    """A chain of the tongue's links with these windows; None leaves what the plugin knows."""
    links = {
        deployment: {"max_input_tokens": size}
        for deployment, size in zip(tongue.chain, sizes, strict=True)
        if size
    }
    section = {"fallbacks": {"on_context_window": toggle}}
    return await make_stand(chains={"default": tongue.chain}, links=links, section=section)


def post(stand: Stand, tongue: Tongue, **fields: Any) -> Any:
    return stand.post(tongue.path, **{"model": "default", **tongue.body, **fields})


@pytest.mark.parametrize("tongue", [CHAT, MESSAGES], ids=lambda tongue: tongue.name)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_link_that_is_surely_too_small_is_not_called(
    make_stand: MakeStand, tongue: Tongue, *, stream: bool
) -> None:
    stand = await windows(make_stand, tongue, 1_000, 1_000_000)
    asked: dict[str, Any] = {"messages": LONG, **({"stream": True} if stream else {})}
    async with post(stand, tongue, **asked) as answer:
        assert answer.status == 200, await answer.read()
        assert answer.headers["x-agentbox-attempts"] == f"{tongue.first}=skipped-unfit"
    assert (stand.calls(tongue.first), stand.calls(tongue.second)) == (0, 1)


async def test_a_window_of_the_link_counts_before_that_of_the_plugin(
    make_stand: MakeStand,
) -> None:
    text = "some words of a long talk " * 40_000  # about 200,000 tokens, gpt-4o takes 128,000
    stand = await windows(make_stand, CHAT, None, 1_000_000)
    async with post(stand, CHAT, messages=[{"role": "user", "content": text}]) as answer:
        assert answer.headers["x-agentbox-attempts"] == f"{CHAT.first}=skipped-unfit"
    stand = await windows(make_stand, CHAT, 300_000, 1_000_000)
    async with post(stand, CHAT, messages=[{"role": "user", "content": text}]) as answer:
        assert answer.headers["x-agentbox-served-by"] == CHAT.first


async def test_with_its_toggle_off_every_link_is_asked(make_stand: MakeStand) -> None:
    stand = await windows(make_stand, CHAT, 1_000, 1_000_000, toggle=False)
    async with post(stand, CHAT, messages=LONG) as answer:
        assert answer.headers["x-agentbox-served-by"] == CHAT.first


async def test_where_all_are_too_small_the_openai_sdk_raises_what_agents_look_for(
    make_stand: MakeStand,
) -> None:
    stand = await windows(make_stand, CHAT, 1_000, 2_000)
    async with openai_sdk(stand) as sdk:
        with pytest.raises(openai.BadRequestError) as caught:
            await sdk.chat.completions.create(model="default", messages=LONG)  # type: ignore[arg-type] # plain data
    assert caught.value.code == "context_length_exceeded"
    for told in ("prompt is too long", f"1000 for {CHAT.first}", f"2000 for {CHAT.second}"):
        assert told in caught.value.message
    assert (stand.calls(CHAT.first), stand.calls(CHAT.second)) == (0, 0)


async def test_where_all_are_too_small_the_anthropic_sdk_raises_what_agents_look_for(
    make_stand: MakeStand,
) -> None:
    stand = await windows(make_stand, MESSAGES, 1_000, 2_000)
    async with anthropic_sdk(stand) as sdk:
        with pytest.raises(anthropic.BadRequestError, match="prompt is too long") as caught:
            await sdk.messages.create(model="default", max_tokens=9, messages=LONG)  # type: ignore[arg-type] # plain data
    assert f"2000 for {MESSAGES.second}" in caught.value.message
    assert (stand.calls(MESSAGES.first), stand.calls(MESSAGES.second)) == (0, 0)


async def test_what_the_last_link_itself_says_of_the_length_is_passed_on(
    make_stand: MakeStand,
) -> None:
    stand = await windows(make_stand, CHAT, 1_000, 1_000_000)
    stand.fault(CHAT.second, Fault(status=400, wording=Wording.VLLM_CONTEXT_WINDOW))
    async with post(stand, CHAT, messages=LONG) as answer:
        assert answer.status == 400
        told = await answer.text()
    assert "maximum context length" in told
    assert "estimate" not in told


async def test_a_longer_window_that_the_client_asks_for_is_believed(make_stand: MakeStand) -> None:
    stand = await windows(make_stand, MESSAGES, 1_000, 1_000)
    async with post(stand, MESSAGES, messages=LONG, headers=BETA) as answer:
        assert answer.headers["x-agentbox-served-by"] == MESSAGES.first


async def test_a_large_body_is_looked_at_in_a_thread(
    make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[bool] = []

    def noted(*given: Any) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            looked.append(True)
        else:
            looked.append(False)
        return needs_of(*given)

    monkeypatch.setattr(relay, "needs_of", noted)
    stand = await windows(make_stand, CHAT, 1_000, 1_000_000)
    parts = [{"type": "text", "text": "hello there"}] * 50_000
    for messages in ([{"role": "user", "content": parts}], LONG):
        body = json.dumps({"model": "default", "messages": messages}).encode()
        async with stand.http.post(f"{stand.url}{CHAT.path}", data=io.BytesIO(body)) as answer:
            assert answer.headers["x-agentbox-served-by"] == CHAT.second
    assert looked == [True, False]


def test_windows_of_our_plugins_are_those_of_litellms_table() -> None:
    engine = find_spec("litellm")
    assert engine is not None
    assert engine.origin is not None
    file = Path(engine.origin).parent / "model_prices_and_context_window_backup.json"
    table: dict[str, dict[str, Any]] = json.loads(file.read_text("utf-8"))
    compared = 0
    for name in ("openai", "anthropic"):
        for model in discover().providers[name].models:
            entry = table.get(model.id, {})
            known = entry.get("max_input_tokens")
            if model.context_window and known:
                compared += 1
                # The table may count the answer out; a window of ours must not be the smaller.
                assert model.context_window >= known, model.id
    assert compared > 5
