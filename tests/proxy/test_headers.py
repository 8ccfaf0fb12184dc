import re
from collections.abc import Mapping

import pytest
from multidict import CIMultiDict

from agentbox_cli.providers.model import Protocol
from agentbox_cli.providers.resolved import KeyState, ResolvedProvider
from agentbox_cli.proxy.headers import client_headers, upstream_headers
from tests.proxy.builders import provider, spec

CLIENT = CIMultiDict(
    {
        "Authorization": "Bearer client",
        "X-Api-Key": "client",
        "Cookie": "a=b",
        "Host": "127.0.0.1:4000",
        "OpenAI-Organization": "org",
        "OpenAI-Project": "project",
        "OpenAI-Beta": "assistants=v2",
        "Anthropic-Beta": "context-1m",
        "Anthropic-Version": "2024-01-01",
        "Anthropic-Dangerous-Direct-Browser-Access": "true",
        "User-Agent": "claude-cli/2.1 (external)",
        "Accept": "application/json",
        "Accept-Encoding": "gzip, br, deflate, zstd",
        "Content-Type": "application/json; charset=utf-16",
        "Content-Length": "99",
        "Content-Encoding": "gzip",
        "Idempotency-Key": "theirs",
        "X-Client-Request-Id": "r1",
        "X-Agentbox-Drill": "secret check on_error",
        "X-Stainless-Lang": "python",
        "X-Forwarded-For": "10.0.0.1",
        "Proxy-Authorization": "Basic x",
        "Connection": "keep-alive",
        "Transfer-Encoding": "chunked",
    }
)
COMMON = {
    "user-agent": "claude-cli/2.1 (external)",
    "accept": "application/json",
    "idempotency-key": "theirs",
    "x-client-request-id": "r1",
    "content-type": "application/json",
}


def sent(
    client: Mapping[str, str] = CLIENT,
    to: ResolvedProvider | None = None,
    protocol: Protocol = Protocol.OPENAI_CHAT,
    *,
    stream: bool = False,
) -> dict[str, str]:
    return upstream_headers(
        client, to or provider(), protocol, stream=stream, idempotency_key="ours"
    )


@pytest.mark.parametrize(
    "protocol", [protocol for protocol in Protocol if protocol.startswith("openai-")]
)
def test_an_openai_style_provider_gets_this_and_nothing_else(protocol: Protocol) -> None:
    assert sent(protocol=protocol) == COMMON | {
        "openai-beta": "assistants=v2",
        "accept-encoding": "gzip, deflate",
        "authorization": "Bearer sk-own",
    }


def test_anthropic_gets_this_and_nothing_else() -> None:
    assert sent(protocol=Protocol.ANTHROPIC_MESSAGES) == COMMON | {
        "anthropic-beta": "context-1m",
        "anthropic-version": "2024-01-01",
        "accept-encoding": "gzip, deflate",
        "x-api-key": "sk-own",
    }


def test_google_gets_this_and_nothing_else() -> None:
    assert sent(protocol=Protocol.GOOGLE_GENERATE) == COMMON | {
        "accept-encoding": "gzip, deflate",
        "x-goog-api-key": "sk-own",
    }


def test_anthropic_needs_a_version() -> None:
    headers = sent(CIMultiDict(), protocol=Protocol.ANTHROPIC_MESSAGES)
    assert headers["anthropic-version"] == "2023-06-01"


def test_a_provider_without_a_key_gets_no_credentials_of_the_client_either() -> None:
    for protocol in Protocol:
        headers = sent(to=provider(key=KeyState.NOT_NEEDED), protocol=protocol)
        assert not {"authorization", "x-api-key", "x-goog-api-key"} & set(headers)


def test_nothing_of_the_client_means_nothing_but_the_necessary() -> None:
    assert sent(CIMultiDict(), provider(key=KeyState.NOT_NEEDED)) == {
        "content-type": "application/json",
        "accept-encoding": "identity",
    }


@pytest.mark.parametrize(
    ("accepted", "asked"),
    [
        ("br", "identity"),
        ("br, zstd", "identity"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5, br;q=1.0, identity;q=0", "GZIP;q=0.5, identity;q=0"),
        ("*", "identity"),
        ("deflate,gzip", "deflate, gzip"),
    ],
)
def test_only_encodings_are_asked_for_in_which_an_error_can_be_read(
    accepted: str, asked: str
) -> None:
    assert sent(CIMultiDict({"Accept-Encoding": accepted}))["accept-encoding"] == asked


def test_a_stream_is_asked_for_unencoded() -> None:
    assert sent(stream=True)["accept-encoding"] == "identity"


def test_a_provider_that_takes_an_idempotency_key_gets_ours_or_the_clients() -> None:
    takes = provider(spec(idempotency_key=True))
    assert sent(CIMultiDict(), takes)["idempotency-key"] == "ours"
    assert sent(CLIENT, takes)["idempotency-key"] == "theirs"
    assert "idempotency-key" not in sent(CIMultiDict())


def test_the_configs_own_headers_replace_ours_in_any_spelling() -> None:
    own = provider(headers={"Authorization": "Basic x", "X-Team": "red", "USER-AGENT": "us"})
    headers = sent(to=own)
    assert headers["authorization"] == "Basic x"
    assert headers["x-team"] == "red"
    assert headers["user-agent"] == "us"
    assert len(headers) == len({name.lower() for name in headers})


def test_what_comes_back_is_chosen_and_in_lower_case() -> None:
    upstream = {
        "Content-Type": "application/json",
        "Content-Encoding": "gzip",
        "Content-Length": "9",
        "Transfer-Encoding": "chunked",
        "Connection": "close",
        "Keep-Alive": "timeout=5",
        "Set-Cookie": "__cf_bm=secret",
        "Server": "cloudflare",
        "CF-Ray": "x",
        "Location": "https://elsewhere.example",
        "Strict-Transport-Security": "max-age=1",
        "Access-Control-Allow-Origin": "*",
        "OpenAI-Organization": "org-of-the-account",
        "X-Agentbox-Served-By": "forged",
        "Retry-After": "3",
        "X-RateLimit-Remaining-Minute": "2",
        "Anthropic-RateLimit-Requests-Reset": "2025-01-01T00:00:00Z",
        "X-Request-Id": "req_1",
        "OpenAI-Processing-Ms": "12",
    }
    assert client_headers(upstream.items()) == {
        "content-type": "application/json",
        "content-encoding": "gzip",
        "retry-after": "3",
        "x-ratelimit-remaining-minute": "2",
        "anthropic-ratelimit-requests-reset": "2025-01-01T00:00:00Z",
        "x-request-id": "req_1",
        "openai-processing-ms": "12",
    }


def test_no_key_shows_in_how_a_provider_prints() -> None:
    own = provider(value="sk-very-secret", headers={"X-Key": "hidden-too"})
    assert not re.search("sk-very-secret|hidden-too", repr(own))
