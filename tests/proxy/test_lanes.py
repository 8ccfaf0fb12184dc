"""What reaches a provider by the direct lane, and what comes back."""

import gzip
import json

import pytest

from agentbox_cli.proxy.lanes import ask_for_usage
from agentbox_cli.proxy.request import read_ask
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.usage.record import Tokens
from tests.fakes.clients import CHAT, MESSAGES, RESPONSES, TONGUES, Tongue
from tests.fakes.scripted import whole
from tests.fakes.stand import HELLO, INSTALL_KEY, Stand, head, key_of
from tests.proxy.conftest import MakeScripted, MakeStand

# What must never leave this machine.
PRIVATE = {
    "x-api-key": INSTALL_KEY,
    "api-key": "sk-mine",
    "cookie": "session=mine",
    "proxy-authorization": "Basic bWU6bWluZQ==",
    "openai-organization": "org-mine",
    "openai-project": "proj-mine",
    "x-agentbox-drill": "guess mine on_error",
    "x-agentbox-drill-scope": "mine",
    "x-agentbox-attempt": "mine",
    "x-agentbox-anything": "mine",
    "x-stainless-os": "mine",
    "referer": "http://mine.example",
    "x-unheard-of": "mine",
    "anthropic-dangerous-direct-browser-access": "true",
}


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
async def test_nothing_of_the_clients_own_goes_upstream(
    make_stand: MakeStand, tongue: Tongue, stream: bool
) -> None:
    stand = await make_stand(chains={"default": tongue.chain})
    stand.fault(tongue.first, Fault(status=429))
    headers = PRIVATE | {"authorization": f"Bearer {INSTALL_KEY}", "user-agent": "agent/1.2"}
    async with tongue.post(stand, headers=headers, stream=stream) as answer:
        assert answer.status == 200, await answer.text()

    for deployment in tongue.chain:
        provider = deployment.partition("/")[0]
        [call] = stand.seen(deployment)
        told = json.dumps(dict(call.headers)).lower()
        assert "mine" not in told
        assert INSTALL_KEY not in told
        assert not any(name.startswith("x-agentbox") for name in call.headers)
        assert call.headers["user-agent"] == "agent/1.2"
        assert call.headers["content-type"] == "application/json"
        if tongue is MESSAGES:
            assert call.headers["x-api-key"] == key_of(provider)
            assert call.headers["anthropic-version"] == "2023-06-01"
            assert "authorization" not in call.headers
        else:
            assert call.headers["authorization"] == f"Bearer {key_of(provider)}"
            assert "x-api-key" not in call.headers
        assert len(call.headers["host"].split(":")) == 2


async def test_anthropic_beta_goes_to_anthropic_only(stand: Stand) -> None:
    betas = {"anthropic-beta": "new-things-2026", "anthropic-version": "2024-01-01"}
    async with stand.post(MESSAGES.path, betas, model="claude", **MESSAGES.body):
        pass
    async with stand.post(CHAT.path, betas, model="default", **CHAT.body):
        pass
    [call] = stand.seen(MESSAGES.first)
    assert call.headers["anthropic-beta"] == "new-things-2026"
    assert call.headers["anthropic-version"] == "2024-01-01"
    [call] = stand.seen(CHAT.first)
    assert not any(name.startswith("anthropic") for name in call.headers)


