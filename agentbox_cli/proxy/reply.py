"""What the client gets when no link answered, in the client's own protocol."""

import math
from collections.abc import Iterable, Mapping, Sequence

from aiohttp import web

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy import headers as names
from agentbox_cli.proxy.endpoints import Endpoint
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.finish import OK
from agentbox_cli.proxy.verdict import (
    BUDGET,
    CONTEXT_CODE,
    CONTEXT_WORDS,
    PINNED,
    UNFIT,
    Outcome,
    Verdict,
    needs_mending,
)
from agentbox_cli.proxy.wire import error_body, total_failure_status

JSON = "application/json"
_STATUS_WITHOUT_ANSWER = {
    ErrorKind.TIMEOUT: 504,
    ErrorKind.CONTENT_POLICY: 400,
    ErrorKind.CONTEXT_WINDOW: 400,
}
# What a link cools after that somebody has to mend: status, code, and what to do.
_TO_MEND = {
    ErrorKind.AUTH: (
        401,
        "invalid_api_key",
        "give it a valid key: `agentbox litellm providers login {provider}`, then {restart}",
    ),
    ErrorKind.PAYMENT: (402, "payment_required", "pay {provider}, then {reset} {provider}`"),
    ErrorKind.QUOTA: (
        429,
        "insufficient_quota",
        "get more quota or credit of {provider}, then {reset} {provider}`",
    ),
    ErrorKind.FORBIDDEN: (
        403,
        "permission_denied",
        "have {provider} let your key use it, then {reset} {name}`",
    ),
    ErrorKind.NOT_FOUND: (
        404,
        "model_not_found",
        "name a model that {provider} has in config.yml, then {restart}",
    ),
}
_COMMANDS = {
    "reset": "`agentbox litellm limits reset",
    "restart": "`agentbox litellm restart`",
}
BAD_GATEWAY = 502
CONFLICT = 409
STATE_CODE = "state_of_another_link"
CLIENT_ERROR = 400


