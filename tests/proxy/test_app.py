"""What the front makes of a request before and besides its chain."""

import asyncio
import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from agentbox_cli import __version__
from agentbox_cli.proxy.body import BODY_LIMIT
from agentbox_cli.simulate.journal import KEPT_BODY
from tests.fakes.clients import CHAT, EMBEDDINGS, MESSAGES, STREAMING, TONGUES, Tongue
from tests.fakes.stand import HELLO, INSTALL_KEY, INSTANCE, Stand, head
from tests.proxy.conftest import MakeStand

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start another user's client")

MIB = 1024 * 1024
KEYS = ({"authorization": f"Bearer {INSTALL_KEY}"}, {"x-api-key": INSTALL_KEY})


async def error_of(answer: aiohttp.ClientResponse, tongue: Tongue) -> dict[str, Any]:
    """The error of a body that is in the client's protocol."""
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = await answer.json()
    assert ("type" in body) == (tongue is MESSAGES)
    error: dict[str, Any] = body["error"]
    assert set(error) == (
        {"type", "message"} if tongue is MESSAGES else {"message", "type", "param", "code"}
    )
    return error


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b'["default"]',
        b'"default"',
        b"null",
        b"{",
        b'{"model": "default"',
        b"{}",
        b'{"messages": []}',
        b'{"model": null}',
        b'{"model": ""}',
        b'{"model": 7}',
        b'{"model": ["default"]}',
        b'{"model": "default", "stream": "yes"}',
        b'\xff\xfe{"model": "default"}',
        b'{"model": "\xff"}',
        b'{"model": "\\ud800"}',
        b"[" * 100_000,
        b'{"model": "default", "messages": ' + b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:24]),
)
@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
async def test_a_body_that_is_no_request_is_a_400(
    stand: Stand, tongue: Tongue, body: bytes
) -> None:
    async with stand.send(tongue.path, body) as answer:
        assert answer.status == 400
        assert (await error_of(answer, tongue))["message"]
        assert answer.headers["x-agentbox-request-id"].startswith("req_")
    assert stand.records == []


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
async def test_a_body_that_says_to_be_over_the_limit_is_not_read(
    stand: Stand, tongue: Tongue
) -> None:
    async with stand.connected() as (reader, writer):
        writer.write(head(tongue.path, b"content-length: %d" % (BODY_LIMIT + 1)))
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"64 MiB" in await reader.readuntil(b"}")


