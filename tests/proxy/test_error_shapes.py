"""Errors of ours have the published shapes, in the protocol of whoever called."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from agentbox_cli.providers.model import Protocol
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Wording
from tests.fakes.clients import CHAT, EMBEDDINGS, MESSAGES, RESPONSES, TONGUES, Tongue
from tests.fakes.shapes import BESIDE, error_shape, faults, faults_of_stream
from tests.fakes.stand import Stand, head
from tests.proxy.conftest import MakeStand

PROTOCOLS = {
    CHAT.name: Protocol.OPENAI_CHAT,
    RESPONSES.name: Protocol.OPENAI_RESPONSES,
    EMBEDDINGS.name: Protocol.OPENAI_EMBEDDINGS,
    MESSAGES.name: Protocol.ANTHROPIC_MESSAGES,
}
PRICE = {"input_usd": 100_000, "output_usd": 200_000}
LIMITED = Fault(status=429, headers={"retry-after": "30"})
WEBSOCKET = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "x3JJHMbDL1EzLkh9GBhXDw==",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Something that ends as an error of ours.

    Args:
        status: the answer's; None for the one of a chain in which nothing is rate limited.
        to_anthropics: the same, where a provider that speaks as Anthropic means something else.
        code: what OpenAI's clients read; None where there is none.
        body: what is asked besides the smallest request.
        headers: sent along.
        faults: how every link fails.
        times: how often it is asked; the last answer is looked at.
        section: what config.yml says.
        text: the whole body, if it is not JSON.
        method: of HTTP.
    """

    status: int | None
    code: str | None
    to_anthropics: int | None = None
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    faults: tuple[Fault, ...] = ()
    times: int = 1
    section: Mapping[str, Any] | None = None
    text: bytes | None = None
    method: str = "POST"


ASKED = {
    "unknown alias": Case(status=404, code="model_not_found", body={"model": "defualt"}),
    "no model": Case(status=400, code="invalid_body", body={"model": None}),
    "no JSON": Case(status=400, code="invalid_body", text=b"{"),
    "another method": Case(status=405, code=None, method="PUT"),
    "websocket": Case(status=426, code="websocket_not_supported", headers=WEBSOCKET, method="GET"),
    "relayed": Case(status=401, code="key_missing", headers={"x-forwarded-for": "1.2.3.4"}),
    "a web page": Case(status=403, code=None, headers={"origin": "https://elsewhere.example"}),
    "another host": Case(status=403, code=None, headers={"host": "elsewhere.example"}),
}
FAILING = {
    "rate limited": Case(status=429, code="rate_limit_exceeded", faults=(LIMITED,)),
    "cooling": Case(status=429, code="rate_limit_exceeded", faults=(LIMITED,), times=2),
    "down": Case(status=None, code="no_link_available", faults=(Fault(status=500),)),
    "a refused key": Case(
        status=401, code="invalid_api_key", faults=(Fault(status=401),), times=2
    ),
    "unpaid": Case(status=402, code="payment_required", faults=(Fault(status=402),), times=2),
    "out of quota": Case(
        status=429,
        to_anthropics=402,  # it says that there is no credit
        code="insufficient_quota",
        faults=(Fault(status=429, wording=Wording.QUOTA),),
        times=2,
    ),
    "forbidden": Case(status=403, code="permission_denied", faults=(Fault(status=403),), times=2),
    "gone": Case(status=404, code="model_not_found", faults=(Fault(status=404),), times=2),
    "no budget": Case(
        status=429,
        code="budget_exceeded",
        section={"budgets": {"daily_usd": 0}},
    ),
}


async def answer_to(stand: Stand, tongue: Tongue, case: Case) -> tuple[int, bytes, str]:
    """Ask as often as the case says, and give the last answer."""
    body = {"model": "default", **tongue.body, **(case.body or {})}
    body = {name: value for name, value in body.items() if value is not None}
    text = case.text or json.dumps(body).encode()
    headers = {"content-type": "application/json", **(case.headers or {})}
    told, status, kind = b"", 0, ""
    for _ in range(case.times):
        async with stand.http.request(
            case.method, f"{stand.url}{tongue.path}", data=text, headers=headers
        ) as answer:
            told, status, kind = await answer.read(), answer.status, answer.content_type
    return status, told, kind


def section_of(case: Case, tongue: Tongue) -> dict[str, Any]:
    section = {"router": {"num_retries": 0}, **(case.section or {})}
    if "budgets" in section:
        section["usage"] = {"enabled": True, "prices": dict.fromkeys(tongue.chain, PRICE)}
    return section


