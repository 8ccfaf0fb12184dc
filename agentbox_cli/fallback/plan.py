"""Which checks a drill makes of which chains, as data: the whole, or a selection for every day."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

from agentbox_cli.fallback.rules import OK, Calls, Case, Expected, can_be_called, expect, lane_of
from agentbox_cli.fallback.scenarios import (
    EARLY,
    FAILURES,
    LATE,
    TRAITS,
    Group,
    Rest,
    Scenario,
    Toggle,
    group_of,
)
from agentbox_cli.providers.resolved import ENDPOINTS, Chain, Lane, Link, Toggles

# How people find out that they need a chain: these are tried in every way, each time.
CLASSICS = (
    Scenario.RATE_LIMIT,
    Scenario.CONTEXT_WINDOW,
    Scenario.SERVER_ERROR,
    Scenario.TIMEOUT,
    Scenario.REFUSED,
    Scenario.AUTH,
)
_DOWN_TOGETHER = (Scenario.RATE_LIMIT, Scenario.SERVER_ERROR, Scenario.CONTEXT_WINDOW)
_SWITCHED = {
    Toggle.RATE_LIMIT: Scenario.RATE_LIMIT,
    Toggle.CONTEXT_WINDOW: Scenario.CONTEXT_WINDOW,
    Toggle.ERROR: Scenario.SERVER_ERROR,
    Toggle.CONTENT_POLICY: Scenario.CONTENT_POLICY,
}
# What fails in front of a link whose stream breaks: it leaves no link alone.
_IN_FRONT = Scenario.CONTEXT_WINDOW
# The cooldown that a recovery waits for, and a little more.
RECOVERS_AFTER_S = 1
_RECOVERED_S = RECOVERS_AFTER_S + 0.3

Way = tuple[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request of a check: what is waited before it, who must answer it, with which status."""

    served_by: str | None
    status: int
    after_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One request through the proxy, or a few in a row, and what must come of it.

    Args:
        id: names the check to the proxy and to the simulated providers.
        chain: the chain that is asked.
        scenario: what it is about.
        failing: the deployments that fail, and how.
        reach: up to which link they do.
        endpoint, stream: how it is asked.
        toggles: which failures may move on.
        steps: the requests, one after the other.
        calls: how often each deployment must have been called in the end.
        broken: whether the stream must end with an error event.
        stopped_by: the toggle that must keep it from moving on.
        users: whether the toggles are the user's own.
    """

    id: str = ""
    chain: Chain
    scenario: Scenario
    failing: Mapping[str, Scenario]
    reach: int
    endpoint: str
    stream: bool
    toggles: Toggles
    steps: tuple[Step, ...]
    calls: Mapping[str, Calls]
    broken: bool = False
    stopped_by: str | None = None
    users: bool = True

    @property
    def failure(self) -> Scenario:
        """How the last of the failing links fails; the others may do so in another way."""
        return self.failing[self.chain.links[self.reach - 1].deployment.name]

    @property
    def group(self) -> Group:
        """The line of the matrix it belongs to."""
        return group_of(self.scenario)

    @property
    def name(self) -> str:
        """What it is about, for people."""
        if self.scenario is not self.failure:
            return f"{self.scenario} ({self.failure})"
        return self.scenario.value if self.reach == 1 else f"{self.scenario} of link {self.reach}"

    @property
    def served_by(self) -> str | None:
        """Who must answer in the end; None if nobody may."""
        return self.steps[-1].served_by

    @property
    def status(self) -> int:
        """The status that the client must get in the end."""
        return self.steps[-1].status

    @property
    def expected(self) -> str:
        """What must come of it, in a few words."""
        if self.broken:
            return f"{self.served_by}, broken off with an error event"
        if self.served_by is not None:
            return self.served_by
        return f"its own {self.status}" if self.stopped_by else f"nobody ({self.status})"

    @property
    def switched_off(self) -> tuple[str, ...]:
        """The toggles that are off."""
        return tuple(toggle.value for toggle in Toggle if not getattr(self.toggles, toggle))

    @property
    def down(self) -> frozenset[str]:
        """The providers that must not be there at all."""
        return frozenset(
            link.deployment.provider.name
            for link in self.chain.links
            if self.failing.get(link.deployment.name) is Scenario.REFUSED
        )

    @property
    def waits(self) -> bool:
        """Whether it takes seconds by itself."""
        return any(TRAITS[failure].waits for failure in self.failing.values()) or any(
            step.after_s for step in self.steps
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a drill covers.

    Args:
        full: everything, rather than a selection.
        scenarios: only these; all if empty.
    """

    full: bool = False
    scenarios: Collection[Scenario] = ()


def plan(
    chains: Sequence[Chain], toggles: Toggles, num_retries: int, scope: Scope | None = None
) -> list[Check]:
    """Every check of these chains, in order; a chain without a second link has none."""
    scope = scope or Scope()
    checks = [
        check
        for turn, chain in enumerate(chains)
        if len(chain.links) > 1 and usable_ways(chain)
        for check in _Planner(chain, toggles, num_retries, turn).checks(full=scope.full)
        if not scope.scenarios or check.scenario in scope.scenarios
    ]
    return [replace(check, id=f"c{number}") for number, check in enumerate(checks, start=1)]


def usable_ways(chain: Chain) -> list[Way]:
    """How a chain can be asked, whole and streamed: where at least one link can be called."""
    return [
        (endpoint, stream)
        for endpoint, (_, kind) in ENDPOINTS.items()
        if kind is chain.kind and any(can_be_called(link, endpoint) for link in chain.links)
        for stream in (False, True)
        if not (stream and endpoint == "embeddings")
    ]


