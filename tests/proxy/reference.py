"""The rules of docs/chain.md once more, as plainly as can be, to compare the chain with.

Time stands still here: what cools stays so. Nothing of the chain's own code is used.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from hypothesis import strategies as st

ANSWER = "answer"
SOON = "throttle for a moment"
RATE_LIMITED = {"throttle", "quota", SOON}
TOGGLES = ("on_rate_limit", "on_context_window", "on_error", "on_content_policy")
ALL_ON = frozenset(TOGGLES)
# All on, each one off, and whatever else.
SETTINGS = st.one_of(
    st.just(ALL_ON),
    st.sampled_from(TOGGLES).map(lambda off: ALL_ON - {off}),
    st.frozensets(st.sampled_from(TOGGLES)),
)
HEAL = {"server", "timeout", "connection"}
ALONE_BY_PROVIDER = {"auth", "payment", "quota"}
# The client's status when nothing was called and nothing mends itself.
TO_MEND = {"auth": 401, "payment": 402, "quota": 429, "forbidden": 403, "not_found": 404}
ALONE_BY_MODEL = {"forbidden", "not_found", "timeout"}


@dataclass(frozen=True)
class What:
    """What a call comes to: a kind of failure, or the answer.

    Args:
        kind: the kind, or ANSWER.
        sent: whether the request may have been processed.
        reused: whether a kept connection closed without a byte.
        soon: whether the provider wants to be asked again within 5 s, if the link is the last.
    """

    kind: str = ANSWER
    sent: bool = True
    reused: bool = False
    soon: bool = False


@dataclass(frozen=True)
class At:
    """A link: its deployment, its provider, and whether that counts by account."""

    name: str
    provider: str
    by_account: bool = False


@dataclass(frozen=True)
class Told:
    """What a request comes to.

    Args:
        calls: the deployments that are called, in order.
        served_by: the one that answers; None if none does.
        attempts: label by deployment, of those that do not answer.
        ends: if none answers: the deployment whose failure is passed on, or 429, 503, or 400. More
            than one where pauses of a link last equally long: the rules do not say which it tells.
    """

    calls: tuple[str, ...]
    served_by: str | None
    attempts: tuple[tuple[str, str], ...]
    ends: frozenset[str | int] = frozenset()


@dataclass
class Reference:
    """What requests remember for each other, and the rules."""

    links: Sequence[At]
    toggles: frozenset[str]
    retries: int
    cooling: dict[str, str] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    # Whose last pause the provider asked for. It was waited for, but for others it is not over.
    promised: set[str] = field(default_factory=set)
    # Whether such a pause is over for this request.
    waited: bool = False

    def ask(self, what: Callable[[str], What]) -> Told:
        """Tell what one request comes to, if calls come to `what`."""
        calls: list[str] = []
        became: dict[At, str] = {}
        bad: At | None = None
        self.waited = False
        for at in self._in_order(became):
            kind = self._link(at, what, calls, probe=bool(self._pauses(at)))
            became.pop(at, None)
            if kind == ANSWER:
                return Told(tuple(calls), at.name, self._labels(became))
            became[at] = kind
            if bad is not None or not self._moves_on(kind):
                return Told(
                    tuple(calls), None, self._labels(became), frozenset({(bad or at).name})
                )
            bad = at if kind == "bad_request" else None
        ends = frozenset({bad.name}) if bad else self._ends(became)
        return Told(tuple(calls), None, self._labels(became), ends)

    def _in_order(self, became: dict[At, str]) -> Iterator[At]:
        for at in self.links:
            if self._pauses(at):
                became[at] = "skipped-cooling"
            else:
                yield at
        for at in self.links:
            heals = set(self._pauses(at)) <= HEAL and at.name not in self.promised
            if became.get(at) == "skipped-cooling" and heals:
                yield at

    def _link(self, at: At, what: Callable[[str], What], calls: list[str], *, probe: bool) -> str:
        fresh, again = False, 0
        while True:
            calls.append(at.name)
            came = what(at.name)
            if came.kind == ANSWER:
                self._heal(at, probe=probe)
                return ANSWER
            if came.reused and not fresh:
                fresh = True
                continue
            self._cool(at, came, probe=probe)
            last_waits = came.kind == "throttle" and came.soon and at == self.links[-1]
            ends = again >= self._allowed(came, last_waits=last_waits)
            if last_waits:
                self.waited = not ends
            if ends or self._pauses(at):
                return came.kind
            again += 1
            # A rate limit that makes no pause leaves none to probe.
            probe = probe or (last_waits and self._moves_on("throttle"))

    def _allowed(self, came: What, *, last_waits: bool) -> int:
        if came.kind == "throttle":
            return int(last_waits)
        if came.sent:
            return min(1, self.retries) if came.kind == "server" else 0
        return self.retries if came.kind == "connection" else 0

    def _cool(self, at: At, came: What, *, probe: bool) -> None:
        if not self._moves_on(came.kind):
            return
        if self.cooling.get(at.name) == SOON:
            self.promised.add(at.name)
        if came.kind in {"server", "connection"}:
            self.failures[at.name] += 1
            if self.failures[at.name] >= 2 or probe:
                self.cooling[at.name] = came.kind
        elif came.kind in ALONE_BY_MODEL:
            self.failures[at.name] += came.kind == "timeout"
            self.cooling[at.name] = came.kind
        elif came.kind in ALONE_BY_PROVIDER:
            self.cooling[at.provider] = came.kind
        elif came.kind == "throttle":
            key = at.provider if at.by_account else at.name
            self.cooling[key] = SOON if came.soon and at == self.links[-1] else came.kind

    def _heal(self, at: At, *, probe: bool) -> None:
        if probe or at.name not in self.cooling:
            self.failures.pop(at.name, None)
        if probe:
            self.cooling.pop(at.name, None)
            self.cooling.pop(at.provider, None)
            self.promised.discard(at.name)

    def _pauses(self, at: At) -> list[str]:
        kinds = [self.cooling[key] for key in (at.name, at.provider) if key in self.cooling]
        return [kind for kind in kinds if not (self.waited and kind == SOON)]

    @staticmethod
    def _seconds(kind: str) -> int:
        """How long a pause is, compared with others."""
        return 5 if kind in HEAL else {"throttle": 60, SOON: 1}.get(kind, 600)

    def _moves_on(self, kind: str) -> bool:
        own = {"context_window": "on_context_window", "content_policy": "on_content_policy"}
        toggle = "on_rate_limit" if kind in RATE_LIMITED else own.get(kind, "on_error")
        return toggle in self.toggles

    def _ends(self, became: dict[At, str]) -> frozenset[str | int]:
        called = [at for at in self.links if became[at] != "skipped-cooling"]
        reasons = [
            [became[at]] if at in called else self._longest(self._pauses(at)) for at in self.links
        ]
        each = (dict(zip(self.links, chosen, strict=True)) for chosen in product(*reasons))
        return frozenset(self._end(causes, called) for causes in each)

    def _longest(self, kinds: list[str]) -> list[str]:
        seconds = max(map(self._seconds, kinds))
        return [kind for kind in kinds if self._seconds(kind) == seconds]

    @staticmethod
    def _end(causes: dict[At, str], called: list[At]) -> str | int:
        if set(causes.values()) & (HEAL | {"throttle", SOON}):
            return 503 if RATE_LIMITED.isdisjoint(causes.values()) else 429
        for at in [at for at in called if causes[at] == "context_window"] + called:
            return at.name
        return TO_MEND.get(next(iter(causes.values())), 503)

    def _labels(self, became: dict[At, str]) -> tuple[tuple[str, str], ...]:
        word = {"throttle": "rate_limit", "quota": "rate_limit"}
        return tuple(
            (at.name, word.get(became[at], became[at])) for at in self.links if at in became
        )
