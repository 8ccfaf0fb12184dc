"""`/v1/messages/count_tokens`: the provider's count, or an estimate that says so."""

import pytest

from agentbox_cli.proxy.token_estimate import prompt_tokens, text_tokens, tools_tokens
from tests.fakes.clients import MESSAGES, anthropic_sdk
from tests.fakes.scripted import ScriptedProvider, whole
from tests.fakes.stand import HELLO, Stand
from tests.proxy.conftest import MakeScripted, MakeStand

PATH = "/v1/messages/count_tokens"
COUNTED = whole(b'{"input_tokens": 4711, "context_management": {"original_input_tokens": 9}}')


class Scene:
    def __init__(self, provider: ScriptedProvider, stand: Stand) -> None:
        self.provider, self.stand = provider, stand


async def scene(make_stand: MakeStand, make_scripted: MakeScripted, answer: bytes) -> Scene:
    provider = await make_scripted([answer])
    stand = await make_stand(
        chains={"default": MESSAGES.chain}, bases={"anthropic": provider.base}
    )
    return Scene(provider, stand)


async def test_a_provider_counts_itself(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    made = await scene(make_stand, make_scripted, COUNTED)
    asking = made.stand.post(
        f"{PATH}?beta=true", {"anthropic-beta": "b"}, model="default", messages=HELLO
    )
    async with asking as answer:
        assert await answer.read() == COUNTED.partition(b"\r\n\r\n")[2]
        assert answer.headers["x-agentbox-token-count"] == "provider"
        assert answer.headers["x-agentbox-served-by"] == MESSAGES.first
    [request] = made.provider.requests
    assert request.startswith(b"POST /v1/messages/count_tokens?beta=true HTTP/1.1")
    assert b"anthropic-beta: b" in request
    assert b'"model": "claude-sonnet-4-5"' in request


@pytest.mark.parametrize("status", [b"404 Not Found", b"429 Slow Down", b"500 Oh", b"401 No"])
async def test_a_provider_that_does_not_count_is_estimated_and_not_left_alone(
    make_stand: MakeStand, make_scripted: MakeScripted, status: bytes
) -> None:
    refused = whole(b'{"type":"error","error":{"type":"x","message":"no"}}', status=status)
    made = await scene(make_stand, make_scripted, refused)
    for _ in range(2):
        async with made.stand.post(PATH, model="default", messages=HELLO) as answer:
            assert answer.status == 200
            assert (await answer.json())["input_tokens"] > 0
            assert answer.headers["x-agentbox-token-count"] == "estimate"
    assert len(made.provider.requests) == 2, "it is asked again"


async def test_what_the_request_is_to_blame_for_is_told(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"messages: no"}}'
    made = await scene(make_stand, make_scripted, whole(body, status=b"400 Bad Request"))
    async with made.stand.post(PATH, model="default", messages=7) as answer:
        assert (answer.status, await answer.read()) == (400, body)


async def test_a_translated_link_is_estimated_without_any_call(stand: Stand) -> None:
    async with stand.post(PATH, model="default", messages=HELLO) as answer:
        assert answer.headers["x-agentbox-token-count"] == "estimate"
        assert answer.headers["x-agentbox-alias"] == "default"
    assert stand.calls("openai/gpt-4o") == 0
    assert next(iter(stand.proxy.stories.latest())).endpoint.path == PATH


async def test_the_sdk_counts(stand: Stand) -> None:
    async with anthropic_sdk(stand) as sdk:
        told = await sdk.messages.count_tokens(
            model="default",
            system="be kind",
            messages=[{"role": "user", "content": "hi " * 1_000}],
            tools=[{"name": "w", "input_schema": {"type": "object"}}],
        )
    assert 700 < told.input_tokens < 1_400


async def test_an_unknown_alias_and_a_body_that_is_none_are_told(stand: Stand) -> None:
    async with stand.post(PATH, model="nobody", messages=HELLO) as answer:
        assert (answer.status, (await answer.json())["type"]) == (404, "error")
    async with stand.send(PATH, b"{") as answer:
        assert answer.status == 400


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The quick brown fox jumps over the lazy dog. " * 100, 1_000),
        ("def f(a: int) -> int:\n    return a + 1\n\n" * 100, 1_700),
        ("2026-11-25 13:18:01 " * 100, 1_100),
        ("人人生而自由，在尊严和权利上一律平等。" * 50, 1_100),  # noqa: RUF001 - Chinese has its own
    ],
)
def test_an_estimate_is_near(text: str, tokens: int) -> None:
    assert 0.7 < text_tokens(text) / tokens < 1.5


def test_what_is_no_text_counts_a_fixed_figure() -> None:
    image = b'{"type":"image","source":{"type":"base64","data":"%b"}}' % (b"A" * 100_000)
    assert 1_500 <= prompt_tokens(b'[{"role":"user","content":[%b]}]' % image) < 1_600
    thought = b'{"type":"thinking","thinking":"%b","signature":"x"}' % (b"hm " * 9_000)
    assert prompt_tokens(b"[%b]" % thought) < 10
    assert prompt_tokens(b'[{"half') > 0
    assert tools_tokens(b"") == 0
