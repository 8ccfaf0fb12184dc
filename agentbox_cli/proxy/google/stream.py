"""A chat's stream in Google's words, event by event."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agentbox_cli.proxy.answers import OpenStream, Spent
from agentbox_cli.proxy.google.answer import called, ended, named, spoken, usage_of
from agentbox_cli.proxy.google.told import Told, object_in, objects_in
from agentbox_cli.proxy.jsontext import decode
from agentbox_cli.proxy.sse import EventSplitter, data_of
from agentbox_cli.proxy.stream import EVENT_STREAM, StreamReader

_chunks = msgspec.json.Decoder(Told)
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Choice:
    """One of the answers: its calls of tools so far, by number, and why it ended."""

    calls: dict[int, Told] = field(default_factory=dict)
    reason: Any = None

    def take(self, delta: Told) -> None:
        """Add the pieces of calls."""
        for place, piece in enumerate(objects_in(delta, "tool_calls")):
            number = piece.get("index")
            call = self.calls.setdefault(number if isinstance(number, int) else place, {})
            function = call.setdefault("function", {"name": "", "arguments": ""})
            if piece.get("id"):
                call["id"] = piece["id"]
            for name in ("name", "arguments"):
                said = object_in(piece, "function").get(name)
                function[name] += said if isinstance(said, str) else ""


@dataclass(slots=True, kw_only=True)
class Translator:
    """Translates a chat's stream while it passes.

    Text goes on at once. Calls of tools are whole at Google, so they come with the end; that is
    told when the provider's stream is complete, with what it has cost.

    Args:
        thoughts: whether the client wants to see what the model thinks.
    """

    thoughts: bool
    _splitter: EventSplitter = field(default_factory=EventSplitter)
    _choices: dict[int, _Choice] = field(default_factory=dict)
    _named: Told = field(default_factory=dict)

    def take(self, events: bytes) -> bytes:
        """The events that a client gets of these."""
        return b"".join(part for each in self._splitter.feed(events) for part in self._of(each))

    def end(self, spent: Spent) -> bytes:
        """The last event: why each answer ended, and what all have cost."""
        last = [
            ended(index, (), map(called, choice.calls.values()), choice.reason)
            for index, choice in sorted(self._choices.items())
        ]
        return self._event(last, usage_of(spent))

    def _of(self, event: bytes) -> Iterator[bytes]:
        told = decode(_chunks, data_of(event))
        if told is None:
            return
        self._named = self._named or named(told)
        for choice in objects_in(told, "choices"):
            number = choice.get("index")
            index = number if isinstance(number, int) else 0
            known = self._choices.setdefault(index, _Choice())
            known.reason = choice.get("finish_reason") or known.reason
            delta = object_in(choice, "delta")
            known.take(delta)
            if parts := [*spoken(delta, thoughts=self.thoughts)]:
                content = {"role": "model", "parts": parts}
                yield self._event([{"content": content, "index": index}], {})

    def _event(self, candidates: list[Told], more: Told) -> bytes:
        return b"data: %b\n\n" % _encode({"candidates": candidates, **more, **self._named})


@dataclass(slots=True, kw_only=True)
class GoogleStream:
    """A chat's stream as the client of Google's protocol gets it."""

    inner: OpenStream
    translator: Translator
    _first: bytes | None = None

    @property
    def status(self) -> int:
        """The status for the client."""
        return self.inner.status

    @property
    def headers(self) -> dict[str, str]:
        """The headers for the client."""
        return {**self.inner.headers, "content-type": EVENT_STREAM}

    @property
    def first(self) -> bytes:
        """Everything up to and with the first content; calls of tools come later."""
        if self._first is None:  # it passes the translator once
            self._first = self.translator.take(self.inner.first)
        return self._first

    @property
    def reader(self) -> StreamReader:
        """What was seen of the chat's stream."""
        return self.inner.reader

    @property
    def response_id(self) -> str | None:
        """The provider's id of it."""
        return self.inner.response_id

    @property
    def spent(self) -> Spent:
        """What it has reported so far."""
        return self.inner.spent

    async def rest(self) -> AsyncIterator[bytes]:
        """The whole events that follow; raises AttemptFailed when the stream breaks."""
        async for events in self.inner.rest():
            if translated := self.translator.take(events):
                yield translated
        yield self.translator.end(self.inner.spent)

    def close(self) -> None:
        """End the call."""
        self.inner.close()
