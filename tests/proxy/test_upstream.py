"""One call to a provider: every way in which it may fail, and what is never sent or followed."""

import asyncio
import errno
import ssl
from collections.abc import AsyncIterator

import aiohttp
import pytest
from yarl import URL

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.upstream import (
    LARGE_BODY,
    AttemptFailed,
    Target,
    Upstream,
    environment_proxy,
)
from tests.fakes.clients import CHAT
from tests.fakes.scripted import Do, begin_stream, chunk, closed_port, whole
from tests.fakes.stand import eventually
from tests.proxy.conftest import MakeScripted, MakeStand

OK = whole(b"{}")


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    opened = Upstream()
    yield opened
    await opened.close()


async def failure(upstream: Upstream, address: str, *, body: bytes = b"{}") -> Failure:
    with pytest.raises(AttemptFailed) as raised:
        async with await upstream.post(Target.of(address), {}, body) as reply:
            await reply.read()
    return raised.value.failure


async def call(
    upstream: Upstream, address: str, body: bytes = b"{}", fresh: bool = False
) -> bytes:
    reply = await upstream.post(Target.of(address), {}, body, fresh=fresh)
    async with reply:
        return await reply.read()


async def test_a_refused_connection_sent_nothing(upstream: Upstream) -> None:
    async with closed_port() as port:
        failed = await failure(upstream, f"http://127.0.0.1:{port}/v1")
    assert (failed.kind, failed.sent) == (ErrorKind.CONNECTION, False)
    assert "cannot connect" in failed.message


