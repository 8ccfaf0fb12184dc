"""The bodies of unary answers, as far as it is of interest whether they answer at all.

A field that is not looked into may be anything: an unknown shape of it must not make an answer
look like none.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from agentbox_cli.providers.model import Protocol
from agentbox_cli.proxy.finish import broke_off, declined


class Body(msgspec.Struct, gc=False):
    """What every protocol has; its payload is a field of its own."""

    id: Any = None
    type: Any = None
    status: Any = None
    usage: Any = None
    service_tier: Any = None
    error: Any = None
    object: Any = None
    message: Any = None
    code: Any = None

    def lacks(self) -> str | None:
        """Name what is missing of a payload; None if nothing is."""
        raise NotImplementedError

    def stopped(self) -> Any:
        """Tell why it stopped, if nothing was said before; None if something was."""
        return None


class _Message(msgspec.Struct, gc=False):
    content: Any = None
    refusal: Any = None
    tool_calls: Any = None
    function_call: Any = None
    audio: Any = None
    images: Any = None

    def speaks(self) -> bool:
        said = (self.content, self.refusal, self.audio, self.images)
        return any(said) or bool(self.tool_calls or self.function_call)


class Choice(msgspec.Struct, gc=False):
    """One of the answers in a chat completion, or a completion."""

    error: Any = None
    finish_reason: Any = None
    text: Any = None
    message: _Message | None = None

    def failed(self) -> Any:
        """Return the error in it, if there is one."""
        return self.error or broke_off(self.finish_reason)

    def speaks(self) -> bool:
        """Tell whether there is anything in it for a client; reasoning alone is not."""
        return bool(self.text) or (self.message is not None and self.message.speaks())


class Chat(Body, gc=False):
    """Of chat completions and completions."""

    choices: list[Choice] | None = None

    def lacks(self) -> str | None:
        """Name what is missing: a chat without a choice is no answer."""
        if not self.choices:
            return "choices"
        whole = all(c.message is not None or c.text is not None for c in self.choices)
        return None if whole else "message"

    def stopped(self) -> Any:
        """Tell why it stopped, if no choice says anything."""
        choices = self.choices or ()
        if any(choice.speaks() for choice in choices):
            return None
        return next((c.finish_reason for c in choices if declined(c.finish_reason)), None)


class _Block(msgspec.Struct, gc=False):
    type: Any = None
    text: Any = None

    def speaks(self) -> bool:
        return bool(self.text) or self.type not in {"text", "thinking", "redacted_thinking"}


class Messages(Body, gc=False):
    """Of Anthropic messages, which may be empty: the model had nothing to add."""

    content: list[_Block] | None = None
    stop_reason: Any = None

    def lacks(self) -> str | None:
        """Name what is missing."""
        return "content" if self.content is None else None

    def stopped(self) -> Any:
        """Tell why it stopped, if no block says anything."""
        return None if any(block.speaks() for block in self.content or ()) else self.stop_reason


class _Item(msgspec.Struct, gc=False):
    type: Any = None
    content: Any = None

    def speaks(self) -> bool:
        if self.type == "message":
            return any(bool(part.get("text") or part.get("refusal")) for part in self._parts())
        return bool(self.type != "reasoning")

    def _parts(self) -> Iterator[dict[str, Any]]:
        parts = self.content if isinstance(self.content, list) else ()
        return (part for part in parts if isinstance(part, dict))


class Responses(Body, gc=False):
    """Of OpenAI responses; one that is incomplete may have no output yet."""

    output: list[_Item] | None = None
    incomplete_details: Any = None

    def lacks(self) -> str | None:
        """Name what is missing."""
        return "output" if self.output is None else None

    def stopped(self) -> Any:
        """Tell why it stopped, if no item of the output says anything."""
        spoken = any(item.speaks() for item in self.output or ())
        return None if spoken else reason_of(self.incomplete_details)


def reason_of(incomplete_details: Any) -> Any:
    """Return why a response is incomplete."""
    return incomplete_details.get("reason") if isinstance(incomplete_details, dict) else None


class _Vector(msgspec.Struct, gc=False):
    """One embedding; its numbers are of no interest here."""


class Embeddings(Body, gc=False):
    """Of embeddings: as many as there were inputs, so never none."""

    data: list[_Vector] | None = None

    def lacks(self) -> str | None:
        """Name what is missing."""
        return None if self.data else "data"


class _Candidate(msgspec.Struct, gc=False, rename="camel"):
    content: Any = None
    finish_reason: Any = None

    def speaks(self) -> bool:
        parts = self.content.get("parts") if isinstance(self.content, dict) else None
        told = [part for part in parts if isinstance(part, dict)] if parts else []
        return any(part.get("text") != "" and not part.get("thought") for part in told)


class Generated(Body, gc=False):
    """Of Google's protocol; where the prompt was blocked there is no candidate."""

    id: Any = msgspec.field(name="responseId", default=None)
    usage: Any = msgspec.field(name="usageMetadata", default=None)
    feedback: Any = msgspec.field(name="promptFeedback", default=None)
    candidates: list[_Candidate] | None = None

    def lacks(self) -> str | None:
        """Name what is missing."""
        return None if self.candidates or blocked_by(self.feedback) else "candidates"

    def stopped(self) -> Any:
        """Tell why it stopped, if no candidate says anything."""
        candidates = self.candidates or ()
        if any(each.speaks() for each in candidates):
            return None
        reasons = (each.finish_reason for each in candidates)
        return blocked_by(self.feedback) or next(filter(declined, reasons), None)


def blocked_by(feedback: Any) -> str | None:
    """Return why a prompt was blocked, in words of `finish.py`; None if it was not."""
    reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
    return f"content_filter: {reason}" if reason else None


BODIES: Mapping[Protocol, msgspec.json.Decoder[Body]] = {
    Protocol.OPENAI_CHAT: msgspec.json.Decoder(Chat),
    Protocol.OPENAI_EMBEDDINGS: msgspec.json.Decoder(Embeddings),
    Protocol.OPENAI_RESPONSES: msgspec.json.Decoder(Responses),
    Protocol.ANTHROPIC_MESSAGES: msgspec.json.Decoder(Messages),
    Protocol.GOOGLE_GENERATE: msgspec.json.Decoder(Generated),
}
