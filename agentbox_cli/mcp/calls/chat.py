"""One question to a model, asked as a stream, so that it can be followed and left."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from agentbox_cli.errors import ProviderError
from agentbox_cli.mcp.calls.proxy import Proxy

PATH = "/v1/chat/completions"

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked.

    Args:
        model: an alias, or provider/model.
        messages: the conversation, in OpenAI's form.
        max_tokens: how long the answer may be; None leaves it to the model.
        temperature: how free it may be; None leaves it to the model.
    """

    model: str
    messages: Sequence[Message]
    max_tokens: int | None = None
    temperature: float | None = None

    def body(self) -> dict[str, Any]:
        """The request to the proxy."""
        told: dict[str, Any] = {
            "model": self.model,
            "messages": list(self.messages),
            "stream": True,
        }
        if self.max_tokens is not None:
            told["max_tokens"] = self.max_tokens
        if self.temperature is not None:
            told["temperature"] = self.temperature
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Who served a request, by the proxy's own headers.

    Args:
        alias: whose chain it went down.
        served_by: the link that answered, as provider/model.
        link: its place in the chain, such as `2/2`.
        attempts: the links before it and why they did not answer; empty if the first one did.
        request_id: its name for `agentbox litellm explain`.
    """

    alias: str
    served_by: str
    link: str
    attempts: tuple[str, ...]
    request_id: str

    @property
    def fell_back(self) -> bool:
        """Whether another link than the first one answered."""
        return bool(self.attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer and who gave it; `finish_reason` as the model told it."""

    text: str
    finish_reason: str | None
    served: Served


@dataclass(slots=True)
class Listening:
    """How far an answer has come: what somebody who waits is told.

    Args:
        model: what was asked.
    """

    model: str
    served_by: str | None = None
    _pieces: list[str] = field(default_factory=list)
    _characters: int = 0

    def hears(self, piece: str) -> None:
        """Take the next piece of the answer."""
        self._pieces.append(piece)
        self._characters += len(piece)

    @property
    def text(self) -> str:
        """All that was said so far."""
        return "".join(self._pieces)

    def words(self) -> str:
        """How far it is, for people."""
        if self.served_by is None:
            return f"waiting for {self.model}"
        return f"{self.served_by} answers: {self._characters:,} characters"


async def ask(proxy: Proxy, question: Question, heard: Listening) -> Said:
    """Ask, and wait for the whole answer.

    Args:
        proxy: who is asked.
        question: what is asked.
        heard: takes the answer as it comes.

    Raises:
        ProxyError: the proxy cannot be reached, or went away.
        ConfigError: there is no config, or no such model.
        ProviderError: no link answered, or the answer was cut.
    """
    finish = None
    async with proxy.post(PATH, question.body()) as response:
        served = served_of(response, question.model)
        heard.served_by = served.served_by
        async for line in response.aiter_lines():
            finish = _hear(line, heard) or finish
    return Said(text=heard.text, finish_reason=finish, served=served)


def served_of(response: httpx2.Response, model: str) -> Served:
    """Who served a request."""
    told = response.headers.get
    return Served(
        alias=told("x-agentbox-alias", model),
        served_by=told("x-agentbox-served-by", "?"),
        link=told("x-agentbox-link", "?"),
        attempts=tuple(part for part in told("x-agentbox-attempts", "").split(",") if part),
        request_id=told("x-agentbox-request-id", "?"),
    )


def _hear(line: str, heard: Listening) -> str | None:
    """Take a line of the stream; gives the reason for the end where it is told."""
    data = line.removeprefix("data:").strip()
    if not line.startswith("data:") or data == "[DONE]":
        return None
    event = json.loads(data)
    if "error" in event:
        raise ProviderError(
            f"the answer of {heard.served_by} was cut: {_message(event['error'])}",
            hint="ask again; another link may answer",
        )
    return _take(event.get("choices") or (), heard)


def _take(choices: Iterable[dict[str, Any]], heard: Listening) -> str | None:
    finish = None
    for choice in choices:
        piece = (choice.get("delta") or {}).get("content")
        if piece:
            heard.hears(piece)
        finish = choice.get("finish_reason") or finish
    return finish


def _message(error: Any) -> str:
    return str(error.get("message")) if isinstance(error, dict) else "it broke"
