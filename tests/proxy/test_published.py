"""Answers that pass unread still have their published shapes, on every endpoint that has such."""

import json
from typing import Any

import aiohttp
import pytest

from agentbox_cli.proxy.endpoints import BY_PATH, COMPLETIONS, COUNT_TOKENS, SERVED
from agentbox_cli.proxy.resources import thing_at
from tests.fakes.published import PUBLISHED, Published
from tests.fakes.scripted import END, begin_stream, chunk, whole
from tests.fakes.shapes import faults
from tests.fakes.stand import Stand
from tests.proxy.conftest import MakeScripted, MakeStand

# Their answers are read, and have their shapes in tests/e2e/test_conformance.py.
READ = {*BY_PATH, COMPLETIONS.path, COUNT_TOKENS.path}
SOUND = {"/v1/audio/speech"}  # has no shape
KINDS = {
    "files",
    "batches",
    "uploads",
    "containers",
    "conversations",
    "vector_stores",
    "messages/batches",
}
CASES = [
    pytest.param(each, id=f"{each.name}{' anthropic' if each.anthropic else ''} {n}")
    for n, each in enumerate(PUBLISHED)
]


def test_every_endpoint_is_among_them() -> None:
    assert {each.path for each in PUBLISHED if each.path in SERVED} == {*SERVED} - READ - SOUND
    things = [thing_at(each.path, {}) for each in PUBLISHED if each.path not in SERVED]
    known = {thing.endpoint.name for thing in things if thing is not None}
    assert known == {"responses", *KINDS}
    assert None not in things


@pytest.mark.parametrize("each", CASES)
async def test_it_passes_in_its_published_shape(
    each: Published, make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    sent = _bytes(each)
    events = [sent] if not each.streams else [part + b"\n\n" for part in sent.split(b"\n\n")[:-1]]
    flowing = begin_stream() + b"".join(map(chunk, events)) + END
    provider = await make_scripted([flowing if each.streams else whole(sent)])
    link = "anthropic/claude-sonnet-4-5" if each.anthropic else "openai/gpt-4.1"
    bases = {"openai": f"{provider.base}/v1", "anthropic": provider.base}
    stand = await make_stand(chains={"default": (link,)}, bases=bases)
    told = await _asked(stand, each)
    assert told == sent
    for body in _bodies(each, told):
        assert faults(each.shape, body) == []
    path = f"{each.method} {each.path} ".encode()
    assert [request.startswith(path) for request in provider.requests] == [True]


@pytest.mark.parametrize("each", CASES)
def test_the_check_sees_what_is_missing_or_added(each: Published) -> None:
    for body in _bodies(each, _bytes(each)):
        told = json.loads(body)
        assert faults(each.shape, json.dumps(told | {"extra": 1}).encode()) != []
        told.pop(next(iter(told)))
        assert faults(each.shape, json.dumps(told).encode()) != []


async def _asked(stand: Stand, each: Published) -> bytes:
    fields: dict[str, Any] = {"model": "default", "stream": each.streams, "input": "x"}
    headers = {"anthropic-version": "2023-06-01"} if each.anthropic else {}
    more: dict[str, Any] = {"json": fields}
    if each.form:
        form = aiohttp.FormData({"model": "default"})
        form.add_field("file", b"RIFF", filename="a.wav")
        more = {"data": form}
    if each.method != "POST":
        more = {}
    url = f"{stand.url}{each.path}"
    async with stand.http.request(each.method, url, headers=headers, **more) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read()


def _bytes(each: Published) -> bytes:
    if not each.streams:
        return json.dumps(each.told).encode()
    parts = ((told["type"], json.dumps(told)) for told in each.told)
    return b"".join(f"event: {kind}\ndata: {data}\n\n".encode() for kind, data in parts)


def _bodies(each: Published, sent: bytes) -> list[bytes]:
    if not each.streams:
        return [sent]
    return [line[6:] for line in sent.splitlines() if line.startswith(b"data: ")]
