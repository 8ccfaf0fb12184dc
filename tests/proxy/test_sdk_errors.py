"""What the official SDKs make of it when no link answers, a toggle is off, or a stream is cut."""

from dataclasses import dataclass
from typing import Any

import anthropic
import anyio
import openai
import pytest

from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Form, Wording, error_document
from tests.fakes.clients import (
    CHAT,
    EMBEDDINGS,
    MESSAGES,
    RESPONSES,
    STREAMING,
    TONGUES,
    Tongue,
    anthropic_sdk,
    openai_sdk,
)
from tests.fakes.stand import HELLO, Stand
from tests.proxy.conftest import MakeStand

ApiError = openai.APIStatusError | anthropic.APIStatusError


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """What every link does, and what the SDKs raise then.

    Args:
        fault: how each link fails.
        raised: the name that the exception has in both SDKs.
        status: its status; None for the one of a chain in which nothing is rate limited.
        names_links: whether the message is ours and names every link.
    """

    fault: Fault
    raised: str
    status: int | None
    names_links: bool = False


DOWN = {
    "429": Down(
        fault=Fault(status=429, headers={"retry-after": "30"}),
        raised="RateLimitError",
        status=429,
        names_links=True,
    ),
    "500": Down(
        fault=Fault(status=500), raised="InternalServerError", status=None, names_links=True
    ),
    "529": Down(
        fault=Fault(status=529), raised="InternalServerError", status=None, names_links=True
    ),
    "garbage": Down(
        fault=Fault(kind=FaultKind.GARBAGE),
        raised="InternalServerError",
        status=None,
        names_links=True,
    ),
    "closed": Down(
        fault=Fault(kind=FaultKind.CLOSE),
        raised="InternalServerError",
        status=None,
        names_links=True,
    ),
    "401": Down(fault=Fault(status=401), raised="AuthenticationError", status=401),
    "403": Down(fault=Fault(status=403), raised="PermissionDeniedError", status=403),
    "404": Down(fault=Fault(status=404), raised="NotFoundError", status=404),
    "400": Down(fault=Fault(status=400), raised="BadRequestError", status=400),
    "context": Down(
        fault=Fault(status=400, wording=Wording.CONTEXT_WINDOW),
        raised="BadRequestError",
        status=400,
    ),
    "policy": Down(
        fault=Fault(status=400, wording=Wording.CONTENT_POLICY),
        raised="BadRequestError",
        status=400,
    ),
}
WAYS = [(tongue, False) for tongue in TONGUES] + [(tongue, True) for tongue in STREAMING]
WAY_IDS = [f"{tongue.name}-{'stream' if stream else 'unary'}" for tongue, stream in WAYS]


@pytest.mark.parametrize("down", DOWN.values(), ids=DOWN.keys())
@pytest.mark.parametrize(("tongue", "stream"), WAYS, ids=WAY_IDS)
async def test_the_sdks_raise_the_exception_of_what_happened_to_every_link(
    make_stand: MakeStand, tongue: Tongue, stream: bool, down: Down
) -> None:
    stand = await make_stand(chains={"default": tongue.chain})
    for deployment in tongue.chain:
        stand.fault(deployment, down.fault)

    raised = await _raised(stand, tongue, stream)

    assert isinstance(raised, getattr(_sdk(tongue), down.raised))
    assert raised.status_code == (down.status or tongue.total)
    named = [deployment in raised.message for deployment in tongue.chain]
    assert named == [down.names_links] * 2
    if not down.names_links:
        assert raised.body == _own_error(tongue, down.fault)
    recovers = down.names_links and down.fault.kind is not FaultKind.CLOSE
    assert ("retry-after" in raised.response.headers) or not recovers