def refusal(
    endpoint: Endpoint,
    status: int,
    message: str,
    *,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """An error of ours."""
    wait = (headers or {}).get("retry-after")
    retry_after = float(wait) if wait and wait.isdecimal() else None
    body = error_body(endpoint.protocol, status, None, message, code, retry_after=retry_after)
    return web.Response(
        status=status, body=body, headers={**(headers or {}), "content-type": JSON}
    )


def verdict_reply(
    endpoint: Endpoint, alias: str, verdict: Verdict, headers: Mapping[str, str]
) -> web.Response:
    """The answer of a chain in which no link answered."""
    if verdict.passed_on is not None:
        return _passed_on(endpoint, verdict.passed_on, headers)
    told = explained(summary(alias, verdict), headers.get(names.REQUEST_ID))
    status = _status(endpoint, verdict)
    extra = dict(headers)
    if verdict.retry_after is not None:
        extra["retry-after"] = str(max(math.ceil(verdict.retry_after), 1))
    code = _code(verdict)
    return refusal(endpoint, status, told, code=code, headers=extra)


def pinned_reply(
    endpoint: Endpoint, things: Sequence[str], verdict: Verdict, headers: Mapping[str, str]
) -> web.Response:
    """The answer to a request that only certain links may serve, none of which can now."""
    able = [each for each in verdict.outcomes if each.label != PINNED]
    makers = " and ".join(each.link.deployment.name for each in able)
    message = (
        f"{', '.join(map(repr, things))} can only be used by {makers}, and no other link is asked"
        f" instead: {', '.join(map(_told, able))}"
    )
    extra = dict(headers)
    if verdict.retry_after is not None:
        extra["retry-after"] = str(max(math.ceil(verdict.retry_after), 1))
    told = explained(message, headers.get(names.REQUEST_ID))
    return refusal(endpoint, CONFLICT, told, code=STATE_CODE, headers=extra)


def explained(message: str, request_id: str | None) -> str:
    """A message with the command that tells the whole story."""
    return f"{message} (`agentbox litellm explain {request_id}`)" if request_id else message


def message_of(alias: str, verdict: Verdict) -> str:
    """What a chain that did not answer comes down to."""
    return verdict.passed_on.message if verdict.passed_on else summary(alias, verdict)


def summary(alias: str, verdict: Verdict) -> str:
    """One line that names each link, what became of it, and when it recovers."""
    links = ", ".join(_told(outcome) for outcome in verdict.outcomes)
    when = "until it is mended" if verdict.to_mend else "now"
    return f"no link of {alias!r} can answer {when}: {links}"


def attempts_header(outcomes: Iterable[Outcome]) -> str:
    """The value of `x-agentbox-attempts`: what became of each link that did not answer."""
    return ",".join(f"{outcome.link.deployment.name}={outcome.label}" for outcome in outcomes)


def _passed_on(endpoint: Endpoint, failure: Failure, headers: Mapping[str, str]) -> web.Response:
    status = _status_to_pass(failure)
    if failure.body is None or status is None or failure.protocol is not endpoint.protocol:
        if status in {None, OK}:  # words of ours under a 200 would pass for an answer
            status = _STATUS_WITHOUT_ANSWER.get(failure.kind, BAD_GATEWAY)
        message, code = failure.message, failure.code
        if failure.kind is ErrorKind.CONTEXT_WINDOW:
            message, code = _known_to_agents(message), CONTEXT_CODE
        told = explained(message, headers.get(names.REQUEST_ID))
        return refusal(endpoint, status, told, code=code, headers=headers)
    back = names.client_headers((failure.headers or {}).items())
    back.pop("content-encoding", None)  # the body was decoded to be read
    kind = failure.content_type or JSON
    back["content-type"] = kind if names.can_be_sent(kind) else JSON
    return web.Response(status=status, body=failure.body, headers={**back, **headers})


def _known_to_agents(message: str) -> str:
    """A context error in words at which a coding agent of any protocol shortens its prompt."""
    known = CONTEXT_WORDS in message.lower()
    return message if known else f"{CONTEXT_WORDS}: {message}"


def _status_to_pass(failure: Failure) -> int | None:
    """The provider's status, where clients see by it or by the body what is wrong.

    A redirect, a 204 or the like is no answer, but clients would not see that it is an error. A
    200 that fails says itself that it was filtered.
    """
    status = failure.status or 0
    return status if status == OK or status >= CLIENT_ERROR else None


def _status(endpoint: Endpoint, verdict: Verdict) -> int:
    if verdict.to_mend is not None:
        return _TO_MEND[verdict.to_mend][0]
    unfit = any(outcome.label == UNFIT for outcome in verdict.outcomes)
    if unfit and verdict.retry_after is None:
        return CLIENT_ERROR
    return total_failure_status(endpoint.protocol, rate_limited=verdict.rate_limited)


def _code(verdict: Verdict) -> str:
    if verdict.to_mend is not None:
        return _TO_MEND[verdict.to_mend][1]
    if any(outcome.label == BUDGET and outcome.recovers_in for outcome in verdict.outcomes):
        return "budget_exceeded"
    return "rate_limit_exceeded" if verdict.rate_limited else "no_link_available"


def _told(outcome: Outcome) -> str:
    name, label = outcome.link.deployment.name, outcome.label
    if outcome.why is not None:
        return f"{name} {label} ({outcome.why})"
    cause = outcome.failure.kind.label if outcome.failure else None
    word = "for" if label == UNFIT else "after"
    reason = f"{label} {word} {cause}" if cause and cause != label else label
    if outcome.recovers_in:
        reason = f"{reason} ({math.ceil(outcome.recovers_in)} s)"
    return f"{name} {reason}{_mending(outcome)}"


def _mending(outcome: Outcome) -> str:
    """What somebody has to do before a link can answer again; empty if nobody has to."""
    if outcome.failure is None or not needs_mending(outcome):
        return ""
    deployment = outcome.link.deployment
    what = _TO_MEND[outcome.failure.kind][2]
    named = {"name": deployment.name, "provider": deployment.provider.name}
    return f" - {what.format_map(named | _COMMANDS)}"
