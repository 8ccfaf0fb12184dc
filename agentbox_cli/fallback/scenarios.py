"""Every way for a link to fail in a drill, and what the chain must make of each.

What must come of a failure is written down here a second time and in another way than the proxy
has it, so that a drill can find the proxy wrong: nothing here is taken from `proxy/chain.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType


class Scenario(StrEnum):
    """A way for links to fail, or a story that is told of them; `--scenario` takes these names."""

    RATE_LIMIT = "rate-limit"
    QUOTA = "quota"
    CONTEXT_WINDOW = "context-window"
    CONTEXT_VLLM = "context-vllm"
    CONTEXT_413 = "context-413"
    SERVER_ERROR = "server-error"
    UNAVAILABLE = "unavailable-503"
    OVERLOADED = "overloaded-529"
    TIMEOUT = "timeout"
    STALL = "stall"
    REFUSED = "refused"
    CLOSED = "closed"
    CUT = "cut"
    AUTH = "auth"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    PAYMENT = "payment"
    UNSUPPORTED = "unsupported"
    BAD_REQUEST = "bad-request"
    UNPROCESSABLE = "unprocessable"
    CONTENT_POLICY = "content-policy"
    HTML = "html"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    ERROR_IN_200 = "error-in-200"
    CUT_LATE = "cut-late"
    TRUNCATED_LATE = "truncated-late"
    STALL_LATE = "stall-late"
    ERROR_LATE = "error-late"
    ALL_DOWN = "all-down"
    COOLING = "cooling"
    RECOVERY = "recovery"
    TOGGLE_OFF = "toggle-off"


class Toggle(StrEnum):
    """The user's toggles, by their names in config.yml."""

    RATE_LIMIT = "on_rate_limit"
    CONTEXT_WINDOW = "on_context_window"
    ERROR = "on_error"
    CONTENT_POLICY = "on_content_policy"


class Rest(StrEnum):
    """What is left alone for a while after a failure."""

    NOTHING = "nothing"
    DEPLOYMENT = "deployment"
    PROVIDER = "provider"
    RATE_LIMITED = "whatever a rate limit of the provider speaks for"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """What the chain makes of a failure.

    Args:
        toggle: which toggle decides whether it moves on.
        status: what the client gets where the failure is passed on.
        rest: what is left alone.
        rest_s: for how many seconds.
        patience: failures in a row until it is.
        repeated: whether the link is asked once more in the same request.
        unsent: whether nothing reaches the provider, so that it counts no call and any number of
            retries does no harm.
        heals: whether it passes by itself, so that clients are told to come back.
        probed: whether a link at rest may be tried all the same when there is no other.
        limited: whether clients are told of a rate limit.
        too_long: whether it is told before other failures that do not heal.
        one_more: whether only one more link is tried.
        late: whether it comes after the first content, when it is too late for another link.
        uncounted: calls in addition that a kept connection may cost.
        waits: whether it takes seconds rather than milliseconds.
    """

    toggle: Toggle = Toggle.ERROR
    status: int
    rest: Rest = Rest.NOTHING
    rest_s: float = 0.0
    patience: int = 1
    repeated: bool = False
    unsent: bool = False
    heals: bool = False
    probed: bool = False
    limited: bool = False
    too_long: bool = False
    one_more: bool = False
    late: bool = False
    uncounted: int = 0
    waits: bool = False


MINUTE = 60.0
TEN_MINUTES = 600.0
SHORT_REST = 5.0
RETRY_AFTER = 30

_THROTTLE = Trait(
    toggle=Toggle.RATE_LIMIT,
    status=429,
    rest=Rest.RATE_LIMITED,
    rest_s=RETRY_AFTER,
    heals=True,
    limited=True,
)
_TOO_LONG = Trait(toggle=Toggle.CONTEXT_WINDOW, status=400, too_long=True)
_ILL = Trait(
    status=502, rest=Rest.DEPLOYMENT, rest_s=SHORT_REST, patience=2, heals=True, probed=True
)
_SERVER = replace(_ILL, repeated=True)
_SILENT = replace(_ILL, status=504, patience=1, waits=True)
_LOCKED_OUT = Trait(status=401, rest=Rest.PROVIDER, rest_s=TEN_MINUTES)
_NOT_HERE = Trait(status=404, rest=Rest.DEPLOYMENT, rest_s=TEN_MINUTES)
_LATE = Trait(status=200, late=True, waits=True)

