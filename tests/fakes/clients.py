"""The real SDKs, each asking the proxy in its own protocol as an agent would."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI, AsyncStream

from tests.fakes.stand import HELLO, Stand

# Sends one request through an SDK and gives the text of the answer.
Sdk = Callable[[Stand, bool], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """A protocol and how it is spoken.

    Args:
        name: for test ids.
        path: the endpoint.
        chain: its links' deployments; all of them speak it themselves.
        body: the smallest request, without a model.
        sdk: asks the alias `default` through the SDK.
        total: the status when no link answers and none is rate limited.
    """

    name: str
    path: str
    chain: tuple[str, str]
    body: Mapping[str, Any]
    sdk: Sdk
    total: int = 503

    @property
    def first(self) -> str:
        return self.chain[0]

    @property
    def second(self) -> str:
        return self.chain[1]

    def post(self, stand: Stand, **fields: Any) -> Any:
        return stand.post(self.path, model="default", **{**self.body, **fields})


async def ask_chat(stand: Stand, stream: bool) -> str:
    async with openai_sdk(stand) as sdk:
        if not stream:
            whole = await sdk.chat.completions.create(model="default", messages=HELLO)  # type: ignore[arg-type]  # plain dicts are fine
            return whole.choices[0].message.content or ""
        events = await sdk.chat.completions.create(model="default", messages=HELLO, stream=True)  # type: ignore[arg-type]  # plain dicts are fine
        assert isinstance(events, AsyncStream)
        chunks = [chunk async for chunk in events]
        assert chunks[-1].choices[0].finish_reason == "stop"
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


async def ask_messages(stand: Stand, stream: bool) -> str:
    async with anthropic_sdk(stand) as sdk:
        if not stream:
            whole = await sdk.messages.create(model="default", max_tokens=9, messages=HELLO)  # type: ignore[arg-type]  # plain dicts are fine
            return whole.content[0].text  # type: ignore[union-attr]  # it is text
        async with sdk.messages.stream(model="default", max_tokens=9, messages=HELLO) as events:  # type: ignore[arg-type]  # plain dicts are fine
            final = await events.get_final_message()
        assert final.stop_reason == "end_turn"
        return final.content[0].text  # type: ignore[union-attr]  # it is text


async def ask_responses(stand: Stand, stream: bool) -> str:
    async with openai_sdk(stand) as sdk:
        if not stream:
            return (await sdk.responses.create(model="default", input="hi there")).output_text
        async with sdk.responses.stream(model="default", input="hi there") as events:
            async for _ in events:
                pass
            return (await events.get_final_response()).output_text


async def ask_embeddings(stand: Stand, stream: bool) -> str:
    async with openai_sdk(stand) as sdk:
        vectors = await sdk.embeddings.create(model="default", input="hi there")
        assert len(vectors.data[0].embedding) > 1
        return vectors.model


def openai_sdk(stand: Stand) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{stand.url}/v1", api_key="not-needed", max_retries=0)


def anthropic_sdk(stand: Stand) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=stand.url, api_key="not-needed", max_retries=0)


CHAT = Tongue(
    name="chat",
    path="/v1/chat/completions",
    chain=("openai/gpt-4o", "gwdg_saia/llama-3.3-70b"),
    body={"messages": HELLO},
    sdk=ask_chat,
)
MESSAGES = Tongue(
    name="messages",
    path="/v1/messages",
    chain=("anthropic/claude-sonnet-4-5", "copy/claude"),
    body={"messages": HELLO, "max_tokens": 9},
    sdk=ask_messages,
    total=529,
)
RESPONSES = Tongue(
    name="responses",
    path="/v1/responses",
    chain=("openai/gpt-4.1", "simulated/echo"),
    body={"input": "hi there"},
    sdk=ask_responses,
)
EMBEDDINGS = Tongue(
    name="embeddings",
    path="/v1/embeddings",
    chain=("openai/text-embedding-3-small", "twin/text-embedding-3-small"),
    body={"input": "hi there"},
    sdk=ask_embeddings,
)
STREAMING = (CHAT, MESSAGES, RESPONSES)
TONGUES = (*STREAMING, EMBEDDINGS)