async def test_a_port_that_speaks_no_tls_sent_nothing(upstream: Upstream) -> None:
    async def speak_first(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak_first, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        failed = await failure(upstream, f"https://127.0.0.1:{port}/v1")
    assert (failed.kind, failed.sent) == (ErrorKind.CONNECTION, False)
    assert "TLS failed" in failed.message


@pytest.mark.parametrize("end", [Do.CLOSE, Do.RESET])
async def test_a_new_connection_that_closes_without_a_byte_may_have_been_paid(
    upstream: Upstream, make_scripted: MakeScripted, end: Do
) -> None:
    provider = await make_scripted([end])
    failed = await failure(upstream, provider.base)
    assert (failed.kind, failed.sent) == (ErrorKind.CONNECTION, True)
    assert not failed.reused_closed
    assert len(provider.requests) == 1, "never repeated by itself"


@pytest.mark.parametrize("end", [Do.CLOSE, Do.RESET])
async def test_a_reused_connection_that_closes_without_a_byte_is_told_apart(
    upstream: Upstream, make_scripted: MakeScripted, end: Do
) -> None:
    provider = await make_scripted([OK], [end])
    assert await call(upstream, provider.base) == b"{}"
    failed = await failure(upstream, provider.base)
    assert provider.connections == 1, "the connection was reused"
    assert (failed.kind, failed.reused_closed) == (ErrorKind.CONNECTION, True)


async def test_a_fresh_call_uses_no_old_connection(
    upstream: Upstream, make_scripted: MakeScripted
) -> None:
    provider = await make_scripted([OK])
    await call(upstream, provider.base)
    for connections in (2, 3):
        await call(upstream, provider.base, fresh=True)
        assert provider.connections == connections


async def test_a_read_answer_leaves_its_connection_for_the_next_call(
    upstream: Upstream, make_scripted: MakeScripted
) -> None:
    provider = await make_scripted([OK])
    for _ in range(3):
        await call(upstream, provider.base)
    assert provider.connections == 1


@pytest.mark.parametrize("end", [Do.CLOSE, Do.RESET])
async def test_the_proxy_tries_a_closed_connection_once_more_and_blames_nobody(
    make_stand: MakeStand, make_scripted: MakeScripted, end: Do
) -> None:
    body = b'{"choices":[{"message":{"content":"hi"}}]}'
    provider = await make_scripted([whole(body)], [end], [end], [whole(body)])
    bases = {"openai": f"{provider.base}/v1"}
    stand = await make_stand(chains={"default": CHAT.chain}, bases=bases)
    served = []
    for _ in range(3):
        async with CHAT.post(stand) as answer:
            served.append(answer.headers["x-agentbox-served-by"])
    # The second request found the kept connection closed, and the fresh one too: that counts.
    assert served == [CHAT.first, CHAT.second, CHAT.first]
    calls = [(record.attempt, record.link, record.failure) for record in stand.records]
    assert calls == [
        (1, 1, None),
        (1, 1, ErrorKind.CONNECTION),
        (2, 1, ErrorKind.CONNECTION),
        (3, 2, None),
        (1, 1, None),
    ]


async def test_one_closed_connection_is_no_failure_at_all(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    body = b'{"choices":[{"message":{"content":"hi"}}]}'
    fine = [whole(body)]
    # What comes after a closing is the fresh connection, which is not kept.
    provider = await make_scripted(fine, [Do.CLOSE], fine, fine, [Do.CLOSE], fine)
    bases = {"openai": f"{provider.base}/v1"}
    stand = await make_stand(chains={"default": CHAT.chain}, bases=bases)
    for _ in range(4):
        async with CHAT.post(stand) as answer:
            assert answer.headers["x-agentbox-served-by"] == CHAT.first
            assert answer.headers["x-agentbox-attempts"] == ""
    assert not stand.proxy._memory.cooldowns._entries


async def test_the_second_try_takes_no_other_old_connection(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    fine = [Do.MEET, whole(b'{"choices":[{"message":{"content":"hi"}}]}')]
    provider = await make_scripted(fine, fine, [Do.CLOSE], fine)
    bases = {"openai": f"{provider.base}/v1"}
    stand = await make_stand(chains={"default": CHAT.chain}, bases=bases)
    await asyncio.gather(CHAT.sdk(stand, False), CHAT.sdk(stand, False))
    assert provider.connections == 2
    await CHAT.sdk(stand, False)
    assert provider.connections == 3


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", Do.CLOSE], ErrorKind.CONNECTION),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", Do.RESET], ErrorKind.CONNECTION),
        ([begin_stream(), chunk(b"data"), Do.CLOSE], ErrorKind.CONNECTION),
        ([begin_stream(), b"zz\r\n", Do.CLOSE], ErrorKind.SERVER),
        ([b"HTTP/1.1 2000 OK\r\n\r\n", Do.CLOSE], ErrorKind.SERVER),
        ([b"SSH-2.0-OpenSSH_9.2\r\n", Do.CLOSE], ErrorKind.SERVER),
    ],
    ids=["cut", "reset", "cut-chunks", "bad-chunks", "bad-status", "no-http"],
)
async def test_a_broken_answer_is_a_failure_that_may_have_been_paid(
    upstream: Upstream, make_scripted: MakeScripted, script: list[bytes | Do], kind: ErrorKind
) -> None:
    provider = await make_scripted(script)
    failed = await failure(upstream, provider.base)
    assert (failed.kind, failed.sent, failed.reused_closed) == (kind, True, False)


async def test_a_redirect_is_not_followed(upstream: Upstream, make_scripted: MakeScripted) -> None:
    other = await make_scripted([OK])
    moved = b"HTTP/1.1 307 T\r\nlocation: %b\r\ncontent-length: 0\r\n\r\n" % other.base.encode()
    provider = await make_scripted([moved])
    async with await upstream.post(Target.of(provider.base), {"x-api-key": "k"}, b"{}") as reply:
        assert reply.status == 307
    assert other.requests == []


async def test_cookies_are_not_kept(upstream: Upstream, make_scripted: MakeScripted) -> None:
    provider = await make_scripted([whole(b"{}", b"set-cookie: a=b; path=/")])
    await call(upstream, provider.base)
    await call(upstream, provider.base)
    assert b"cookie" not in b"".join(provider.requests).lower()


async def test_only_the_given_headers_are_sent(
    upstream: Upstream, make_scripted: MakeScripted
) -> None:
    provider = await make_scripted([OK])
    async with await upstream.post(Target.of(provider.base), {"x-api-key": "k"}, b"{}"):
        pass
    lines = provider.requests[0].partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    names = {line.partition(b":")[0].lower() for line in lines}
    assert names - {b"content-type"} == {b"host", b"x-api-key", b"content-length"}


