"""What can go wrong with a link, and what must then come out: the plan of a drill, as data.

What is expected follows from the rules of the chain, written down here a second time and in
another way than the proxy has them, so that a drill can find the proxy wrong.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from agentbox_cli.providers.model import ErrorClass, ModelKind, Protocol, RateLimitScope
from agentbox_cli.providers.resolved import Chain, Lane, Link, Toggles
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Wording


class Scenario(StrEnum):
    """A way for a link to fail."""

    RATE_LIMIT = "rate-limit"
    CONTEXT_WINDOW = "context-window"
    SERVER_ERROR = "server-error"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    AUTH = "auth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """What the chain makes of a scenario.

    Args:
        error_class: whose toggle decides.
        status: what the client gets where the toggle is off.
        whole_provider: whether it speaks for all links of the provider.
        fault: how a simulated provider does it; None where it is not even there.
    """

    error_class: ErrorClass
    status: int
    whole_provider: bool
    fault: Fault | None


TRAITS = {
    Scenario.RATE_LIMIT: Trait(
        error_class=ErrorClass.RATE_LIMIT,
        status=429,
        whole_provider=False,
        fault=Fault(status=429, headers={"retry-after": "30"}),
    ),
    Scenario.CONTEXT_WINDOW: Trait(
        error_class=ErrorClass.CONTEXT_WINDOW,
        status=400,
        whole_provider=False,
        fault=Fault(status=400, wording=Wording.CONTEXT_WINDOW),
    ),
    Scenario.SERVER_ERROR: Trait(
        error_class=ErrorClass.ERROR,
        status=500,
        whole_provider=False,
        fault=Fault(status=500),
    ),
    Scenario.TIMEOUT: Trait(
        error_class=ErrorClass.ERROR,
        status=504,
        whole_provider=False,
        fault=Fault(kind=FaultKind.HANG),
    ),
    Scenario.REFUSED: Trait(
        error_class=ErrorClass.ERROR, status=502, whole_provider=True, fault=None
    ),
    Scenario.AUTH: Trait(
        error_class=ErrorClass.ERROR, status=401, whole_provider=True, fault=Fault(status=401)
    ),
}

# Which endpoints an alias of a kind has; embeddings are never streamed.
ENDPOINTS = {
    ModelKind.CHAT: (("chat", False), ("chat", True), ("messages", False), ("messages", True)),
    ModelKind.EMBEDDING: (("embeddings", False),),
}
PROTOCOLS = {
    "chat": Protocol.OPENAI_CHAT,
    "messages": Protocol.ANTHROPIC_MESSAGES,
    "embeddings": Protocol.OPENAI_EMBEDDINGS,
}

_TOGGLES = {
    ErrorClass.RATE_LIMIT: "on_rate_limit",
    ErrorClass.CONTEXT_WINDOW: "on_context_window",
    ErrorClass.ERROR: "on_error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One request through the proxy, and what must come of it.

    Args:
        id: names the check to the proxy and to the simulated providers.
        chain: the chain that is asked.
        scenario: how the failing links fail.
        failing: the numbers of the failing links: the first ones of the chain.
        endpoint, stream: how it is asked.
        toggles: which failures may move on.
        served_by: the deployment that must answer; None if none may.
        status: the status that the client must get.
        calls: how often each deployment must have been called.
    """

    id: str
    chain: Chain
    scenario: Scenario
    failing: frozenset[int]
    endpoint: str
    stream: bool
    toggles: Toggles
    served_by: str | None
    status: int
    calls: dict[str, int]

    @property
    def down(self) -> frozenset[str]:
        """The providers that must not be there at all."""
        if self.scenario is not Scenario.REFUSED:
            return frozenset()
        return frozenset(
            link.deployment.provider.name
            for link in self.chain.links
            if link.number in self.failing
        )

    @property
    def expected(self) -> str:
        """What must come of it, in a few words."""
        if self.served_by is not None:
            return self.served_by
        return f"its own {self.status}" if self.switched_off else f"nobody ({self.status})"

    @property
    def switched_off(self) -> tuple[str, ...]:
        """The toggles that are off."""
        return tuple(name for name in _TOGGLES.values() if not getattr(self.toggles, name))


