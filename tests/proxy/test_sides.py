"""Completions, pictures, sound, moderations and ranks: by model, on the direct lane."""

import hashlib
import json

import pytest

from tests.fakes.clients import openai_sdk
from tests.fakes.scripted import END, Do, ScriptedProvider, begin_stream, chunk, whole
from tests.fakes.stand import Stand, eventually, key_of
from tests.proxy.conftest import MakeScripted, MakeStand

FIRST, SECOND = "openai/gpt-image-1", "twin/other-image"
PICTURE = (
    b'{"created":1,"data":[{"b64_json":"AAAA"}],"usage":{"input_tokens":7,"output_tokens":9}}'
)
SOUND = bytes(range(256)) * 300
NOT_FOUND = whole(b'{"error":{"message":"Not Found"}}', status=b"404 Not Found")
BROKEN = whole(b'{"error":{"message":"oh"}}', status=b"500 Oh")


def of_type(body: bytes, content_type: str, status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n"
    return head % (status, content_type.encode(), len(body)) + body


@pytest.fixture
def make(make_stand: MakeStand, make_scripted: MakeScripted) -> "Make":
    return Make(make_stand, make_scripted)


class Make:
    """Makes a proxy whose alias has two links, each a provider of the scripts given."""

    def __init__(self, make_stand: MakeStand, make_scripted: MakeScripted) -> None:
        self._stand, self._scripted = make_stand, make_scripted

    async def __call__(self, *firsts: bytes, second: bytes = NOT_FOUND, retries: int = 1) -> Stand:
        self.first = await self._scripted(*([each] for each in firsts))
        self.second = await self._scripted([second])
        bases = {"openai": f"{self.first.base}/v1", "twin": f"{self.second.base}/v1"}
        return await self._stand(
            chains={"default": (FIRST, SECOND)},
            bases=bases,
            section={"router": {"num_retries": retries}},
        )


def got(provider: ScriptedProvider) -> tuple[bytes, bytes]:
    head, _, body = provider.requests[-1].partition(b"\r\n\r\n")
    return head, body


async def test_pictures_are_made_by_model(make: Make) -> None:
    stand = await make(whole(PICTURE))
    async with openai_sdk(stand) as sdk:
        made = await sdk.images.generate(model="default", prompt="a cat", extra_body={"x": 1.0})
    assert made.data
    assert made.data[0].b64_json == "AAAA"
    head, body = got(make.first)
    assert head.startswith(b"POST /v1/images/generations HTTP/1.1")
    assert key_of("openai").encode() in head
    assert json.loads(body) == {"model": "gpt-image-1", "prompt": "a cat", "x": 1.0}
    await eventually(lambda: bool(stand.records))
    assert (stand.records[0].tokens.input, stand.records[0].tokens.output) == (7, 9)
    assert stand.records[0].story.endpoint.path == "/v1/images/generations"


async def test_a_form_goes_upstream_byte_for_byte_but_for_the_model(make: Make) -> None:
    stand = await make(whole(b'{"text":"hello","usage":{"type":"duration","seconds":1}}'))
    form = (
        b'--xYz\r\nContent-Disposition: form-data; name="model"\r\n\r\ndefault\r\n'
        b'--xYz\r\nContent-Disposition: form-data; name="file"; filename="model.wav"\r\n'
        b"Content-Type: audio/wav\r\n\r\n%b\r\n--xYz--\r\n"
    )
    sent = form % SOUND
    media = {"content-type": 'multipart/form-data; boundary="xYz"'}
    async with stand.send("/v1/audio/transcriptions", sent, **media) as answer:
        assert await answer.json() == {
            "text": "hello",
            "usage": {"type": "duration", "seconds": 1},
        }
        assert answer.headers["x-agentbox-served-by"] == FIRST
    head, body = got(make.first)
    expected = sent.replace(b"\r\ndefault\r\n", b"\r\ngpt-image-1\r\n", 1)
    assert hashlib.sha256(body).digest() == hashlib.sha256(expected).digest()
    assert b'content-type: multipart/form-data; boundary="xYz"' in head


async def test_the_sdk_transcribes(make: Make) -> None:
    stand = await make(whole(b'{"text":"hello"}'))
    async with openai_sdk(stand) as sdk:
        text = await sdk.audio.transcriptions.create(model="default", file=("a.wav", SOUND))
    assert text.text == "hello"
    assert got(make.first)[0].startswith(b"POST /v1/audio/transcriptions ")
    assert SOUND in got(make.first)[1]


async def test_text_that_is_no_json_passes(make: Make) -> None:
    stand = await make(of_type(b"1\n00:00 --> 00:01\nhi\n", "application/x-subrip"))
    async with openai_sdk(stand) as sdk:
        told = await sdk.audio.translations.create(
            model="default", file=("a.wav", b"R"), response_format="srt"
        )
    assert str(told).endswith("hi\n")


async def test_speech_flows(make: Make) -> None:
    flowing = begin_stream().replace(b"text/event-stream", b"audio/mpeg")
    stand = await make(flowing + chunk(SOUND) + chunk(SOUND) + END)
    async with openai_sdk(stand) as sdk:
        spoken = await sdk.audio.speech.create(model="default", voice="alloy", input="hi")
    assert spoken.content == SOUND + SOUND
    assert spoken.response.headers["content-type"] == "audio/mpeg"


async def test_speech_that_breaks_off_is_a_cut_connection_and_no_words_in_the_sound(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    flowing = begin_stream().replace(b"text/event-stream", b"audio/mpeg")
    provider = await make_scripted([flowing + chunk(SOUND), Do.RESET])
    stand = await make_stand(chains={"default": (FIRST,)}, bases={"openai": f"{provider.base}/v1"})
    body = b'{"model":"default","input":"hi"}'
    async with stand.connected() as (reader, writer):
        writer.write(
            b"POST /v1/audio/speech HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%b"
            % (len(body), body)
        )
        everything = await reader.read()
    assert everything.startswith(b"HTTP/1.1 200 ")
    assert not everything.endswith(END)
    assert b"error" not in everything


async def test_events_of_a_picture_pass_whole(make: Make) -> None:
    events = (
        b'event: image_generation.partial_image\ndata: {"b64_json":"AA"}\n\n'
        b'event: image_generation.completed\ndata: {"usage":{"input_tokens":3,"output_tokens":4}}'
        b"\n\n"
    )
    stand = await make(begin_stream() + chunk(events[:50]) + chunk(events[50:]) + END)
    asking = stand.post("/v1/images/generations", model="default", prompt="x", stream=True)
    async with asking as answer:
        assert await answer.read() == events
    await eventually(lambda: bool(stand.records))
    assert (stand.records[0].tokens.input, stand.records[0].tokens.output) == (3, 4)


@pytest.mark.parametrize("path", ["/v1/moderations", "/v1/rerank", "/v1/images/generations"])
async def test_a_provider_that_lacks_the_endpoint_is_passed_over_and_not_left_alone(
    make: Make, path: str
) -> None:
    stand = await make(NOT_FOUND, second=whole(b'{"id":"m","results":[]}'))
    for _ in range(2):
        async with stand.post(path, model="default", input="x") as answer:
            assert answer.status == 200
            assert answer.headers["x-agentbox-attempts"] == f"{FIRST}=unsupported"
    assert len(make.first.requests) == 2


async def test_a_picture_is_not_made_twice(make: Make) -> None:
    stand = await make(BROKEN, second=whole(PICTURE))
    async with stand.post("/v1/images/generations", model="default", prompt="x") as answer:
        assert answer.status == 500
    assert (len(make.first.requests), len(make.second.requests)) == (1, 0)
    async with stand.post("/v1/moderations", model="default", input="x") as answer:
        assert answer.status == 200
    assert len(make.second.requests) == 1


async def test_an_error_inside_a_200_is_no_answer(make: Make) -> None:
    stand = await make(
        whole(b'{"error":{"message":"oh","code":503}}'), second=whole(b'{"results":[]}')
    )
    async with stand.post("/v1/rerank", model="default", query="q", documents=["d"]) as answer:
        assert (answer.status, await answer.json()) == (200, {"results": []})


async def test_completions_are_answered_whole_and_streamed(make: Make) -> None:
    unary = (
        b'{"id":"c","object":"text_completion","created":1,"model":"m","choices":[{"index":0,'
        b'"text":"there","logprobs":null,"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}'
    )
    part = b'data: {"id":"c","object":"text_completion","created":1,"model":"m","choices":['
    events = (
        part + b'{"index":0,"text":"the","finish_reason":null}]}\n\n',
        part + b'{"index":0,"text":"re","finish_reason":"stop"}]}\n\n',
        part + b'],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n',
        b"data: [DONE]\n\n",
    )
    stream = begin_stream() + b"".join(map(chunk, events)) + END
    stand = await make(whole(unary), stream)
    async with openai_sdk(stand) as sdk:
        told = await sdk.completions.create(model="default", prompt="hi")
        assert told.choices[0].text == "there"
        parts = await sdk.completions.create(model="default", prompt="hi", stream=True)
        assert [each.choices[0].text async for each in parts] == ["the", "re"]
    head, body = got(make.first)
    assert head.startswith(b"POST /v1/completions ")
    assert json.loads(body)["stream_options"] == {"include_usage": True}
    await eventually(lambda: len(stand.records) == 2)
    assert [record.tokens.output for record in stand.records] == [2, 2]


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/images/edits"])
async def test_a_link_that_speaks_another_protocol_is_unfit(stand: Stand, path: str) -> None:
    async with stand.post(path, model="claude", prompt="x") as answer:
        assert answer.status == 400
        assert "skipped-unfit" in answer.headers["x-agentbox-attempts"]
        told = (await answer.json())["error"]["message"]
        assert "skipped-unfit (its provider has no such endpoint, and nothing stands in" in told


@pytest.mark.parametrize(
    ("body", "media", "why"),
    [
        (b"--x\r\n", "multipart/form-data; boundary=x", "'model' is missing"),
        (b"", "multipart/form-data", "not a form"),
        (b"{", "application/json", "not a JSON object"),
        (b'{"prompt":"x"}', "application/json", "'model' is missing"),
    ],
)
async def test_a_bad_body_is_told(stand: Stand, body: bytes, media: str, why: str) -> None:
    async with stand.send("/v1/images/edits", body, **{"content-type": media}) as answer:
        assert answer.status == 400
        assert why in (await answer.json())["error"]["message"]


NAMED = b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\ndefault\r\n'


@pytest.mark.parametrize(
    "head",
    [
        b'name="model"',
        b"name=model",
        b"name='model'",
        b'NAME = "Model"; x=y',
        b'name="model"; filename="m"',
        b"name*=utf-8''model",
        b"name*=utf-8''mo%64el",
        b'name="mo\\del"',
        b'x=y;\r\n name="model"',
    ],
)
async def test_no_second_field_can_name_another_model(make: Make, head: bytes) -> None:
    stand = await make(whole(b'{"text": "hi"}'))
    other = b"--x\r\ncontent-disposition: form-data; %b\r\n\r\ndear\r\n" % head
    media = {"content-type": "multipart/form-data; boundary=x"}
    for form in (other + NAMED, NAMED + other):
        async with stand.send("/v1/audio/transcriptions", form + b"--x--\r\n", **media) as answer:
            assert answer.status in {400, 404}
            assert "model" in (await answer.json())["error"]["message"]
    assert make.first.requests == []


@pytest.mark.parametrize(
    "head",
    [
        b'name="model_x"',
        b'name="my model"',
        b'name="file"; filename="model"',
        b'name="x"; y="model"',
    ],
)
async def test_other_fields_may_have_names_that_are_alike(make: Make, head: bytes) -> None:
    stand = await make(whole(b'{"text": "hi"}'))
    other = b"--x\r\ncontent-disposition: form-data; %b\r\n\r\ndear\r\n" % head
    media = {"content-type": "multipart/form-data; boundary=x"}
    form = other + NAMED + b"--x--\r\n"
    async with stand.send("/v1/audio/transcriptions", form, **media) as answer:
        assert answer.status == 200
    assert len(make.first.requests) == 1