def check(tongue: Tongue, case: Case, status: int, told: bytes, kind: str) -> None:
    expected = case.status or tongue.total
    if tongue is MESSAGES:
        expected = case.to_anthropics or expected
    assert (status, kind) == (expected, "application/json"), told
    assert faults(error_shape(PROTOCOLS[tongue.name]), told) == []
    error = json.loads(told)["error"]
    assert error.get("code") == (None if tongue is MESSAGES else case.code or error["code"])


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
async def test_a_request_that_is_refused_is_told_in_its_published_shape(
    stand: Stand, tongue: Tongue
) -> None:
    for case in ASKED.values():
        check(tongue, case, *await answer_to(stand, tongue, case))


@pytest.mark.parametrize("case", FAILING.values(), ids=FAILING.keys())
@pytest.mark.parametrize("tongue", [CHAT, MESSAGES], ids=lambda tongue: tongue.name)
async def test_a_chain_that_fails_is_told_in_its_published_shape(
    make_stand: MakeStand, tongue: Tongue, case: Case
) -> None:
    section = section_of(case, tongue)
    stand = await make_stand(chains={"default": tongue.chain}, section=section)
    for deployment in tongue.chain:
        if case.faults:
            stand.fault(deployment, *case.faults)
    check(tongue, case, *await answer_to(stand, tongue, case))


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
async def test_a_body_that_is_too_large_is_told_in_its_published_shape(
    stand: Stand, tongue: Tongue
) -> None:
    async with stand.connected() as (reader, writer):
        writer.write(head(tongue.path, b"content-length: 100000000", b"connection: close"))
        begun = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = begun.partition(b"content-length: ")[2].split()[0]
        told = await reader.readexactly(int(length))
    assert begun.startswith(b"http/1.1 413 ")
    assert faults(error_shape(PROTOCOLS[tongue.name]), told) == []


@pytest.mark.parametrize("tongue", TONGUES[:3], ids=lambda tongue: tongue.name)
async def test_a_stream_that_breaks_ends_in_its_published_shape(
    make_stand: MakeStand, tongue: Tongue
) -> None:
    stand = await make_stand(chains={"default": tongue.chain[:1]})
    stand.fault(tongue.first, Fault(kind=FaultKind.CUT, after_events=6))
    async with tongue.post(stand, stream=True) as answer:
        assert answer.status == 200
        told = await answer.read()
    # A failed response has an error at the top too: without it the SDK would not raise.
    beside = BESIDE | ({"error"} if tongue is RESPONSES else frozenset())
    assert faults_of_stream(PROTOCOLS[tongue.name], told, beside) == set()
    assert b"error" in told


@pytest.mark.parametrize(
    ("path", "headers", "protocol", "status"),
    [
        ("/v1/nothing", {}, Protocol.OPENAI_CHAT, 404),
        ("/v1/nothing", {"anthropic-version": "2023-06-01"}, Protocol.ANTHROPIC_MESSAGES, 404),
        ("/v1/messages/batches/msgbatch_1", {}, Protocol.ANTHROPIC_MESSAGES, 404),
        ("/v1/responses/resp_1", {}, Protocol.OPENAI_RESPONSES, 404),
        ("/v1/files?model=claude", {}, Protocol.OPENAI_CHAT, 501),
        ("/v1/realtime", {}, Protocol.OPENAI_CHAT, 501),
        ("/v1/models/defualt", {}, Protocol.OPENAI_CHAT, 404),
        (
            "/v1/models/defualt",
            {"anthropic-version": "2023-06-01"},
            Protocol.ANTHROPIC_MESSAGES,
            404,
        ),
    ],
)
async def test_an_error_of_another_path_has_its_published_shape(
    stand: Stand, path: str, headers: dict[str, str], protocol: Protocol, status: int
) -> None:
    async with stand.http.get(f"{stand.url}{path}", headers=headers) as answer:
        told = await answer.read()
    assert answer.status == status, told
    assert faults(error_shape(protocol), told) == []


@pytest.mark.parametrize("tongue", [RESPONSES, MESSAGES], ids=lambda tongue: tongue.name)
async def test_what_no_link_knows_is_a_conflict_in_its_published_shape(
    make_stand: MakeStand, tongue: Tongue
) -> None:
    stand = await make_stand(chains={"default": tongue.chain})
    fields = {"previous_response_id": "resp_1"} if tongue is RESPONSES else {"container": "c_1"}
    async with tongue.post(stand, **fields) as answer:
        told = await answer.read()
    assert answer.status == 409, told
    assert faults(error_shape(PROTOCOLS[tongue.name]), told) == []