@dataclass(slots=True)
class _Planner:
    """The checks of one chain; `turn` varies what a selection leaves out from chain to chain."""

    chain: Chain
    toggles: Toggles
    num_retries: int
    turn: int

    def checks(self, *, full: bool) -> Iterator[Check]:
        yield from self._everything() if full else self._selection()
        yield from self._switched_off()

    def _everything(self) -> Iterator[Check]:
        for reach in range(1, len(self.chain.links) + 1):
            for failure in FAILURES:
                for way in self._ways(failure):
                    yield self._check(failure, reach, way)
        for failure in EARLY:
            yield from self._cooling(failure)
        for way in usable_ways(self.chain):
            yield from self._recovery(way)

    def _selection(self) -> Iterator[Check]:
        last = len(self.chain.links)
        for failure in CLASSICS:
            for way in self._ways(failure):
                yield self._check(failure, 1, way)
        others = [failure for failure in FAILURES if failure not in CLASSICS]
        yield from self._one_way_each(others, 1)
        for reach in range(2, last):
            yield from self._one_way_each((*CLASSICS, Scenario.CUT_LATE), reach)
        yield from self._one_way_each(_DOWN_TOGETHER, last)
        yield from self._cooling(Scenario.RATE_LIMIT)
        ways = usable_ways(self.chain)
        yield from self._recovery(ways[self.turn % len(ways)])

    def _one_way_each(self, failures: Sequence[Scenario], reach: int) -> Iterator[Check]:
        """Each failure once, together in all ways."""
        for turn, failure in enumerate(failures, start=self.turn):
            ways = self._ways(failure)
            if ways:
                yield self._check(failure, reach, next(islice(cycle(ways), turn, None)))

    def _ways(self, failure: Scenario) -> list[Way]:
        return [way for way in usable_ways(self.chain) if way[1] or failure not in LATE]

    def _check(self, failure: Scenario, reach: int, way: Way) -> Check:
        links = self.chain.links[:reach]
        if failure in LATE:
            failing = {link.deployment.name: _IN_FRONT for link in links}
            failing[links[-1].deployment.name] = failure
        else:
            failing = {link.deployment.name: failure for link in links}
        if failure is Scenario.REFUSED:
            failing |= self._gone_with(links)
        everything = all(link.deployment.name in failing for link in self.chain.links)
        down = everything and failure not in LATE
        return self._made(Scenario.ALL_DOWN if down else failure, failing, reach, way)

    def _gone_with(self, links: Sequence[Link]) -> dict[str, Scenario]:
        """What else cannot be reached when these links' providers are not there."""
        gone = {link.deployment.provider.name for link in links}
        return {
            link.deployment.name: Scenario.REFUSED
            for link in self.chain.links
            if link.deployment.provider.name in gone
        }

    def _made(
        self,
        scenario: Scenario,
        failing: Mapping[str, Scenario],
        reach: int,
        way: Way,
        toggles: Toggles | None = None,
    ) -> Check:
        expected = self._expected(failing, way, toggles or self.toggles)
        return Check(
            chain=self.chain,
            scenario=scenario,
            failing=failing,
            reach=reach,
            endpoint=way[0],
            stream=way[1],
            toggles=toggles or self.toggles,
            steps=(Step(served_by=expected.served_by, status=expected.status),),
            calls=expected.calls,
            broken=expected.broken,
            stopped_by=expected.stopped_by,
            users=toggles is None,
        )

    def _expected(self, failing: Mapping[str, Scenario], way: Way, toggles: Toggles) -> Expected:
        return expect(
            Case(
                chain=self.chain,
                endpoint=way[0],
                failing=failing,
                toggles=toggles,
                num_retries=self.num_retries,
            )
        )

    def _cooling(self, failure: Scenario) -> Iterator[Check]:
        """The first link fails, and the next request leaves it alone, however that asks."""
        way = self._quickest()
        first = self._made(Scenario.COOLING, self._first(failure), 1, way)
        trait = TRAITS[failure]
        tries = 1 + (trait.repeated and min(1, self.num_retries))
        rests = trait.rest is not Rest.NOTHING and tries >= trait.patience and not trait.unsent
        if rests and first.served_by and self._is_asked_first(first):
            again = {first.served_by: Calls(least=2, most=2)}
            yield replace(first, steps=first.steps * 2, calls={**first.calls, **again})

    def _quickest(self) -> Way:
        """The way with the fewest translated calls: a short cooldown must not end meanwhile."""
        return min(usable_ways(self.chain), key=self._translated)

    def _translated(self, way: Way) -> int:
        return sum(lane_of(link, way[0]) is Lane.LITELLM for link in self.chain.links)

    def _recovery(self, way: Way) -> Iterator[Check]:
        """The first link is well again when its cooldown ends, and is asked again."""
        once = self._made(Scenario.RECOVERY, self._first(Scenario.RATE_LIMIT), 1, way)
        name = self.chain.links[0].deployment.name
        if once.served_by and self._is_asked_first(once):
            well = Step(served_by=name, status=OK, after_s=_RECOVERED_S)
            both = Calls(least=2, most=2)
            yield replace(once, steps=(*once.steps, well), calls={**once.calls, name: both})

    def _first(self, failure: Scenario) -> dict[str, Scenario]:
        return {self.chain.links[0].deployment.name: failure}

    def _is_asked_first(self, check: Check) -> bool:
        return self.chain.links[0].deployment.name in check.calls

    def _switched_off(self) -> Iterator[Check]:
        """Each toggle off once, so that a failure is passed on."""
        way = usable_ways(self.chain)[0]
        for toggle, failure in _SWITCHED.items():
            off = replace(self.toggles, **{toggle.value: False})
            yield self._made(Scenario.TOGGLE_OFF, self._first(failure), 1, way, off)
