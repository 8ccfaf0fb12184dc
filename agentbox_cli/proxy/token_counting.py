"""`/v1/messages/count_tokens`: the provider's own count where it has one, else an estimate.

Counting is no call of a chain: it costs nothing, begins no cooldown, and is always answered.
"""

import time
from dataclasses import dataclass

from aiohttp import web

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.resolved import Chain, Lane, Link
from agentbox_cli.proxy import headers as names
from agentbox_cli.proxy.answers import Spent, UnaryAnswer
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.drill import Scope
from agentbox_cli.proxy.endpoints import Endpoint
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.lanes import DirectLane, Order
from agentbox_cli.proxy.reply import JSON
from agentbox_cli.proxy.request import Ask
from agentbox_cli.proxy.story import End, Story
from agentbox_cli.proxy.token_estimate import prompt_tokens, tools_tokens
from agentbox_cli.proxy.upstream import AttemptFailed
from agentbox_cli.proxy.wire import error_body

# An agent waits for a count before it asks anything; an estimate at once is worth more.
PATIENCE = 10.0
_PROMPT = ("system", "messages", "systemInstruction", "contents")
# What the request itself is to blame for; the client has to see it.
_TOLD = frozenset({ErrorKind.BAD_REQUEST, ErrorKind.UNSUPPORTED})
_NOTHING = {"input_tokens": 0, "output_tokens": 0}


@dataclass(slots=True, kw_only=True)
class Counting:
    """Counts the tokens of prompts.

    Args:
        direct: asks providers.
    """

    direct: DirectLane

    async def answer(  # noqa: PLR0913, PLR0917 - a request has these parts
        self,
        http: web.BaseRequest,
        endpoint: Endpoint,
        ask: Ask,
        chain: Chain,
        scope: Scope,
        story: Story,
    ) -> web.StreamResponse:
        """Answer with the count of the link that would be asked now."""
        link = _next_link(chain, scope)
        told = {names.ALIAS: chain.alias, names.REQUEST_ID: story.request_id}
        if link.deployment.speaks(endpoint.protocol) and _may_be_called(link, scope):
            order = Order(
                request_id=story.request_id,
                endpoint=endpoint,
                ask=ask,
                client=http.headers,
                quotas=scope.memory.quotas,
                query="" if endpoint.is_google else http.rel_url.raw_query_string,
                drill_check=scope.check,
            )
            counted = await self._ask(link, order, story)
            if counted is not None:
                told[names.SERVED_BY] = link.deployment.name
                return _passed(endpoint, counted, told, story)
        story.ends(End.ANSWERED, 200)
        told[names.TOKENS_FROM] = "estimate"
        name = "totalTokens" if endpoint.is_google else "input_tokens"
        return web.json_response({name: estimate(ask)}, headers=told)

    async def _ask(self, link: Link, order: Order, story: Story) -> UnaryAnswer | Failure | None:
        """Ask the provider: its count, its complaint, or None if it does not count."""
        call = Call(link=link, number=1, timeout=min(PATIENCE, link.timeout))
        attempt = story.attempt(call, Lane.DIRECT)
        try:
            answer = await self.direct.call(call, order)
        except AttemptFailed as failed:
            attempt.ended(failure=failed.failure)
            lacks = failed.failure.status in {404, 405, 501}
            return failed.failure if failed.failure.kind in _TOLD and not lacks else None
        except BaseException:
            attempt.ended(cancelled=True)
            raise
        spent = Spent(protocol=order.endpoint.protocol, usage=dict(_NOTHING))
        attempt.ended(status=answer.status, spent=spent)
        if isinstance(answer, UnaryAnswer):
            return answer
        answer.close()
        return None


def estimate(ask: Ask) -> int:
    """About how many tokens a prompt has."""
    fields = (bytes(ask.fields[name]) for name in _PROMPT if name in ask.fields)
    return max(
        sum(map(prompt_tokens, fields)) + tools_tokens(bytes(ask.fields.get("tools", b""))), 1
    )


def _next_link(chain: Chain, scope: Scope) -> Link:
    free = (link for link in chain.links if _may_be_called(link, scope))
    return next(free, chain.links[0])


def _may_be_called(link: Link, scope: Scope) -> bool:
    deployment, memory = link.deployment, scope.memory
    if not deployment.provider.usable or deployment.name in memory.paused:
        return False
    return memory.cooldowns.pause(deployment, time.monotonic()) is None


def _passed(
    endpoint: Endpoint, counted: UnaryAnswer | Failure, told: dict[str, str], story: Story
) -> web.Response:
    if isinstance(counted, UnaryAnswer):
        story.ends(End.ANSWERED, counted.status)
        told[names.TOKENS_FROM] = "provider"
        return web.Response(body=counted.body, headers={**counted.headers, **told})
    status = counted.status or 400
    story.ends(End.FAILED, status, counted.message)
    said = error_body(endpoint.protocol, status, "invalid_request_error", counted.message)
    body = counted.body or said
    return web.Response(status=status, body=body, headers={**told, "content-type": JSON})
