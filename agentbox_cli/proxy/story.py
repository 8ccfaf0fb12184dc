"""The stories of recent requests: what was asked, each call, each link passed over, the end.

Neither prompts nor answers are kept, only what the chain did. While a request runs its story
takes a few references; words and numbers for people are made when somebody asks.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from agentbox_cli.providers.model import ErrorKind, RateLimitScope
from agentbox_cli.providers.resolved import Chain, Deployment, Lane, Link
from agentbox_cli.proxy.answers import Spent
from agentbox_cli.proxy.bounded import bounded
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.callers import plain
from agentbox_cli.proxy.endpoints import Endpoint
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.finish import OK
from agentbox_cli.proxy.verdict import Outcome
from agentbox_cli.usage.record import Tokens

STORIES_KEPT = 1_000
NO_TOKENS = Tokens()
# A name that fits a pattern may be of any length.
ASKED_LENGTH = 100

# After these a provider may have done the work all the same.
_UNSURE = frozenset({ErrorKind.TIMEOUT, ErrorKind.CONNECTION, ErrorKind.SERVER})
# What one call finds out about its whole provider.
_OF_PROVIDER = frozenset({ErrorKind.AUTH, ErrorKind.PAYMENT, ErrorKind.QUOTA})


class End(StrEnum):
    """How a request ended.

    - RUNNING: it has not ended yet.
    - ANSWERED: a link's answer was passed on whole.
    - FAILED: no link answered, and the client was told so.
    - CUT: a stream broke after its first content.
    - CLIENT_LEFT: the client went away first.
    - REFUSED: it went down no chain.
    - BUG: a fault of ours.
    """

    RUNNING = "running"
    ANSWERED = "answered"
    FAILED = "failed"
    CUT = "cut"
    CLIENT_LEFT = "client-left"
    REFUSED = "refused"
    BUG = "bug"


class Attempt(msgspec.Struct, kw_only=True, gc=False):
    """One call to one link, while it is under way and after.

    Args:
        call: what the chain had decided.
        lane: how the link is reached.
        started_at: seconds since the epoch.
        began: the same on the monotonic clock.
        first_content_ms: until the first content; None if there was none.
        elapsed_ms: until it ended; None while it is under way.
        status: the provider's HTTP status; None if there was no answer.
        kind: how it failed; None if it did not.
        message: how it failed, in one line without keys.
        complete: whether the answer ended as its protocol says.
        cancelled: whether the client went away first.
        maybe_charged: whether it may have cost money without a whole answer.
        spent: the usage that was reported.
    """

    call: Call
    lane: Lane
    started_at: float
    began: float
    first_content_ms: float | None = None
    elapsed_ms: float | None = None
    status: int | None = None
    kind: ErrorKind | None = None
    message: str | None = None
    complete: bool = False
    cancelled: bool = False
    maybe_charged: bool = False
    spent: Spent | None = None

    @property
    def tokens(self) -> Tokens | None:
        """Usage as reported; None while the call is under way."""
        if self.elapsed_ms is None:
            return None
        return self.spent.tokens if self.spent else NO_TOKENS

    def has_content(self) -> None:
        """Note its first content, or its whole unary answer."""
        self.first_content_ms = (time.monotonic() - self.began) * 1_000

    def ended(
        self,
        *,
        status: int | None = None,
        failure: Failure | None = None,
        cancelled: bool = False,
        spent: Spent | None = None,
    ) -> None:
        """Note how it ended."""
        self.elapsed_ms = (time.monotonic() - self.began) * 1_000
        self.status = status
        self.complete = failure is None and not cancelled
        self.cancelled = self.maybe_charged = cancelled
        self.spent = spent and _kept(spent)
        if failure is not None:
            self.status, self.kind = failure.status, failure.kind
            self.message = failure.message
            if spent is None and failure.protocol is not None and failure.usage is not None:
                usage = dict(failure.usage)
                told = Spent(protocol=failure.protocol, usage=usage, tier=failure.tier)
                self.spent = _kept(told)
            begun = self.first_content_ms is not None
            unsure = begun or failure.kind in _UNSURE or failure.status == OK
            self.maybe_charged = failure.sent and unsure


def _kept(spent: Spent) -> Spent:
    """What was reported, in a size that can be kept."""
    usage = spent.usage and bounded(spent.usage)
    tier = spent.tier if isinstance(spent.tier, str) and len(spent.tier) <= ASKED_LENGTH else None
    if usage is spent.usage and tier is spent.tier:
        return spent
    return msgspec.structs.replace(spent, usage=usage, tier=tier)


class Skip(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A link that was passed over.

    Args:
        link: which one.
        label: as in `x-agentbox-attempts`.
        at: when, on the monotonic clock.
        seconds: how long it was to be left alone from then on; None if nobody knows.
        cause: the kind of the failure that it cools after, or that a call would end in.
        message: what a call would end in, where that is known.
    """

    link: Link
    label: str
    at: float
    seconds: float | None
    cause: ErrorKind | None
    message: str | None