@pytest.mark.parametrize("status", [200, 401])
async def test_cookies_and_odd_headers_of_a_provider_do_not_come_back(
    make_stand: MakeStand, make_scripted: MakeScripted, status: int
) -> None:
    body = b'{"choices":[{"text":""}]}' if status == 200 else b'{"error":{"message":"no"}}'
    lines = (
        b"set-cookie: a=b",
        b"x-agentbox-served-by: somebody else",
        b"server: theirs",
        b"x-internal: theirs",
        b"access-control-allow-origin: *",
        b"x-ratelimit-remaining-requests: 9",
        b"x-request-id: \x01",
        b"request-id: caf\xe9",
    )
    provider = await make_scripted([whole(body, *lines, status=b"%d Told" % status)])
    bases = {"openai": f"{provider.base}/v1"}
    section = {"fallbacks": {"on_error": False}}
    stand = await make_stand(chains={"default": CHAT.chain}, bases=bases, section=section)
    async with CHAT.post(stand) as answer:
        assert answer.status == status
        headers = answer.headers
    assert headers["x-ratelimit-remaining-requests"] == "9"
    assert not {"x-request-id", "request-id"} & set(headers)
    assert "theirs" not in str(headers)
    assert "set-cookie" not in headers
    assert "access-control-allow-origin" not in headers
    assert headers.getall("x-agentbox-served-by", []) == ([CHAT.first] if status == 200 else [])


async def test_a_clients_odd_header_is_no_fault_of_the_link(stand: Stand) -> None:
    body = json.dumps({"model": "default", "messages": HELLO}).encode()
    lines = (b"user-agent: caf\xe9/1", b"content-length: %d" % len(body))
    async with stand.connected() as (reader, writer):
        writer.write(head(CHAT.path, *lines) + body)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    [call] = stand.seen(CHAT.first)
    assert "user-agent" not in call.headers
    assert stand.records[0].caller == "caf"