async def test_a_large_body_arrives_with_its_length(
    upstream: Upstream, make_scripted: MakeScripted
) -> None:
    provider = await make_scripted([OK])
    body = bytes(range(256)) * (LARGE_BODY // 256) + b"!"
    await call(upstream, provider.base, body)
    head, _, arrived = provider.requests[0].partition(b"\r\n\r\n")
    assert arrived == body
    assert b"chunked" not in head.lower()


async def test_an_answer_that_is_not_read_to_its_end_costs_its_connection(
    upstream: Upstream, make_scripted: MakeScripted
) -> None:
    provider = await make_scripted([begin_stream(), chunk(b"data")], [OK])
    async with await upstream.post(Target.of(provider.base), {}, b"{}") as reply:
        assert await anext(reply.chunks()) == b"data"
    await eventually(lambda: provider.ended == 1, "the provider sees it")
    assert await call(upstream, provider.base) == b"{}"
    assert provider.connections == 2


async def test_long_headers_of_gateways_are_read(
    upstream: Upstream, make_scripted: MakeScripted
) -> None:
    provider = await make_scripted([whole(b"{}", b"content-security-policy: " + b"x" * 30_000)])
    assert await call(upstream, provider.base) == b"{}"


async def test_a_path_is_sent_as_it_is_written(
    upstream: Upstream, make_scripted: MakeScripted
) -> None:
    provider = await make_scripted([OK])
    await call(upstream, f"{provider.base}/a%2Fb/%7Eme/v1")
    assert provider.requests[0].startswith(b"POST /a%2Fb/%7Eme/v1 HTTP/1.1")


@pytest.mark.parametrize(
    ("address", "proxy"),
    [
        ("https://api.openai.com/v1", "http://proxy:3128"),
        ("http://provider.example/v1", "http://plain:80"),
        ("https://inside.example/v1", None),
        ("https://deep.inside.example:8443/v1", None),
        ("http://127.0.0.1:11434/v1", None),
        ("http://127.8.8.8:11434/v1", None),
        ("http://localhost:11434/v1", None),
        ("http://[::1]:11434/v1", None),
    ],
)
def test_proxy_variables_count_but_not_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, address: str, proxy: str | None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("http_proxy", "plain:80")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    assert environment_proxy(address) == proxy
    assert Target.of(address).proxy == proxy


def test_without_proxy_variables_there_is_no_proxy() -> None:
    assert environment_proxy("https://api.openai.com/v1") is None


async def test_a_call_goes_through_the_proxy_that_the_environment_names(
    upstream: Upstream, make_scripted: MakeScripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await make_scripted([OK])
    monkeypatch.setenv("HTTP_PROXY", proxy.base.replace("//", "//me:pass@"))
    assert await call(upstream, "http://provider.example/v1") == b"{}"
    [request] = proxy.requests
    assert request.startswith(b"POST http://provider.example/v1 HTTP/1.1")
    assert b"proxy-authorization: basic" in request.lower()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_dead_proxy_is_named(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    async with closed_port() as port:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{port}")
        failed = await failure(upstream, f"{scheme}://provider.example/v1")
    assert (failed.kind, failed.sent) == (ErrorKind.CONNECTION, False)
    assert "proxy" in failed.message


async def test_a_proxy_that_refuses_is_named(
    upstream: Upstream, make_scripted: MakeScripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await make_scripted([b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"])
    monkeypatch.setenv("https_proxy", proxy.base)
    failed = await failure(upstream, "https://provider.example/v1")
    assert (failed.kind, failed.sent) == (ErrorKind.CONNECTION, False)
    assert "the proxy refused: 503" in failed.message


def test_a_target_keeps_its_address() -> None:
    assert Target.of("https://x.example/a%20b").url == URL("https://x.example/a%20b", encoded=True)


def test_the_tables_exceptions_are_what_they_were() -> None:
    """The order of the match in `failure_of` relies on these."""
    assert issubclass(aiohttp.ClientConnectorError, OSError)
    assert issubclass(aiohttp.ClientConnectorDNSError, aiohttp.ClientConnectorError)
    assert issubclass(aiohttp.ConnectionTimeoutError, TimeoutError)
    assert issubclass(aiohttp.ServerTimeoutError, aiohttp.ServerDisconnectedError) is False
    assert aiohttp.ClientOSError(errno.EPIPE, "x").errno == errno.EPIPE
    assert issubclass(ssl.SSLError, OSError)