async def test_a_chunked_body_over_the_limit_is_a_413(stand: Stand) -> None:
    async def body() -> AsyncIterator[bytes]:
        piece = b" " * MIB
        for _ in range(BODY_LIMIT // MIB + 1):
            yield piece

    async with stand.http.post(f"{stand.url}{MESSAGES.path}", data=body()) as answer:
        assert answer.status == 413
        assert (await error_of(answer, MESSAGES))["type"] == "request_too_large"


async def test_a_compressed_body_counts_by_its_real_size(stand: Stand) -> None:
    body = gzip.compress(bytes(BODY_LIMIT + MIB), 1)
    headers = {"content-encoding": "gzip"}
    async with stand.http.post(f"{stand.url}{CHAT.path}", data=body, headers=headers) as answer:
        assert answer.status == 413


async def test_a_compressed_body_is_understood(stand: Stand) -> None:
    body = gzip.compress(json.dumps({"model": "default", "messages": HELLO}).encode())
    headers = {"content-encoding": "gzip"}
    async with stand.http.post(f"{stand.url}{CHAT.path}", data=body, headers=headers) as answer:
        assert answer.status == 200
    [call] = stand.seen(CHAT.first)
    assert call.document["messages"] == HELLO
    assert "content-encoding" not in call.headers


async def test_a_body_that_breaks_its_own_rules_is_a_400_and_no_bug(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    async with stand.connected() as (reader, writer):
        writer.write(head(CHAT.path, b"content-encoding: gzip", b"content-length: 5") + b"hello")
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
    assert "a fault of ours" not in caplog.text


async def test_a_client_may_wait_to_be_told_to_continue(stand: Stand) -> None:
    body = json.dumps({"model": "default", "messages": HELLO}).encode()
    async with stand.connected() as (reader, writer):
        writer.write(head(CHAT.path, b"expect: 100-continue\r\ncontent-length: %d" % len(body)))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")


async def test_five_mib_pass_byte_for_byte_but_for_the_model(make_stand: MakeStand) -> None:
    text = "\N{SNOWMAN} \\u00e9 \\\\ " * 400_000
    messages = f'[{{"role": "user",  "content":"{text}"}}]'.encode()
    assert len(messages) > 5 * MIB
    body = b'{ "big":1.00e30, "model" : "default","messages":' + messages + b', "n":1.0 }'
    stand = await make_stand(chains={"default": ["openai/gpt-4.1"]})
    headers = {"content-type": "application/json"}
    url = f"{stand.url}{CHAT.path}"
    async with stand.http.post(url, data=io.BytesIO(body), headers=headers) as answer:
        assert answer.status == 200
    expected = body.replace(b'"default"', b'"gpt-4.1"', 1)
    [call] = stand.seen("openai/gpt-4.1")
    assert int(call.headers["content-length"]) == len(expected)
    assert call.body == expected[:KEPT_BODY]


async def test_unknown_fields_pass_as_they_were_written(stand: Stand) -> None:
    body = (
        b'{"model":"default","messages":[{"role":"user","content":"\\u0041\\/"}],'
        b'"seed":1.50,"x_new":{"b":[1e5,-0,null],"a":"\\ud83d\\ude00"},"n":1}'
    )
    async with stand.send(CHAT.path, body) as answer:
        assert answer.status == 200
    [call] = stand.seen(CHAT.first)
    assert call.body == body.replace(b'"default"', b'"gpt-4o"')


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_method_is_a_405(stand: Stand, tongue: Tongue, method: str) -> None:
    async with stand.http.request(method, f"{stand.url}{tongue.path}") as answer:
        assert answer.status == 405
        assert answer.headers["allow"] == "POST"
        assert tongue.path in (await error_of(answer, tongue))["message"]


async def test_pages_take_get_only(stand: Stand) -> None:
    async with stand.post("/v1/models") as answer:
        assert answer.status == 405
        assert answer.headers["allow"] == "GET, HEAD"
    async with stand.http.head(f"{stand.url}/health") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/ui", "/key/generate"])
async def test_anything_else_is_a_404_in_the_callers_protocol(stand: Stand, path: str) -> None:
    async with stand.post(path) as answer:
        assert answer.status == 404
        assert path in (await error_of(answer, CHAT))["message"]
    async with stand.post(path, {"anthropic-version": "2023-06-01"}) as answer:
        assert answer.status == 404
        assert (await error_of(answer, MESSAGES))["type"] == "not_found_error"


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
async def test_an_unknown_model_is_a_404_with_a_suggestion(stand: Stand, tongue: Tongue) -> None:
    async with stand.post(tongue.path, model="defualt", **tongue.body) as answer:
        assert answer.status == 404
        error = await error_of(answer, tongue)
        assert answer.headers["x-agentbox-request-id"]
    assert "did you mean 'default'?" in error["message"]
    assert "default, claude, answers, vectors" in error["message"]
    if tongue is not MESSAGES:
        assert error["code"] == "model_not_found"
    assert stand.records == []


async def test_a_deployment_of_a_chain_is_a_model_too(stand: Stand) -> None:
    async with stand.chat("gwdg_saia/llama-3.3-70b") as answer:
        assert answer.headers["x-agentbox-served-by"] == "gwdg_saia/llama-3.3-70b"
        assert answer.headers["x-agentbox-link"] == "1/1"


async def test_a_pattern_leads_to_an_alias(make_stand: MakeStand) -> None:
    stand = await make_stand(section={"model_patterns": {"claude-*": "claude"}})
    async with stand.messages("claude-9-future") as answer:
        assert answer.headers["x-agentbox-alias"] == "claude"


@pytest.mark.parametrize(("tongue", "alias"), [(EMBEDDINGS, "default"), (CHAT, "vectors")])
async def test_a_model_of_another_kind_is_a_400(stand: Stand, tongue: Tongue, alias: str) -> None:
    async with stand.post(tongue.path, model=alias, **tongue.body) as answer:
        assert answer.status == 400
        error = await error_of(answer, tongue)
    assert error["code"] == "wrong_model_kind"
    assert alias in error["message"]
    assert stand.records == []


async def test_a_query_does_not_change_the_endpoint(stand: Stand) -> None:
    async with stand.post("/v1/messages?beta=true", model="claude", **MESSAGES.body) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("path", ["/v1/models", "/models"])
async def test_the_aliases_are_listed_in_both_protocols(stand: Stand, path: str) -> None:
    async with stand.http.get(f"{stand.url}{path}") as answer:
        listed = [model["id"] for model in (await answer.json())["data"]]
    assert {"default", "claude", "answers", "vectors"} <= set(listed)
    headers = {"anthropic-version": "2023-06-01"}
    async with stand.http.get(f"{stand.url}{path}", headers=headers) as answer:
        assert (await answer.json())["first_id"] == "default"


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example:4000"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"x-forwarded-for": "127.0.0.1"}, 401),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
async def test_the_guard_refuses_in_the_callers_protocol(
    stand: Stand, tongue: Tongue, headers: dict[str, str], status: int
) -> None:
    async with stand.post(tongue.path, headers, model="default", **tongue.body) as answer:
        assert answer.status == status
        await error_of(answer, tongue)
        assert not any(name.lower().startswith("access-control") for name in answer.headers)
    assert stand.records == []


async def test_a_preflight_is_refused(stand: Stand) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    async with stand.http.options(f"{stand.url}{CHAT.path}", headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("path", ["/health", "/agentbox/status", "/v1/models"])
async def test_the_host_is_checked_everywhere(stand: Stand, path: str) -> None:
    async with stand.http.get(f"{stand.url}{path}", headers={"host": "evil.example"}) as answer:
        assert answer.status == 403


async def test_with_auth_key_only_health_needs_none(make_stand: MakeStand) -> None:
    stand = await make_stand(section={"auth": "key"})
    for path in ("/v1/models", "/agentbox/status"):
        async with stand.http.get(f"{stand.url}{path}") as answer:
            assert answer.status == 401
    for wrong in ({}, {"authorization": "Bearer not-needed"}, {"x-api-key": "no"}):
        for tongue in TONGUES:
            body = {"model": "default", **tongue.body}
            async with stand.post(tongue.path, wrong, **body) as answer:
                assert answer.status == 401
                assert (await error_of(answer, tongue))["type"] == "authentication_error"
    async with stand.http.get(f"{stand.url}/health") as answer:
        told = await answer.json()
        assert told == {"status": "ok", "instance": INSTANCE, "version": __version__}
    for right in KEYS:
        async with stand.post(CHAT.path, right, model="default", **CHAT.body) as answer:
            assert answer.status == 200


# It starts as we do and then gives its rights up: the interpreter may be readable for us only.
_STRANGER = """
import os, socket, sys
port, path, key = sys.argv[1:]
os.setgroups([]); os.setgid(1234); os.setuid(1234)
client = socket.socket()
client.connect(("127.0.0.1", int(port)))
lines = (f"GET {path} HTTP/1.1", "Host: localhost", f"X-Api-Key: {key}", "", "")
client.sendall("\\r\\n".join(lines).encode())
print(client.recv(4096).split()[1].decode())
"""


@as_root
async def test_another_user_of_this_machine_needs_the_key(stand: Stand) -> None:
    assert await ask_as_stranger(stand, "/v1/models", "not-needed") == "401"
    assert await ask_as_stranger(stand, "/v1/models", INSTALL_KEY) == "200"
    assert await ask_as_stranger(stand, "/health", "not-needed") == "200"


async def ask_as_stranger(stand: Stand, path: str, key: str) -> str:
    port = stand.url.rpartition(":")[2]
    argv = [sys.executable, "-c", _STRANGER, port, path, key]
    done = await asyncio.to_thread(
        subprocess.run, argv, capture_output=True, check=True, text=True, timeout=60
    )
    return str(done.stdout).strip()


async def test_a_connection_is_forgotten_with_its_end(stand: Stand) -> None:
    runner = stand.proxy._runner
    assert runner is not None
    server: Any = runner.server
    async with stand.connected(), stand.http.get(f"{stand.url}/health"):
        assert len(server._notes[0].same_user) == 2
    await stand.http.close()
    async with asyncio.timeout(10):
        while server._notes[0].same_user:  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_a_fault_of_ours_is_a_500_without_details(
    stand: Stand,
    tongue: Tongue,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("agentbox_cli.proxy.asking.read_ask", _breaks)
    async with stand.post(tongue.path, model="default", **tongue.body) as answer:
        assert answer.status == 500
        assert "secret" not in (await error_of(answer, tongue))["message"]
    assert "a fault of ours" in caplog.text


def _breaks(_: bytes) -> None:
    raise RuntimeError("a secret detail")
