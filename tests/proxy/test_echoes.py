"""A provider may repeat our key when it refuses a call; nobody gets to see it."""

import json
from typing import Any

import pytest

from tests.fakes import stand as stands
from tests.fakes.scripted import END, Do, begin_stream, chunk, whole
from tests.fakes.stand import HELLO, Stand, eventually
from tests.proxy.conftest import MakeScripted, MakeStand

# Of no known shape, as those of many providers are.
KEY = "plain/KeyOfNoShape42xyz"
FORMS = (KEY, KEY.replace("/", "\\/"))


def told(form: str = KEY) -> bytes:
    error = {"message": f"no such key: {KEY}", "type": KEY, "code": KEY}
    return json.dumps({"error": error}).replace(KEY, form).encode()


BEGUN = json.dumps({"choices": [{"index": 0, "delta": {"content": "hi"}}]}).encode()
ANSWERS = {
    "a refusal": whole(told(), status=b"401 X"),
    "a refusal with a slash that is escaped": whole(told(FORMS[1]), status=b"401 X"),
    "a bad request": whole(told(), b"x-request-id: " + KEY.encode(), status=b"400 X"),
    "an error in a 200": whole(told()),
    "a page": whole(b"<html><title>" + KEY.encode() + b"</title>", status=b"403 X"),
    "text": whole(KEY.encode(), status=b"429 X"),
}
STREAMS = {
    "an error instead of a stream": begin_stream() + chunk(b"data: %b\n\n" % told()) + END,
    "an error in a stream": begin_stream()
    + chunk(b"data: %b\n\n" % BEGUN)
    + chunk(b"data: %b\n\n" % told())
    + END,
}


@pytest.fixture(autouse=True)
def _key_of_no_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stands, "key_of", lambda _: KEY)


async def standing(make_stand: MakeStand, make_scripted: MakeScripted, answer: bytes) -> Stand:
    provider = await make_scripted([answer, Do.CLOSE])
    base = f"{provider.base}/v1"
    section = {"router": {"num_retries": 0}}
    chains = {"default": ("openai/gpt-4o",), "sounds": ("openai/whisper-1",)}
    return await make_stand(chains=chains, bases={"openai": base}, section=section)


async def seen_of(stand: Stand, **call: Any) -> str:
    """All that a caller can find out: the answer, and every page that tells of it."""
    await eventually(lambda: stand.in_flight() == 0)
    method, path = call.pop("method", "POST"), call.pop("path", "/v1/chat/completions")
    seen = []
    async with stand.http.request(method, stand.url + path, **call) as answer:
        seen += [str(answer.headers), await answer.text()]
        name = answer.headers["x-agentbox-request-id"] if method == "POST" else ""
    for page in ("status", "live", "limits", "requests", f"requests/{name}"):
        async with stand.http.get(f"{stand.url}/agentbox/{page}") as answer:
            seen.append(await answer.text())
    return "\n".join(seen)


def assert_no_key(seen: str) -> None:
    assert "[redacted]" in seen
    assert not [form for form in FORMS if form in seen]
    assert "KeyOfNoShape" not in seen


@pytest.mark.parametrize("case", ANSWERS)
async def test_a_key_in_an_error_is_taken_out(
    make_stand: MakeStand, make_scripted: MakeScripted, case: str
) -> None:
    stand = await standing(make_stand, make_scripted, ANSWERS[case])
    body = {"model": "default", "messages": HELLO}
    assert_no_key(await seen_of(stand, json=body))


@pytest.mark.parametrize("case", STREAMS)
async def test_a_key_in_a_stream_is_taken_out(
    make_stand: MakeStand, make_scripted: MakeScripted, case: str
) -> None:
    stand = await standing(make_stand, make_scripted, STREAMS[case])
    body = {"model": "default", "messages": HELLO, "stream": True}
    assert_no_key(await seen_of(stand, json=body))


@pytest.mark.parametrize("path", ["/v1/files", "/v1/images/generations"])
async def test_a_key_in_an_error_of_another_path_is_taken_out(
    make_stand: MakeStand, make_scripted: MakeScripted, path: str
) -> None:
    stand = await standing(make_stand, make_scripted, ANSWERS["a refusal"])
    if path == "/v1/files":
        assert_no_key(await seen_of(stand, method="GET", path=path))
    else:
        assert_no_key(await seen_of(stand, path=path, json={"model": "default", "prompt": "x"}))
