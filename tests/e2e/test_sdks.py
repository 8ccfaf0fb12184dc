"""The official SDKs against the real daemon and the real LiteLLM, while the first link fails."""

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import anthropic
import openai
import pytest

from agentbox_cli.fallback.stage import Cast
from agentbox_cli.providers.resolved import Toggles
from agentbox_cli.proxy.drill import HEADER, SECRET_VARIABLE, drill_header
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Form, Wording, error_document
from tests.e2e.conftest import User, section

pytestmark = pytest.mark.e2e

HI = "hello there"
SECRET = "of-this-drill"
FAULTS = {
    "429": Fault(status=429, headers={"retry-after": "1"}),
    "500": Fault(status=500),
    "401": Fault(status=401),
    "hangs": Fault(kind=FaultKind.HANG),
    "says in a plain 400 that the prompt is too long": Fault(
        status=400, wording=Wording.VLLM_CONTEXT_WINDOW
    ),
    "closes without a byte": Fault(kind=FaultKind.CLOSE),
    "answers garbage": Fault(kind=FaultKind.GARBAGE),
    "errors inside a stream": Fault(kind=FaultKind.ERROR_EVENT),
    "ends a stream before its content": Fault(kind=FaultKind.EMPTY_STREAM),
    "422": Fault(status=422, wording=Wording.DETAIL),
    "413": Fault(status=413),
    "402": Fault(status=402),
    "403": Fault(status=403),
    "404": Fault(status=404),
    "529": Fault(status=529),
    "has no quota left": Fault(status=429, wording=Wording.QUOTA),
    "refuses by policy": Fault(status=400, wording=Wording.CONTENT_POLICY),
    "lacks a parameter": Fault(status=400, wording=Wording.UNSUPPORTED),
    "filters inside a 200": Fault(kind=FaultKind.ERROR_IN_200, body="FILTERED"),
}
# As the first link of each alias says it.
FILTERED = {
    "default": {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {}, "finish_reason": "content_filter"}],
    },
    "claude": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": "refusal",
    },
}
MODELS = {
    # OpenAI first: chat is direct, messages are translated for both links.
    "default": [
        {"provider": "openai", "model": "gpt-4o"},
        {"provider": "gwdg_saia", "model": "llama-3.3-70b"},
    ],
    # Anthropic first: messages are direct, chat and responses are translated.
    "claude": [
        {"provider": "anthropic", "model": "claude-sonnet-4-5"},
        {"provider": "openai", "model": "gpt-4o-mini"},
    ],
}
FIRST = {
    "default": ("openai", "openai/gpt-4o"),
    "claude": ("anthropic", "anthropic/claude-sonnet-4-5"),
}
SECOND = {"default": "gwdg_saia/llama-3.3-70b", "claude": "openai/gpt-4o-mini"}


@pytest.fixture(scope="module")
def url(user: User, cast: Cast) -> Iterator[str]:
    router = {"timeout": 3, "num_retries": 1, "retry_after_seconds": 0}
    user.writes(section(cast, MODELS, router=router))
    started = user.runs("litellm", "start", "--wait", "engine", **{SECRET_VARIABLE: SECRET})
    assert started.returncode == 0, started.stderr
    address = str(user.reads("litellm", "status")["url"])
    with anthropic.Anthropic(base_url=address, api_key="not-needed") as client:
        # LiteLLM's first streams are slow, and what is slow cannot be cut in the middle.
        for alias in ("default", "default"):
            with client.messages.stream(
                model=alias, max_tokens=64, messages=[{"role": "user", "content": HI}]
            ) as events:
                events.until_done()
    yield address
    assert user.runs("litellm", "stop").returncode == 0


@pytest.fixture(autouse=True)
def healthy(cast: Cast) -> Iterator[None]:
    yield
    for name in ("anthropic", "gwdg_saia", "openai"):
        cast[name].faults.clear()


def fresh_scope(toggles: Toggles | None = None) -> dict[str, str]:
    """The headers of a request with cooldowns and toggles of its own."""
    return {HEADER: drill_header(SECRET, secrets.token_hex(8), toggles or Toggles())}


