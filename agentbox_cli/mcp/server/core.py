"""The tools of the toolset `core`: ask models, and ask how the proxy is."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastmcp.server.context import Context
from fastmcp.tools.base import ToolResult
from pydantic import BaseModel, ConfigDict, Field

from agentbox_cli.errors import ConfigError, ProviderError
from agentbox_cli.mcp.calls.chat import Listening, Message, Question, ask, served_of
from agentbox_cli.mcp.calls.costs import Ledger
from agentbox_cli.mcp.calls.home import Home
from agentbox_cli.mcp.calls.proxy import Proxy
from agentbox_cli.mcp.following import followed
from agentbox_cli.mcp.server import documents
from agentbox_cli.mcp.server.shapes import Vectors, answer_of, served_words
from agentbox_cli.mcp.telling import result
from agentbox_cli.providers.model import ModelKind
from agentbox_cli.usage.by import By

Alias = Annotated[
    str, Field(min_length=1, description="An alias, or provider/model; list_models tells them.")
]
MaxTokens = Annotated[int, Field(ge=1, description="How long the answer may be, in tokens.")]
Temperature = Annotated[float, Field(ge=0, le=2, description="How free the answer may be.")]


class ChatMessage(BaseModel):
    """A turn of a conversation, in OpenAI's form."""

    model_config = ConfigDict(extra="allow", frozen=True)

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class CoreTools:
    """The tools; each is a method, and its docstring is what models read of it.

    Args:
        proxy: who is asked.
        ledger: knows what it costs.
    """

    proxy: Proxy
    ledger: Ledger

    async def complete(
        self,
        ctx: Context,
        *,
        prompt: Annotated[str, Field(min_length=1, description="What to ask.")],
        model: Alias = "default",
        max_tokens: MaxTokens = 4096,
        temperature: Temperature = 0.7,
        system: Annotated[str | None, Field(description="A system prompt.")] = None,
    ) -> ToolResult:
        """Ask another model one question, through the fallback chain of an alias.

        Tells the answer, which link gave it, and what it cost.
        """
        messages: list[Message] = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": prompt})
        question = Question(
            model=model, messages=messages, max_tokens=max_tokens, temperature=temperature
        )
        return await self._ask(ctx, question)

    async def chat(
        self,
        ctx: Context,
        *,
        messages: Annotated[list[ChatMessage], Field(min_length=1)],
        model: Alias = "default",
        max_tokens: MaxTokens = 4096,
        temperature: Temperature = 0.7,
    ) -> ToolResult:
        """Continue a conversation with another model; messages are in OpenAI's form."""
        told = [message.model_dump(exclude_unset=True) for message in messages]
        question = Question(
            model=model, messages=told, max_tokens=max_tokens, temperature=temperature
        )
        return await self._ask(ctx, question)

    async def embed(
        self,
        ctx: Context,
        *,
        texts: Annotated[list[str], Field(min_length=1, max_length=2048)],
        model: Annotated[
            str | None, Field(description="An alias of embedding models; else the first one.")
        ] = None,
    ) -> ToolResult:
        """Turn texts into vectors."""
        alias = await asyncio.to_thread(self._embedding_alias) if model is None else model
        return await followed(ctx, lambda: f"waiting for {alias}", self._embed(texts, alias))

    async def list_models(self) -> ToolResult:
        """List the aliases and their fallback chains."""
        return _told(await asyncio.to_thread(documents.models, self.proxy.home))

    async def status(self) -> ToolResult:
        """Tell how the proxy and each link are; starts nothing."""
        return _told(await asyncio.to_thread(documents.status, self.proxy.home))

    async def usage(
        self,
        since: Annotated[
            str, Field(description="From when on: 12h, 7d, today, week, month, 2026-11-01, all.")
        ] = "30d",
        by: Annotated[By, Field(description="What to group by.")] = By.ALIAS,
    ) -> ToolResult:
        """Tell what was used and what it cost."""
        return _told(await asyncio.to_thread(documents.usage, self.proxy.home, since, by))

    async def test_fallback(
        self,
        ctx: Context,
        *,
        alias: Annotated[
            str | None, Field(description="The alias to prove; all of the config by default.")
        ] = None,
    ) -> ToolResult:
        """Prove that chains fall back: the real proxy, every provider simulated, free."""
        drill = _Drill()
        try:
            work = asyncio.to_thread(documents.fallback, self.proxy.home, alias, drill.goes_on)
            return _told(await followed(ctx, drill.words, work))
        finally:
            drill.stop()

    async def _ask(self, ctx: Context, question: Question) -> ToolResult:
        heard = Listening(question.model)
        said = await followed(ctx, heard.words, ask(self.proxy, question, heard))
        spent = await self.ledger.spent(said.served.request_id)
        return result(answer_of(said, spent), said.text, served_words(said.served, spent))

    async def _embed(self, texts: list[str], alias: str) -> ToolResult:
        document = {"model": alias, "input": texts, "encoding_format": "float"}
        async with self.proxy.post("/v1/embeddings", document) as response:
            await response.aread()
            served, told = served_of(response, alias), response.json()
        vectors = [each["embedding"] for each in told["data"]]
        if len(vectors) != len(texts):
            raise ProviderError(
                f"{served.served_by} gave {len(vectors)} vectors for {len(texts)} texts"
            )
        spent = await self.ledger.spent(served.request_id)
        made = Vectors(
            vectors=vectors,
            dimensions=len(vectors[0]),
            model=served.alias,
            served_by=served.served_by,
            link=served.link,
            attempts=list(served.attempts),
            request_id=served.request_id,
            input_tokens=spent.input_tokens,
            cost_usd=spent.cost_usd,
        )
        words = f"{len(vectors)} vectors of {len(vectors[0])} numbers, in the structured content"
        return result(made, words, served_words(served, spent))

    def _embedding_alias(self) -> str:
        for alias in _embedding_aliases(self.proxy.home):
            return alias
        raise ConfigError(
            "no alias of the config has embedding models",
            hint="run: agentbox litellm models add embed openai/text-embedding-3-small",
        )


def _embedding_aliases(home: Home) -> Iterator[str]:
    if (hosted := home.hosted()) is not None:
        yield from hosted.embeds()
        return
    for chain in home.setup().resolved.chains.values():
        if chain.kind is ModelKind.EMBEDDING:
            yield chain.alias


class _Stopped(Exception):  # noqa: N818 - nobody sees it
    """Nobody waits for the drill any more."""


class _Drill:
    """How far a drill is, and how it is stopped: it asks between two checks."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._words = "reading the config"

    def goes_on(self, what: str, done: int, total: int) -> None:
        """Take how far it is; raises when nobody waits any more."""
        if self._stopped.is_set():
            raise _Stopped
        self._words = f"{what} ({done} of {total})"

    def words(self) -> str:
        """How far it is."""
        return self._words

    def stop(self) -> None:
        """Stop it at the next check."""
        self._stopped.set()


def _told(document: dict[str, Any]) -> ToolResult:
    return ToolResult(structured_content=document)
