"""How a link is asked that does not speak Google's protocol: as a chat, in its own lane."""

from dataclasses import dataclass

import msgspec

from agentbox_cli.providers.model import ErrorKind, ModelKind
from agentbox_cli.providers.resolved import Deployment, Lane
from agentbox_cli.proxy.answers import Answer, UnaryAnswer
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.crossing import crossed
from agentbox_cli.proxy.encoding import decoded
from agentbox_cli.proxy.endpoints import CHAT
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.google.answer import answer_of
from agentbox_cli.proxy.google.request import chat_of, shows_thoughts
from agentbox_cli.proxy.google.stream import GoogleStream, Translator
from agentbox_cli.proxy.lanes import LaneCaller, Order
from agentbox_cli.proxy.request import Ask
from agentbox_cli.proxy.stream import EVENT_STREAM
from agentbox_cli.proxy.upstream import AttemptFailed

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLane:
    """Asks for a chat, and answers in Google's words.

    Args:
        inner: makes the attempt.
        lane: which one that is.
    """

    inner: LaneCaller
    lane: Lane

    async def call(self, call: Call, order: Order) -> Answer:
        """Call a link; raises AttemptFailed."""
        deployment = call.link.deployment
        try:
            chat = chat_of(order.ask, to_anthropic=_is_anthropic(deployment))
        except (ValueError, RecursionError, TypeError) as error:
            raise AttemptFailed(_unreadable(error)) from None
        ask = crossed(chat, CHAT, deployment, self.lane)
        asked = msgspec.structs.replace(order, endpoint=CHAT, ask=ask, query="")
        answer = await self.inner.call(call, asked)
        thoughts = shows_thoughts(order.ask)
        if isinstance(answer, UnaryAnswer):
            return _whole(answer, order.ask, thoughts=thoughts)
        return GoogleStream(inner=answer, translator=Translator(thoughts=thoughts))


def _is_anthropic(deployment: Deployment) -> bool:
    return deployment.provider.spec.litellm_prefix.get(ModelKind.CHAT) == "anthropic"


def _whole(answer: UnaryAnswer, ask: Ask, *, thoughts: bool) -> UnaryAnswer:
    headers = dict(answer.headers)
    text = decoded(answer.body, headers.pop("content-encoding", None))
    try:
        body = answer_of(text or b"", answer.spent, thoughts=thoughts)
    except ValueError as error:
        raise AttemptFailed(_garbage(error)) from None
    headers["content-type"] = JSON
    if ask.stream:  # a provider that does not stream
        body, headers["content-type"] = b"data: %b\n\n" % body, EVENT_STREAM
    return msgspec.structs.replace(answer, headers=headers, body=body)


def _unreadable(error: Exception) -> Failure:
    message = f"the request cannot be translated: {error}"
    return Failure(kind=ErrorKind.BAD_REQUEST, status=400, message=message, sent=False, ours=True)


def _garbage(error: Exception) -> Failure:
    message = f"garbage: the body of the 200 cannot be translated: {error}"
    return Failure(kind=ErrorKind.SERVER, status=502, message=message)