@pytest.fixture
def scope() -> dict[str, str]:
    """Cooldowns of its own for each test: a refused key is remembered for ten minutes."""
    return fresh_scope()


@pytest.fixture
def chat(url: str, scope: dict[str, str]) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{url}/v1", api_key="not-needed", max_retries=0, default_headers=scope
    ) as client:
        yield client


@pytest.fixture
def claude(url: str, scope: dict[str, str]) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        base_url=url, api_key="not-needed", max_retries=0, default_headers=scope
    ) as client:
        yield client


def break_first(cast: Cast, alias: str, fault: Fault) -> None:
    provider, deployment = FIRST[alias]
    if fault.body is not None:
        fault = replace(fault, body=json.dumps(FILTERED[alias]))
    cast[provider].faults.put(deployment, fault)


def break_all(cast: Cast, fault: Fault) -> None:
    for name in ("anthropic", "gwdg_saia", "openai"):
        cast[name].faults.put(f"{name}/*", fault)


@pytest.mark.parametrize("alias", MODELS)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
def test_openai_chat_survives_a_first_link_that(
    chat: openai.OpenAI, cast: Cast, alias: str, fault: Fault, stream: bool
) -> None:
    break_first(cast, alias, fault)
    if stream:
        chunks = chat.chat.completions.create(
            model=alias, messages=[{"role": "user", "content": HI}], stream=True
        )
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    else:
        answer = chat.chat.completions.create(
            model=alias, messages=[{"role": "user", "content": HI}]
        )
        text = answer.choices[0].message.content or ""
    assert text == f"[{SECOND[alias]}] you said: {HI}"


@pytest.mark.parametrize("alias", MODELS)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
def test_anthropic_messages_survive_a_first_link_that(
    claude: anthropic.Anthropic, cast: Cast, alias: str, fault: Fault, stream: bool
) -> None:
    break_first(cast, alias, fault)
    asked = {"model": alias, "max_tokens": 64, "messages": [{"role": "user", "content": HI}]}
    if stream:
        with claude.messages.stream(**asked) as events:  # type: ignore[arg-type] # plain dicts will do
            text = "".join(events.text_stream)
    else:
        text = claude.messages.create(**asked).content[0].text  # type: ignore[call-overload] # as above
    assert text == f"[{SECOND[alias]}] you said: {HI}"


@pytest.mark.parametrize("alias", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
def test_openai_responses_survive_a_failing_first_link(
    chat: openai.OpenAI, cast: Cast, alias: str, stream: bool
) -> None:
    break_first(cast, alias, FAULTS["429"])
    if stream:
        events = list(chat.responses.create(model=alias, input=HI, stream=True))
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        assert events[-1].type == "response.completed"
    else:
        text = chat.responses.create(model=alias, input=HI).output_text
    assert text == f"[{SECOND[alias]}] you said: {HI}"


@pytest.mark.parametrize("alias", MODELS)
def test_a_refused_connection_moves_on(
    chat: openai.OpenAI, claude: anthropic.Anthropic, cast: Cast, alias: str
) -> None:
    provider, _ = FIRST[alias]
    cast.leave(provider)
    try:
        answer = chat.chat.completions.create(
            model=alias, messages=[{"role": "user", "content": HI}]
        )
        message = claude.messages.create(
            model=alias, max_tokens=64, messages=[{"role": "user", "content": HI}]
        )
    finally:
        cast.come_back(provider)
    assert answer.choices[0].message.content == f"[{SECOND[alias]}] you said: {HI}"
    assert message.content[0].text == f"[{SECOND[alias]}] you said: {HI}"  # type: ignore[union-attr] # it is text


def ends_broken(ask: Callable[[], str], alias: str, broken: type[Exception]) -> bool:
    """Whether a stream that is cut raises; on a busy machine it may be cut before its content
    has gone out, is then survived unseen, and is asked for again."""
    for _ in range(8):
        try:
            text = ask()
        except broken:
            return True
        assert text == f"[{SECOND[alias]}] you said: {HI}", "half an answer passed for a whole one"
    return False


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.CLEAN_CUT])
@pytest.mark.parametrize("alias", MODELS)
def test_a_stream_that_is_cut_after_content_is_never_taken_for_complete(
    chat: openai.OpenAI, claude: anthropic.Anthropic, cast: Cast, alias: str, kind: FaultKind
) -> None:
    break_first(cast, alias, Fault(kind=kind, after_events=6, delay_s=0.2))

    def by_chat() -> str:
        chunks = chat.chat.completions.create(
            model=alias, messages=[{"role": "user", "content": HI}], stream=True
        )
        return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)

    def by_messages() -> str:
        with claude.messages.stream(
            model=alias, max_tokens=64, messages=[{"role": "user", "content": HI}]
        ) as events:
            return "".join(events.text_stream)

    assert ends_broken(by_chat, alias, openai.APIError)
    assert ends_broken(by_messages, alias, anthropic.APIStatusError)