async def test_a_retry_has_the_idempotency_key_of_the_first_call(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    stand.fault(CHAT.first, Fault(status=500, times=1), Fault(kind=FaultKind.NONE))
    for _ in range(2):
        async with CHAT.post(stand):
            pass
    keys = [call.headers["idempotency-key"] for call in stand.seen(CHAT.first)]
    assert keys[0] == keys[1] != keys[2]
    stand.fault(CHAT.first, Fault(status=429))
    async with CHAT.post(stand):
        pass
    [call] = stand.seen(CHAT.second)  # which does not take one
    assert "idempotency-key" not in call.headers


async def test_the_clients_own_idempotency_key_is_kept(stand: Stand) -> None:
    async with CHAT.post(stand, headers={"idempotency-key": "mine"}):
        pass
    [call] = stand.seen(CHAT.first)
    assert call.headers["idempotency-key"] == "mine"


async def test_headers_of_the_config_are_added(make_stand: MakeStand) -> None:
    section = {
        "providers": {
            "openai": {"api_base": "{base}/openai/v1", "api_key": "k", "headers": {"X-Team": "7"}}
        }
    }
    stand = await make_stand(chains={"default": ["openai/gpt-4o"]}, section=section)
    async with CHAT.post(stand):
        pass
    [call] = stand.seen("openai/gpt-4o")
    assert call.headers["x-team"] == "7"


@pytest.mark.parametrize("accepted", ["gzip, deflate", "gzip, deflate, br, zstd", "identity", "*"])
async def test_a_compressed_answer_passes_untouched(stand: Stand, accepted: str) -> None:
    stand.fault(CHAT.first, Fault(kind=FaultKind.GZIP))
    async with CHAT.post(stand, headers={"accept-encoding": accepted}) as answer:
        body = await answer.read()
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["content-length"] == str(len(body))
    assert json.loads(gzip.decompress(body))["choices"]
    [call] = stand.seen(CHAT.first)
    assert "br" not in call.headers["accept-encoding"]
    [record] = stand.records
    assert record.tokens.input == 2


async def test_an_answer_passes_byte_for_byte(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    body = b'{ "choices":[ {"text":""} ],"x":1.50,\n"usage":{"prompt_tokens":3}, "u":"\\u00e9" }'
    provider = await make_scripted([whole(body)])
    bases = {"openai": f"{provider.base}/v1"}
    stand = await make_stand(chains={"default": CHAT.chain}, bases=bases)
    async with CHAT.post(stand) as answer:
        assert await answer.read() == body
    assert stand.records[0].tokens == Tokens(input=3)


async def test_a_quota_at_zero_skips_the_link_before_a_429(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": ["gwdg_saia/llama-3.3-70b", "openai/gpt-4o"]})
    told = {"x-ratelimit-limit-hour": "200", "x-ratelimit-remaining-hour": "0"}
    stand.fault("gwdg_saia/llama-3.3-70b", Fault(kind=FaultKind.NONE, headers=told))
    async with CHAT.post(stand) as answer:
        assert answer.headers["x-agentbox-served-by"] == "gwdg_saia/llama-3.3-70b"
        assert answer.headers["x-ratelimit-remaining-hour"] == "0"
    async with CHAT.post(stand) as answer:
        assert answer.headers["x-agentbox-attempts"] == "gwdg_saia/llama-3.3-70b=skipped-exhausted"
    assert stand.calls("gwdg_saia/llama-3.3-70b") == 1


async def test_an_anthropic_address_may_end_with_v1_or_not(make_stand: MakeStand) -> None:
    for suffix in ("", "/v1"):
        stand = await make_stand(
            chains={"default": ["anthropic/claude-sonnet-4-5"]},
            bases={"anthropic": "{base}/anthropic" + suffix},
        )
        async with MESSAGES.post(stand) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("tongue", [MESSAGES, RESPONSES], ids=lambda tongue: tongue.name)
async def test_only_chat_is_asked_for_usage(make_stand: MakeStand, tongue: Tongue) -> None:
    stand = await make_stand(chains={"default": tongue.chain})
    await tongue.sdk(stand, True)
    [call] = stand.seen(tongue.first)
    assert "stream_options" not in call.document
    assert stand.records[0].tokens.input == 2
    assert stand.records[0].tokens.output == 5


async def test_a_provider_that_refuses_stream_options_is_asked_without(
    make_stand: MakeStand,
) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    refusal = json.dumps(
        {"error": {"message": "Unknown parameter: 'stream_options'.", "type": "x", "code": None}}
    )
    stand.fault(CHAT.first, Fault(status=400, body=refusal, times=1), Fault(kind=FaultKind.NONE))
    for _ in range(2):
        assert CHAT.first in await CHAT.sdk(stand, True)
    asked = ["stream_options" in call.document for call in stand.seen(CHAT.first)]
    assert asked == [True, False, False]
    assert [record.failure for record in stand.records] == [None, None]


async def test_what_the_client_asked_itself_is_not_taken_back(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    stand.fault(CHAT.first, Fault(status=400, body='{"error":{"message":"stream_options?"}}'))
    async with CHAT.post(stand, stream=True, stream_options={"include_usage": True}):
        pass
    assert stand.calls(CHAT.first) == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, b'{"include_usage":true}'),
        (b"null", b'{"include_usage":true}'),
        (b"{}", b'{"include_usage":true}'),
        (b'{"include_usage": false, "b": 1}', b'{"include_usage":true,"b":1}'),
        (b'{"b": {"c": [1.0]}}', b'{"b":{"c":[1.0]},"include_usage":true}'),
    ],
)
def test_usage_is_asked_for_beside_the_clients_own_options(
    options: bytes | None, expected: bytes
) -> None:
    asked = ask_for_usage(read_ask(_body(options)))
    assert asked is not None
    assert bytes(asked.told["stream_options"]) == expected


@pytest.mark.parametrize("options", [b'{"include_usage": true}', b"7", b'"all"', b"[]"])
def test_options_that_ask_already_or_make_no_sense_are_left_alone(options: bytes) -> None:
    assert ask_for_usage(read_ask(_body(options))) is None


def test_a_unary_request_is_not_asked_for_stream_options() -> None:
    assert ask_for_usage(read_ask(b'{"model": "default"}')) is None


def _body(options: bytes | None) -> bytes:
    told = b"" if options is None else b', "stream_options": ' + options
    return b'{"model": "default", "stream": true' + told + b"}"