class Story(msgspec.Struct, kw_only=True, gc=False):
    """One request from its arrival to its end.

    Args:
        request_id: its name in headers and records.
        endpoint: where it was sent.
        caller: the family of the client's user agent.
        project: what it is for, as the client says.
        started_at: seconds since the epoch.
        began: the same on the monotonic clock.
        asked: the model it named; None before that is known.
        stream: whether it asked for a stream.
        chain: the chain it goes down.
        attempts: the calls, in their order.
        skips: the links that were passed over.
        socket: the inode of the caller's socket; None if the kernel does not tell.
        end: how it ended.
        status: what the client got; None before that, or if it left.
        message: what the client was told instead of an answer.
        elapsed_ms: until the end.
    """

    request_id: str
    endpoint: Endpoint
    caller: str | None
    project: str
    started_at: float
    began: float
    asked: str | None = None
    stream: bool = False
    chain: Chain | None = None
    attempts: list[Attempt] = []
    skips: list[Skip] = []
    socket: int | None = None
    end: End = End.RUNNING
    status: int | None = None
    message: str | None = None
    elapsed_ms: float | None = None

    def asks(self, model: str, *, stream: bool) -> None:
        """Note what the body asks for."""
        self.asked, self.stream = plain(model[:ASKED_LENGTH]), stream

    def attempt(self, call: Call, lane: Lane) -> Attempt:
        """Begin the story of a call."""
        begun = Attempt(call=call, lane=lane, started_at=time.time(), began=time.monotonic())
        self.attempts.append(begun)
        return begun

    def passed_over(self, outcomes: Sequence[Outcome], now: float) -> None:
        """Note the links that were passed over and are not known yet."""
        known = {skip.link.number for skip in self.skips}
        for outcome in outcomes:
            if outcome.skipped and outcome.link.number not in known:
                self.skips.append(_skip(outcome, now))

    def ends(self, end: End, status: int | None, message: str | None = None) -> None:
        """Note the end; only the first one counts."""
        if self.end is End.RUNNING:
            self.end, self.status, self.message = end, status, message
            self.elapsed_ms = (time.monotonic() - self.began) * 1_000

    def client_left(self) -> None:
        """Note that the client hung up, as many do when they have seen the last event."""
        served = self.attempts[-1] if self.attempts else None
        whole = served is not None and served.complete
        self.ends(End.ANSWERED if whole else End.CLIENT_LEFT, 200 if whole else None)

    @property
    def answered_by(self) -> Link | None:
        """The link whose answer the client got, whole or in part."""
        last = self.attempts[-1] if self.attempts else None
        return last.call.link if last and last.first_content_ms is not None else None

    @property
    def fell_over(self) -> bool:
        """Whether it did not simply get the first link's answer."""
        odd = self.end not in {End.ANSWERED, End.RUNNING}
        return odd or bool(self.skips) or any(one.kind for one in self.attempts)


def _skip(outcome: Outcome, now: float) -> Skip:
    failure = outcome.failure
    return Skip(
        link=outcome.link,
        label=outcome.label,
        at=now,
        seconds=outcome.recovers_in,
        cause=failure.kind if failure else None,
        message=outcome.why or (failure.message if failure else None),
    )


class Stories:
    """The latest stories, the oldest forgotten first.

    Args:
        kept: how many.
    """

    def __init__(self, kept: int = STORIES_KEPT) -> None:
        self._kept: deque[Story] = deque(maxlen=kept)

    def begin(
        self, request_id: str, endpoint: Endpoint, caller: str | None, project: str = ""
    ) -> Story:
        """Begin the story of a request that has arrived."""
        story = Story(
            request_id=request_id,
            endpoint=endpoint,
            caller=caller,
            project=project,
            started_at=time.time(),
            began=time.monotonic(),
        )
        self._kept.append(story)
        return story

    def latest(self) -> Iterator[Story]:
        """The newest first."""
        return reversed(self._kept)

    def reach(self, now: float) -> float:
        """How far back all requests are known, in seconds; without end while none is forgotten."""
        if len(self._kept) < (self._kept.maxlen or 0):
            return math.inf
        return now - self._kept[0].began

    def ended(self) -> list[Story]:
        """Those that have ended, the oldest first."""
        return [story for story in self._kept if story.end is not End.RUNNING]

    def replace(self, copies: Iterable[Story]) -> None:
        """Remember copies instead of the stories with their ids."""
        known = {copy.request_id: copy for copy in copies}
        same = (known.get(story.request_id, story) for story in self._kept)
        self._kept = deque(same, self._kept.maxlen)

    def named(self, start: str) -> list[Story]:
        """Those whose id begins so; with or without its `req_`."""
        ids = (start, f"req_{start}")
        return [story for story in self._kept if story.request_id.startswith(ids)]

    def cause_of(self, skip: Skip) -> tuple[Story, Attempt] | None:
        """The call that most likely began the cooldown for which a link was passed over."""
        for story in self.latest():
            for attempt in reversed(story.attempts):
                if _began_it(attempt, skip):
                    return story, attempt
        return None


def _began_it(attempt: Attempt, skip: Skip) -> bool:
    if attempt.elapsed_ms is None or attempt.kind is None or attempt.kind is not skip.cause:
        return False
    before = attempt.began + attempt.elapsed_ms / 1_000 <= skip.at
    return before and _speaks_for(attempt.call.link.deployment, attempt.kind, skip.link.deployment)


def _speaks_for(failed: Deployment, kind: ErrorKind, other: Deployment) -> bool:
    if failed.name == other.name:
        return True
    by_account = failed.provider.spec.rate_limit_scope is RateLimitScope.ACCOUNT
    whole = kind in _OF_PROVIDER or (kind is ErrorKind.THROTTLE and by_account)
    return whole and failed.provider.name == other.provider.name


# Takes a story that has ended; it must neither block nor raise.
StorySink = Callable[[Story], None]