def test_the_true_status_and_retry_after_of_a_translated_call_reach_the_client(
    claude: anthropic.Anthropic, cast: Cast
) -> None:
    cast["openai"].faults.put("openai/gpt-4o", Fault(status=429, headers={"retry-after": "37"}))
    cast["gwdg_saia"].faults.put("gwdg_saia/llama-3.3-70b", Fault(status=503))
    with pytest.raises(anthropic.RateLimitError) as caught:
        claude.messages.create(
            model="default", max_tokens=8, messages=[{"role": "user", "content": HI}]
        )
    assert caught.value.status_code == 429
    assert 0 < int(caught.value.response.headers["retry-after"]) <= 37
    assert "openai/gpt-4o" in caught.value.message
    assert_speaks_for_itself(caught.value.message)


def assert_speaks_for_itself(message: str) -> None:
    """None of LiteLLM's own wording is in it; our command of that name may be."""
    assert "litellm" not in message.replace("agentbox litellm explain", "").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """What every link does, and what each SDK is told."""

    fault: Fault
    raised: str
    chat: int
    messages: int


DOWN = {
    "rate limited": Down(
        fault=Fault(status=429, headers={"retry-after": "37"}),
        raised="RateLimitError",
        chat=429,
        messages=429,
    ),
    "down": Down(fault=Fault(status=500), raised="InternalServerError", chat=503, messages=529),
    "without a key that is taken": Down(
        fault=Fault(status=401), raised="AuthenticationError", chat=401, messages=401
    ),
    "too small": Down(
        fault=Fault(status=400, wording=Wording.CONTEXT_WINDOW),
        raised="BadRequestError",
        chat=400,
        messages=400,
    ),
}


@pytest.mark.parametrize("alias", MODELS)
@pytest.mark.parametrize("down", DOWN.values(), ids=DOWN.keys())
def test_when_all_links_are(
    chat: openai.OpenAI, claude: anthropic.Anthropic, cast: Cast, alias: str, down: Down
) -> None:
    break_all(cast, down.fault)
    with pytest.raises(openai.APIStatusError) as by_chat:
        chat.chat.completions.create(model=alias, messages=[{"role": "user", "content": HI}])
    assert isinstance(by_chat.value, getattr(openai, down.raised))
    assert by_chat.value.status_code == down.chat
    with pytest.raises(anthropic.APIStatusError) as by_messages:
        claude.messages.create(
            model=alias,
            max_tokens=8,
            messages=[{"role": "user", "content": HI}],
            extra_headers=fresh_scope(),  # what chat has found out does not count here
        )
    assert isinstance(by_messages.value, getattr(anthropic, down.raised))
    assert by_messages.value.status_code == down.messages
    for message in (by_chat.value.message, by_messages.value.message):
        assert_speaks_for_itself(message)
        if down.fault.status in {429, 500}:
            assert FIRST[alias][1] in message
            assert SECOND[alias] in message


