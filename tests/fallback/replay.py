"""A case, played to the proxy's own chain: no sockets, and a clock that only retries move."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from agentbox_cli.fallback.rules import Case
from agentbox_cli.fallback.scenarios import RETRY_AFTER, TRAITS, Scenario
from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.resolved import Router
from agentbox_cli.proxy.call import Call, Needs
from agentbox_cli.proxy.chain import Walk
from agentbox_cli.proxy.cooldown import Cooldowns
from agentbox_cli.proxy.endpoints import BY_PATH, GENERATE, Endpoint
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.memory import Memory
from agentbox_cli.proxy.reply import verdict_reply

# What the proxy makes of each failure on the wire: held by the tests of its classification.
KINDS: Mapping[Scenario, tuple[ErrorKind, int | None]] = {
    Scenario.RATE_LIMIT: (ErrorKind.THROTTLE, 429),
    Scenario.QUOTA: (ErrorKind.QUOTA, 429),
    Scenario.CONTEXT_WINDOW: (ErrorKind.CONTEXT_WINDOW, 400),
    Scenario.CONTEXT_VLLM: (ErrorKind.CONTEXT_WINDOW, 400),
    Scenario.CONTEXT_413: (ErrorKind.CONTEXT_WINDOW, 413),
    Scenario.SERVER_ERROR: (ErrorKind.SERVER, 500),
    Scenario.UNAVAILABLE: (ErrorKind.SERVER, 503),
    Scenario.OVERLOADED: (ErrorKind.SERVER, 529),
    Scenario.TIMEOUT: (ErrorKind.TIMEOUT, None),
    Scenario.STALL: (ErrorKind.TIMEOUT, None),
    Scenario.REFUSED: (ErrorKind.CONNECTION, None),
    Scenario.CLOSED: (ErrorKind.CONNECTION, None),
    Scenario.CUT: (ErrorKind.CONNECTION, None),
    Scenario.AUTH: (ErrorKind.AUTH, 401),
    Scenario.FORBIDDEN: (ErrorKind.FORBIDDEN, 403),
    Scenario.NOT_FOUND: (ErrorKind.NOT_FOUND, 404),
    Scenario.PAYMENT: (ErrorKind.PAYMENT, 402),
    Scenario.UNSUPPORTED: (ErrorKind.UNSUPPORTED, 400),
    Scenario.BAD_REQUEST: (ErrorKind.BAD_REQUEST, 400),
    Scenario.UNPROCESSABLE: (ErrorKind.BAD_REQUEST, 422),
    Scenario.CONTENT_POLICY: (ErrorKind.CONTENT_POLICY, 400),
    Scenario.HTML: (ErrorKind.SERVER, 502),
    Scenario.TRUNCATED: (ErrorKind.SERVER, None),
    Scenario.EMPTY: (ErrorKind.SERVER, None),
    Scenario.ERROR_IN_200: (ErrorKind.THROTTLE, 429),
    Scenario.CUT_LATE: (ErrorKind.CONNECTION, None),
    Scenario.TRUNCATED_LATE: (ErrorKind.SERVER, None),
    Scenario.STALL_LATE: (ErrorKind.TIMEOUT, None),
    Scenario.ERROR_LATE: (ErrorKind.SERVER, 500),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the proxy's chain did."""

    served_by: str | None
    status: int
    calls: Mapping[str, int]
    broken: bool = False


def play(case: Case, *, reused: bool = False) -> Played:
    """Send one request down the chain; `reused`: closed connections were kept ones."""
    served = (*BY_PATH.values(), GENERATE)
    endpoint = next(item for item in served if item.name == case.endpoint)
    walk, now = _walk(case, endpoint), 0.0
    calls: Counter[str] = Counter()
    while isinstance(step := walk.next(now), Call):
        now += step.delay
        name = step.link.deployment.name
        failing = case.failing.get(name)
        calls[name] += failing is not Scenario.REFUSED
        if failing is None or TRAITS[failing].late:
            walk.answered()
            return Played(served_by=name, status=200, calls=calls, broken=failing is not None)
        walk.failed(_failure(failing, closed=reused and not step.fresh), now)
    answer = verdict_reply(endpoint, case.chain.alias, step, {})
    return Played(served_by=None, status=answer.status, calls=calls)


def _walk(case: Case, endpoint: Endpoint) -> Walk:
    return Walk(
        case.chain,
        Needs(protocol=endpoint.protocol),
        router=Router(num_retries=case.num_retries),
        toggles=case.toggles,
        memory=Memory(cooldowns=Cooldowns(60.0)),
        now=0.0,
        wall=lambda: 1_760_000_000.0,
        jitter=lambda: 1.0,
    )


def _failure(scenario: Scenario, *, closed: bool) -> Failure:
    kind, status = KINDS[scenario]
    return Failure(
        kind=kind,
        status=status,
        message=scenario.value,
        retry_after=float(RETRY_AFTER) if scenario is Scenario.RATE_LIMIT else None,
        sent=scenario is not Scenario.REFUSED,
        reused_closed=closed and scenario is Scenario.CLOSED,
    )