def plan(chains: Sequence[Chain], toggles: Toggles, num_retries: int) -> list[Check]:
    """Every check of these chains.

    Each link but the last fails in every way, asked in every way, with the user's toggles; and
    each toggle is switched off once.
    """
    checks = [check for chain in chains for check in _checks(chain, toggles, num_retries)]
    return [replace(check, id=f"c{number}") for number, check in enumerate(checks, start=1)]


def usable_endpoints(chain: Chain) -> list[tuple[str, bool]]:
    """How a chain can be asked: where at least one link has a lane."""
    return [
        (endpoint, stream)
        for endpoint, stream in ENDPOINTS[chain.kind]
        if any(_has_lane(link, endpoint) for link in chain.links)
    ]


def _checks(chain: Chain, toggles: Toggles, num_retries: int) -> Iterator[Check]:
    endpoints = usable_endpoints(chain)
    for count in range(1, len(chain.links)):
        for scenario in Scenario:
            for endpoint, stream in endpoints:
                yield _check(chain, scenario, count, endpoint, stream, toggles, num_retries)
    if len(chain.links) > 1 and endpoints:
        endpoint, stream = endpoints[0]
        for error_class, name in _TOGGLES.items():
            scenario = next(s for s in Scenario if TRAITS[s].error_class is error_class)
            off = replace(toggles, **{name: False})
            yield _check(chain, scenario, 1, endpoint, stream, off, num_retries)


def _check(  # noqa: PLR0913, PLR0917 - a check has these dimensions
    chain: Chain,
    scenario: Scenario,
    count: int,
    endpoint: str,
    stream: bool,  # noqa: FBT001 - a dimension among the others
    toggles: Toggles,
    num_retries: int,
) -> Check:
    trait = TRAITS[scenario]
    failing = frozenset(range(1, count + 1))
    moves_on = bool(getattr(toggles, _TOGGLES[trait.error_class]))
    calls: dict[str, int] = {}
    failed: list[Link] = []
    served: Link | None = None
    for link in chain.links:
        if not _has_lane(link, endpoint) or any(_silences(trait, f, link) for f in failed):
            continue
        if link.number not in failing and not _is_down(scenario, link, chain, failing):
            served = link
            break
        failed.append(link)
        calls[link.deployment.name] = _calls(scenario, num_retries)
        if not moves_on:
            break
    if served is not None and (moves_on or not failed):
        calls[served.deployment.name] = calls.get(served.deployment.name, 0) + 1
    return Check(
        id="",
        chain=chain,
        scenario=scenario,
        failing=failing,
        endpoint=endpoint,
        stream=stream,
        toggles=toggles,
        served_by=served.deployment.name if served else None,
        status=200 if served else _status(scenario, endpoint, moves_on=moves_on),
        calls=calls,
    )


def _has_lane(link: Link, endpoint: str) -> bool:
    return link.deployment.lane(PROTOCOLS[endpoint]) is not Lane.NONE


def _silences(trait: Trait, failed: Link, later: Link) -> bool:
    """Whether a failure keeps a later link from being called."""
    if failed.deployment.name == later.deployment.name:
        return trait.error_class is not ErrorClass.CONTEXT_WINDOW
    if failed.deployment.provider.name != later.deployment.provider.name:
        return False
    scope = later.deployment.provider.spec.rate_limit_scope
    account_wide = trait.error_class is ErrorClass.RATE_LIMIT and scope is RateLimitScope.ACCOUNT
    return account_wide or (trait.whole_provider and trait.fault is not None)


def _is_down(scenario: Scenario, link: Link, chain: Chain, failing: frozenset[int]) -> bool:
    if scenario is not Scenario.REFUSED:
        return False
    gone = {other.deployment.provider.name for other in chain.links if other.number in failing}
    return link.deployment.provider.name in gone


def _calls(scenario: Scenario, num_retries: int) -> int:
    if scenario is Scenario.REFUSED:
        return 0  # nobody is there to count
    return 1 + min(1, num_retries) if scenario is Scenario.SERVER_ERROR else 1


def _status(scenario: Scenario, endpoint: str, *, moves_on: bool) -> int:
    trait = TRAITS[scenario]
    if not moves_on or scenario in {Scenario.AUTH, Scenario.CONTEXT_WINDOW}:
        return trait.status
    if scenario is Scenario.RATE_LIMIT:
        return 429
    return 529 if endpoint == "messages" else 503