TRAITS: Mapping[Scenario, Trait] = MappingProxyType(
    {
        Scenario.RATE_LIMIT: _THROTTLE,
        Scenario.QUOTA: replace(_LOCKED_OUT, toggle=Toggle.RATE_LIMIT, status=429, limited=True),
        Scenario.CONTEXT_WINDOW: _TOO_LONG,
        Scenario.CONTEXT_VLLM: _TOO_LONG,
        Scenario.CONTEXT_413: replace(_TOO_LONG, status=413),
        Scenario.SERVER_ERROR: replace(_SERVER, status=500),
        Scenario.UNAVAILABLE: replace(_SERVER, status=503),
        Scenario.OVERLOADED: replace(_SERVER, status=529),
        Scenario.TIMEOUT: _SILENT,
        Scenario.STALL: _SILENT,
        Scenario.REFUSED: replace(_ILL, unsent=True),
        # A kept connection that closes without a byte says nothing: it is asked on a new one.
        Scenario.CLOSED: replace(_ILL, uncounted=1),
        Scenario.CUT: _ILL,
        Scenario.AUTH: _LOCKED_OUT,
        Scenario.FORBIDDEN: replace(_NOT_HERE, status=403),
        Scenario.NOT_FOUND: _NOT_HERE,
        Scenario.PAYMENT: replace(_LOCKED_OUT, status=402),
        Scenario.UNSUPPORTED: Trait(status=400),
        Scenario.BAD_REQUEST: Trait(status=400, one_more=True),
        Scenario.UNPROCESSABLE: Trait(status=422, one_more=True),
        Scenario.CONTENT_POLICY: Trait(toggle=Toggle.CONTENT_POLICY, status=400),
        Scenario.HTML: _SERVER,
        Scenario.TRUNCATED: _SERVER,
        Scenario.EMPTY: _SERVER,
        Scenario.ERROR_IN_200: replace(_THROTTLE, rest_s=MINUTE),
        Scenario.CUT_LATE: _LATE,
        Scenario.TRUNCATED_LATE: _LATE,
        Scenario.STALL_LATE: _LATE,
        Scenario.ERROR_LATE: _LATE,
    }
)

FAILURES = tuple(TRAITS)
LATE = tuple(scenario for scenario in FAILURES if TRAITS[scenario].late)
EARLY = tuple(scenario for scenario in FAILURES if not TRAITS[scenario].late)


class Group(StrEnum):
    """What a line of the matrix stands for."""

    RATE_LIMIT = "rate limit"
    CONTEXT_WINDOW = "context window"
    ERROR = "error"
    CONTENT_POLICY = "content policy"
    BROKEN_ANSWER = "broken answer"
    BROKEN_STREAM = "broken stream"
    ALL_DOWN = "all links down"
    COOLDOWN = "cooldown"
    TOGGLE_OFF = "toggle off"
    CHAIN = "chain"


def group_of(scenario: Scenario) -> Group:
    """The line of the matrix that a scenario belongs to."""
    found = _GROUPS.get(scenario)
    if found is not None:
        return found
    if TRAITS[scenario].late:
        return Group.BROKEN_STREAM
    return _BY_TOGGLE[TRAITS[scenario].toggle]


_GROUPS = {
    Scenario.HTML: Group.BROKEN_ANSWER,
    Scenario.TRUNCATED: Group.BROKEN_ANSWER,
    Scenario.EMPTY: Group.BROKEN_ANSWER,
    Scenario.ERROR_IN_200: Group.BROKEN_ANSWER,
    Scenario.ALL_DOWN: Group.ALL_DOWN,
    Scenario.COOLING: Group.COOLDOWN,
    Scenario.RECOVERY: Group.COOLDOWN,
    Scenario.TOGGLE_OFF: Group.TOGGLE_OFF,
}
_BY_TOGGLE = {
    Toggle.RATE_LIMIT: Group.RATE_LIMIT,
    Toggle.CONTEXT_WINDOW: Group.CONTEXT_WINDOW,
    Toggle.ERROR: Group.ERROR,
    Toggle.CONTENT_POLICY: Group.CONTENT_POLICY,
}
