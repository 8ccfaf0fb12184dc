"""Whatever the first link does, the SDKs get an answer, and never notice."""

from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import pytest

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Wording
from tests.fakes.clients import CHAT, EMBEDDINGS, MESSAGES, STREAMING, TONGUES, Tongue
from tests.fakes.scripted import closed_port
from tests.fakes.stand import Stand, eventually
from tests.proxy.conftest import MakeStand

SOON = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What the first link does.

    Args:
        fault: how it fails.
        label: what `x-agentbox-attempts` says of it.
        calls: how many calls it gets in the first request.
        again: how many more it gets in the second one.
    """

    fault: Fault
    label: str
    calls: int = 1
    again: int = 0


def _status(status: int, label: str, wording: Wording = Wording.PLAIN, **more: int) -> Trouble:
    return Trouble(fault=Fault(status=status, wording=wording), label=label, **more)


def _kind(kind: FaultKind, label: str, calls: int = 1, after: int = 0, again: int = 0) -> Trouble:
    return Trouble(
        fault=Fault(kind=kind, after_events=after), label=label, calls=calls, again=again
    )


ANY = {
    "429": _status(429, "rate_limit"),
    "quota": _status(429, "rate_limit", Wording.QUOTA),
    "500": _status(500, "server", calls=2),
    "529": _status(529, "server", calls=2),
    "401": _status(401, "auth"),
    "402": _status(402, "payment"),
    "403": _status(403, "forbidden"),
    "404": _status(404, "not_found"),
    "413": _status(413, "context_window", again=1),
    "400-context": _status(400, "context_window", Wording.CONTEXT_WINDOW, again=1),
    "400-context-vllm": _status(400, "context_window", Wording.VLLM_CONTEXT_WINDOW, again=1),
    "400": _status(400, "bad_request", again=1),
    "502-html": _status(502, "server", Wording.HTML, calls=2),
    "hang": _kind(FaultKind.HANG, "timeout"),
    # In the second request a connection is reused first: that one is tried again on a fresh one.
    "close": _kind(FaultKind.CLOSE, "connection", again=2),
    "garbage": _kind(FaultKind.GARBAGE, "server", calls=2),
    "error-in-200": _kind(FaultKind.ERROR_IN_200, "server", calls=2),
    "redirect": _kind(FaultKind.REDIRECT, "server", calls=2),
}
UNARY = {
    "cut": _kind(FaultKind.CUT, "connection", again=1),
    "clean-cut": _kind(FaultKind.CLEAN_CUT, "server", calls=2),
    "stall": _kind(FaultKind.STALL, "timeout"),
    "empty": _kind(FaultKind.EMPTY_STREAM, "server", calls=2),
}
STREAM = {
    "error-first": _kind(FaultKind.ERROR_EVENT, "server", calls=2),
    "error-after-role": _kind(FaultKind.ERROR_EVENT, "server", calls=2, after=1),
    "empty": _kind(FaultKind.EMPTY_STREAM, "server", calls=2),
    "cut-first": _kind(FaultKind.CUT, "connection", again=1),
    "cut-after-role": _kind(FaultKind.CUT, "connection", after=1, again=1),
    "clean-cut-after-role": _kind(FaultKind.CLEAN_CUT, "server", calls=2, after=1),
    "stall-first": _kind(FaultKind.STALL, "timeout"),
    "stall-after-role": _kind(FaultKind.STALL, "timeout", after=1),
}
# Anthropic words an empty purse and no quota.
CASES = [
    *((tongue, False, name, case) for tongue in TONGUES for name, case in (ANY | UNARY).items()),
    *((tongue, True, name, case) for tongue in STREAMING for name, case in (ANY | STREAM).items()),
]
CASES = [case for case in CASES if (case[0], case[2]) != (MESSAGES, "quota")]
IDS = [f"{case[0].name}-{'stream' if case[1] else 'unary'}-{case[2]}" for case in CASES]


@pytest.fixture(params=CASES, ids=IDS)
def case(request: pytest.FixtureRequest) -> tuple[Tongue, bool, str, Trouble]:
    chosen: tuple[Tongue, bool, str, Trouble] = request.param
    return chosen


async def test_the_second_link_answers_when_the_first_fails(
    make_stand: MakeStand, case: tuple[Tongue, bool, str, Trouble]
) -> None:
    tongue, stream, _, trouble = case
    stand = await _stand_for(make_stand, tongue)
    stand.fault(tongue.first, trouble.fault)

    text = await tongue.sdk(stand, stream)

    if tongue is not EMBEDDINGS:
        assert text == f"[{tongue.second}] you said: hi there"
    assert stand.calls(tongue.first) == trouble.calls
    assert stand.calls(tongue.second) == 1
    assert stand.calls("redirected/*") == 0

    async with tongue.post(stand, **({"stream": True} if stream else {})) as answer:
        body = await answer.read()
        assert answer.status == 200, body
        headers = answer.headers
    label = trouble.label if trouble.again else "skipped-cooling"
    assert stand.calls(tongue.first) == trouble.calls + trouble.again
    assert headers["x-agentbox-alias"] == "default"
    assert headers["x-agentbox-served-by"] == tongue.second
    assert headers["x-agentbox-link"] == "2/2"
    assert headers["x-agentbox-attempts"] == f"{tongue.first}={label}"
    assert headers["x-agentbox-request-id"].startswith("req_")
    assert stand.in_flight() == 0
    first = [record for record in stand.records if record.link == 1]
    second = [record for record in stand.records if record.link == 2]
    assert {record.failure.label for record in first if record.failure} == {trouble.label}
    assert len(first) == stand.calls(tongue.first)
    assert all(record.complete for record in second)
    assert not any(record.complete or record.cancelled for record in first)


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
async def test_a_refused_connection_is_retried_and_then_the_next_link_answers(
    make_stand: MakeStand, tongue: Tongue
) -> None:
    async with closed_port() as port:
        provider = tongue.first.partition("/")[0]
        base = f"http://127.0.0.1:{port}" + ("" if provider == "anthropic" else "/v1")
        stand = await make_stand(
            chains={"default": tongue.chain},
            bases={provider: base},
            section={"router": {"num_retries": 2}},
        )
        await tongue.sdk(stand, tongue is not EMBEDDINGS)

    # The first failure is retried; the second begins the cooldown, which ends the retries.
    first = [record for record in stand.records if record.link == 1]
    assert [record.failure for record in first] == [ErrorKind.CONNECTION] * 2
    assert not any(record.maybe_charged for record in first)
    assert [record.complete for record in stand.records if record.link == 2] == [True]


@pytest.mark.parametrize(
    ("toggle", "fault"),
    [
        ("on_rate_limit", Fault(status=429, headers={"retry-after": "7"})),
        ("on_error", Fault(status=500)),
        ("on_error", Fault(status=401)),
        ("on_error", Fault(status=529)),
        ("on_error", Fault(status=418, body="short and stout")),
        ("on_context_window", Fault(status=400, wording=Wording.CONTEXT_WINDOW)),
        ("on_content_policy", Fault(status=400, wording=Wording.CONTENT_POLICY)),
    ],
    ids=["429", "500", "401", "529", "418", "context", "policy"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_with_its_toggle_off_the_links_own_error_passes_as_it_is(
    make_stand: MakeStand, tongue: Tongue, stream: bool, toggle: str, fault: Fault
) -> None:
    stand = await make_stand(
        chains={"default": tongue.chain}, section={"fallbacks": {toggle: False}}
    )
    stand.fault(tongue.first, fault)

    async with _directly(stand, tongue, stream) as answer:
        expected = answer.status, await answer.read(), answer.headers["content-type"]
    for _ in range(2):  # a class that is switched off does not cool either
        async with tongue.post(stand, stream=stream) as answer:
            told = answer.status, await answer.read(), answer.headers["content-type"]
            assert told == expected
            assert answer.headers.get("retry-after") == fault.headers.get("retry-after")
            label = stand.records[-1].failure
            assert label is not None
            assert answer.headers["x-agentbox-attempts"] == f"{tongue.first}={label.label}"
            assert "x-agentbox-served-by" not in answer.headers
    assert stand.calls(tongue.second) == 0


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
async def test_when_all_links_are_rate_limited_the_client_gets_a_429(
    make_stand: MakeStand, tongue: Tongue, stream: bool
) -> None:
    stand = await make_stand(chains={"default": tongue.chain})
    stand.fault(tongue.first, Fault(status=429, headers={"retry-after": "40"}))
    stand.fault(tongue.second, Fault(status=429, headers={"retry-after": "20"}))

    for attempts in ("rate_limit", "skipped-cooling"):
        async with tongue.post(stand, **_streamed(tongue, stream)) as answer:
            assert answer.status == 429
            assert 15 <= int(answer.headers["retry-after"]) <= 20
            assert answer.headers["x-agentbox-attempts"] == (
                f"{tongue.first}={attempts},{tongue.second}={attempts}"
            )
            error = (await answer.json())["error"]
        assert error["type"] == "rate_limit_error"
        assert tongue.first in error["message"]
        assert tongue.second in error["message"]
        assert " s)" in error["message"]
    assert stand.calls(tongue.first) == stand.calls(tongue.second) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
async def test_when_all_links_are_down_the_client_gets_a_503_or_anthropics_529(
    make_stand: MakeStand, tongue: Tongue, stream: bool
) -> None:
    stand = await make_stand(chains={"default": tongue.chain})
    for deployment in tongue.chain:
        stand.fault(deployment, Fault(status=500))

    async with tongue.post(stand, **_streamed(tongue, stream)) as answer:
        assert answer.status == tongue.total
        assert int(answer.headers["retry-after"]) >= 1
        body = await answer.json()
    assert (body.get("type") == "error") == (tongue is MESSAGES)
    assert body["error"]["type"] == ("overloaded_error" if tongue is MESSAGES else "server_error")
    assert all(f"{name} server" in body["error"]["message"] for name in tongue.chain)


async def test_the_sdks_raise_their_own_errors_when_no_link_answers(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    for deployment in CHAT.chain:
        stand.fault(deployment, Fault(status=429))
    with pytest.raises(openai.RateLimitError, match="gwdg_saia/llama"):
        await CHAT.sdk(stand, True)


async def test_the_anthropic_sdk_raises_its_own_error_when_no_link_answers(
    make_stand: MakeStand,
) -> None:
    stand = await make_stand(chains={"default": MESSAGES.chain})
    for deployment in MESSAGES.chain:
        stand.fault(deployment, Fault(status=503))
    with pytest.raises(anthropic.APIStatusError, match="copy/claude") as raised:
        await MESSAGES.sdk(stand, True)
    assert raised.value.status_code == 529


async def test_a_cooling_link_is_probed_when_its_time_is_over(make_stand: MakeStand) -> None:
    router = {"retry_after_seconds": 0.2, "num_retries": 0}
    stand = await make_stand(chains={"default": CHAT.chain}, section={"router": router})
    stand.fault(CHAT.first, Fault(status=503))
    for calls in (1, 2):  # the second failure in a row begins the cooldown
        await CHAT.sdk(stand, False)
        assert stand.calls(CHAT.first) == calls

    await eventually(lambda: _state(stand) == "ok", "the cooldown is over")
    assert "gwdg_saia" in await CHAT.sdk(stand, False)  # the probe fails
    assert stand.calls(CHAT.first) == 3

    await eventually(lambda: _state(stand) == "ok", "the cooldown is over")
    stand.fault(CHAT.first, Fault(kind=FaultKind.NONE))
    assert "openai/gpt-4o" in await CHAT.sdk(stand, True)
    assert stand.in_flight() == 0


async def test_a_protocol_that_nobody_translates_is_a_bad_request(
    make_stand: MakeStand,
) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    async with MESSAGES.post(stand) as answer:
        body = await answer.json()
    assert answer.status == 400
    assert body["type"] == "error"
    assert "skipped-unfit" in body["error"]["message"]
    assert stand.calls(CHAT.first) == stand.calls(CHAT.second) == 0


def _state(stand: Stand) -> str:
    alias = stand.proxy.status()["aliases"][0]
    return str(alias["links"][0]["state"])


def _streamed(tongue: Tongue, stream: bool) -> dict[str, bool]:
    return {"stream": True} if stream and tongue is not EMBEDDINGS else {}


def _directly(stand: Stand, tongue: Tongue, stream: bool) -> Any:
    """The same request, to the simulated provider itself."""
    provider, _, model = tongue.first.partition("/")
    url = f"{stand.base}/{provider}{tongue.path}"
    return stand.http.post(url, json={**tongue.body, "model": model, "stream": stream})


async def _stand_for(make_stand: MakeStand, tongue: Tongue) -> Stand:
    links = {tongue.first: {"timeout": SOON}}
    return await make_stand(chains={"default": tongue.chain}, links=links)