@pytest.mark.parametrize("alias", MODELS)
def test_with_its_toggle_off_a_links_own_error_reaches_both_sdks(
    url: str, cast: Cast, alias: str
) -> None:
    scope = fresh_scope(Toggles(on_rate_limit=False))
    fault = Fault(status=429, headers={"retry-after": "7"})
    break_first(cast, alias, fault)
    asked = [{"role": "user", "content": HI}]
    with (
        openai.OpenAI(
            base_url=f"{url}/v1", api_key="not-needed", max_retries=0, default_headers=scope
        ) as chat,
        pytest.raises(openai.RateLimitError) as by_chat,
    ):
        chat.chat.completions.create(model=alias, messages=asked)  # type: ignore[arg-type] # plain dicts will do
    with (
        anthropic.Anthropic(
            base_url=url, api_key="not-needed", max_retries=0, default_headers=scope
        ) as claude,
        pytest.raises(anthropic.RateLimitError) as by_messages,
    ):
        claude.messages.create(model=alias, max_tokens=8, messages=asked)  # type: ignore[arg-type] # as above
    # Where the link speaks the SDK's own protocol not a byte of it is changed.
    own = error_document(form=Form.ANTHROPIC if alias == "claude" else Form.OPENAI, status=429)
    body = by_messages.value.body if alias == "claude" else {"error": by_chat.value.body}
    assert body == own
    for error in (by_chat.value, by_messages.value):
        assert error.response.headers["x-agentbox-attempts"] == f"{FIRST[alias][1]}=rate_limit"


def test_tools_pass_through_the_translation(chat: openai.OpenAI) -> None:
    tool = {
        "type": "function",
        "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
    }
    answer = chat.chat.completions.create(
        model="claude",
        messages=[{"role": "user", "content": "please call the tool"}],
        tools=[tool],  # type: ignore[list-item] # a plain dict will do
    )
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].function.name == "look"  # type: ignore[union-attr] # it is a function


def google(url: str, scope: dict[str, str], *, stream: bool, **body: Any) -> bytes:
    """What comes of a request in Google's protocol, which Anthropic gets through LiteLLM."""
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    request = urllib.request.Request(  # noqa: S310 - the address is the daemon's
        f"{url}/v1beta/models/claude:{verb}",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json", **scope},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            said: bytes = answer.read()
    except urllib.error.HTTPError as error:
        return error.read()
    return said


@pytest.mark.parametrize("stream", [False, True])
def test_googles_protocol_reaches_anthropic_with_every_call_and_every_count(
    url: str, cast: Cast, scope: dict[str, str], stream: bool
) -> None:
    calls = [{"functionCall": {"name": "look", "args": {"path": name}}} for name in "xy"]
    results = [
        {"functionResponse": {"name": "look", "response": {"output": f"it says {name}"}}}
        for name in "xy"
    ]
    said = google(
        url,
        scope,
        stream=stream,
        contents=[
            {"role": "user", "parts": [{"text": HI}]},
            {"role": "model", "parts": calls},
            {"role": "user", "parts": results},
        ],
        tools=[{"functionDeclarations": [{"name": "look", "parameters": {"type": "OBJECT"}}]}],
    )
    last = json.loads(said.rpartition(b"data: ")[2])
    assert b"[anthropic/claude-sonnet-4-5]" in said
    # What the first tool said got there, too: by one id for both only one would have.
    assert said.count(b"says") == 2
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert last["usageMetadata"]["candidatesTokenCount"] > 0


def test_googles_protocol_is_told_when_anthropic_stops_in_the_middle(
    url: str, cast: Cast, scope: dict[str, str]
) -> None:
    fault = Fault(kind=FaultKind.CLEAN_CUT, after_events=5, delay_s=0.05)
    cast["anthropic"].faults.put("anthropic/claude-sonnet-4-5", fault)
    turn = {"role": "user", "parts": [{"text": "a prompt of quite a few words to be said again"}]}
    said = google(url, scope, stream=True, contents=[turn])
    assert b"finishReason" not in said
    assert json.loads(said.split(b"\n\n")[-2])["error"]["status"] == "UNAVAILABLE"