@pytest.mark.parametrize(
    ("toggle", "fault", "raised"),
    [
        ("on_rate_limit", DOWN["429"].fault, "RateLimitError"),
        ("on_error", DOWN["500"].fault, "InternalServerError"),
        ("on_error", DOWN["401"].fault, "AuthenticationError"),
        ("on_context_window", DOWN["context"].fault, "BadRequestError"),
        ("on_content_policy", DOWN["policy"].fault, "BadRequestError"),
    ],
    ids=["429", "500", "401", "context", "policy"],
)
@pytest.mark.parametrize(("tongue", "stream"), WAYS, ids=WAY_IDS)
async def test_with_a_toggle_off_the_sdks_raise_the_links_own_error(  # noqa: PLR0917 - a matrix
    make_stand: MakeStand, tongue: Tongue, stream: bool, toggle: str, fault: Fault, raised: str
) -> None:
    stand = await make_stand(
        chains={"default": tongue.chain}, section={"fallbacks": {toggle: False}}
    )
    stand.fault(tongue.first, fault)
    error = await _raised(stand, tongue, stream)
    assert isinstance(error, getattr(_sdk(tongue), raised))
    assert error.status_code == fault.status
    assert error.body == _own_error(tongue, fault)
    assert stand.calls(tongue.second) == 0


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.CLEAN_CUT, FaultKind.ERROR_EVENT])
@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_a_stream_that_breaks_after_content_raises_and_is_never_a_whole_answer(
    make_stand: MakeStand, tongue: Tongue, kind: FaultKind
) -> None:
    stand = await make_stand(chains={"default": tongue.chain})
    # By then every protocol has had content, and none its end.
    stand.fault(tongue.first, Fault(kind=kind, after_events=6, delay_s=0.02))
    expected = anthropic.APIStatusError if tongue is MESSAGES else openai.APIError
    with pytest.raises(expected, match=tongue.first):
        await tongue.sdk(stand, True)
    assert stand.calls(tongue.second) == 0
    assert stand.in_flight() == 0


@pytest.mark.parametrize("tongue", [CHAT, MESSAGES, RESPONSES, EMBEDDINGS], ids=lambda it: it.name)
async def test_retries_of_an_sdk_cost_no_calls_while_all_links_cool(
    make_stand: MakeStand, tongue: Tongue, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(anyio, "sleep", sleep)  # both SDKs wait by this
    stand = await make_stand(chains={"default": tongue.chain})
    for deployment in tongue.chain:
        stand.fault(deployment, Fault(status=429, headers={"retry-after": "50"}))
    with pytest.raises(_sdk(tongue).RateLimitError):
        await _ask_again_and_again(stand, tongue)
    assert [stand.calls(deployment) for deployment in tongue.chain] == [1, 1]
    told = stand.proxy.status()["aliases"][0]["links"]
    assert {link["state"] for link in told} == {"cooling"}
    assert len(waited) == 2
    assert all(40 < seconds <= 50 for seconds in waited)


async def test_an_sdk_waits_for_as_long_as_the_chain_says(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    # The last link's own time is too long to wait for, the first one's is not.
    stand.fault(CHAT.first, Fault(status=429, headers={"retry-after": "1"}, times=1))
    stand.fault(CHAT.second, Fault(status=429, headers={"retry-after": "300"}))
    async with openai_sdk(stand) as sdk:
        answer = await sdk.with_options(max_retries=1).chat.completions.create(
            model="default",
            messages=HELLO,  # type: ignore[arg-type]  # plain dicts are fine
        )
    assert CHAT.first in (answer.choices[0].message.content or "")
    assert [stand.calls(deployment) for deployment in CHAT.chain] == [2, 1]


def _sdk(tongue: Tongue) -> Any:
    return anthropic if tongue is MESSAGES else openai


async def _raised(stand: Stand, tongue: Tongue, stream: bool) -> ApiError:
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
        await tongue.sdk(stand, stream)
    return caught.value  # type: ignore[return-value] # it is one of both


def _own_error(tongue: Tongue, fault: Fault) -> Any:
    """The error that a provider words itself, as the SDK of its protocol shows it."""
    form = Form.ANTHROPIC if tongue is MESSAGES else Form.OPENAI
    document = error_document(form=form, status=fault.status, wording=fault.wording)
    return document if tongue is MESSAGES else document["error"]


async def _ask_again_and_again(stand: Stand, tongue: Tongue) -> None:
    if tongue is MESSAGES:
        async with anthropic_sdk(stand) as claude:
            await claude.with_options(max_retries=2).messages.create(
                model="default",
                max_tokens=9,
                messages=HELLO,  # type: ignore[arg-type]  # plain dicts are fine
            )
        return
    async with openai_sdk(stand) as sdk:
        again = sdk.with_options(max_retries=2)
        if tongue is CHAT:
            await again.chat.completions.create(model="default", messages=HELLO)  # type: ignore[arg-type]  # plain dicts are fine
        elif tongue is RESPONSES:
            await again.responses.create(model="default", input="hi there")
        else:
            await again.embeddings.create(model="default", input="hi there")
