"""Paths beside the chain's endpoints: one model, websockets, and in whose words a 404 is told."""

import pytest

from tests.fakes.clients import anthropic_sdk, openai_sdk
from tests.fakes.stand import Stand

ANTHROPIC = {"anthropic-version": "2023-06-01"}
UPGRADE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "x3JJHMbDL1EzLkh9GBhXDw==",
}


@pytest.mark.parametrize("name", ["default", "openai/gpt-4o"])
async def test_one_model_is_told_in_both_shapes(stand: Stand, name: str) -> None:
    async with openai_sdk(stand) as openai:
        assert (await openai.models.retrieve(name)).model_dump() == {
            "id": name,
            "object": "model",
            "created": 0,
            "owned_by": "agentbox",
        }
    async with anthropic_sdk(stand) as anthropic:
        told = await anthropic.models.retrieve(name)
    assert (told.type, told.id, told.display_name) == ("model", name, name)


@pytest.mark.parametrize("headers", [{}, ANTHROPIC])
async def test_an_unknown_model_is_a_404_with_a_near_miss(
    stand: Stand, headers: dict[str, str]
) -> None:
    async with stand.http.get(f"{stand.url}/v1/models/defualt", headers=headers) as answer:
        assert answer.status == 404
        body = await answer.json()
    assert "did you mean 'default'?" in body["error"]["message"]
    assert (body.get("type") == "error") is bool(headers)


@pytest.mark.parametrize(
    ("path", "headers", "anthropic"),
    [
        ("/v1/messages/nothing", {}, True),
        ("/v1/chat/nothing", ANTHROPIC, False),
        ("/v1/embeddings/nothing", ANTHROPIC, False),
        ("/v1/nothing", {}, False),
        ("/v1/nothing", ANTHROPIC, True),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_404_is_told_in_the_protocol_of_its_path(
    stand: Stand, path: str, headers: dict[str, str], anthropic: bool, method: str
) -> None:
    async with stand.http.request(method, f"{stand.url}{path}", headers=headers) as answer:
        assert answer.status == 404
        body = await answer.json()
    assert (body.get("type") == "error") is anthropic
    assert path in body["error"]["message"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/responses", 426, "websocket_not_supported"),
        ("/v1/realtime?model=default", 501, "realtime_not_supported"),
    ],
)
async def test_websockets_are_refused_clearly(
    stand: Stand, path: str, status: int, code: str
) -> None:
    async with stand.http.get(f"{stand.url}{path}", headers=UPGRADE) as answer:
        assert answer.status == status
        assert (await answer.json())["error"]["code"] == code


async def test_a_realtime_session_is_refused_too(stand: Stand) -> None:
    async with stand.post("/v1/realtime/client_secrets", session={}) as answer:
        assert answer.status == 501
