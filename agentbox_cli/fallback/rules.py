"""What must come of a request when links fail: the rules of the chain, written a second time."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from agentbox_cli.fallback.scenarios import TRAITS, Rest, Scenario, Trait
from agentbox_cli.providers.model import Protocol, RateLimitScope
from agentbox_cli.providers.resolved import ENDPOINTS, Chain, Lane, Link, Toggles

OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """How often a deployment may be called."""

    least: int
    most: int

    def __str__(self) -> str:
        """For people: "2", or "1 to 2"."""
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request, and what is wrong with the links.

    Args:
        chain: the chain that is asked.
        endpoint: how it is asked.
        failing: the deployments that fail, each in one way, whenever they are called.
        toggles: which failures move on.
        num_retries: the user's.
    """

    chain: Chain
    endpoint: str
    failing: Mapping[str, Scenario]
    toggles: Toggles
    num_retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must come of a request.

    Args:
        served_by: the deployment that answers; None if none may.
        status: what the client gets.
        calls: how often each deployment is called; one that is not named, never.
        broken: whether the stream must end with an error event instead of its marker.
        stopped_by: the toggle that kept it from moving on.
    """

    served_by: str | None
    status: int
    calls: Mapping[str, Calls]
    broken: bool = False
    stopped_by: str | None = None


def expect(case: Case) -> Expected:
    """Say what must come of a request, if nothing is left alone when it comes."""
    return _Course(case).run()


def can_be_called(link: Link, endpoint: str) -> bool:
    """Whether a link has a key, and a lane for this endpoint."""
    return link.deployment.provider.usable and lane_of(link, endpoint) is not Lane.NONE


def lane_of(link: Link, endpoint: str) -> Lane:
    """The lane of a link for an endpoint."""
    return link.deployment.lane(ENDPOINTS[endpoint][0])


@dataclass(slots=True)
class _Course:
    """One request on its way: whom it called, who rests, and what it ends with."""

    case: Case
    least: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    strikes: Counter[str] = field(default_factory=Counter)
    resting: dict[str, Trait] = field(default_factory=dict)
    failed: list[Trait] = field(default_factory=list)
    passed_over: list[Link] = field(default_factory=list)
    malformed: Trait | None = None
    end: Expected | None = None

    def run(self) -> Expected:
        for link in self.case.chain.links:
            if can_be_called(link, self.case.endpoint) and self.end is None:
                self._visit(link)
        for link in list(self.passed_over):
            if self.end is None and all(rest.probed for rest in self._rests(link)):
                self.passed_over.remove(link)
                self._fail(link, probe=True)
        return self.end or self._ended(self.malformed.status if self.malformed else self._status())

    def _rests(self, link: Link) -> list[Trait]:
        names = (link.deployment.name, link.deployment.provider.name)
        return [self.resting[name] for name in names if name in self.resting]

    def _visit(self, link: Link) -> None:
        name = link.deployment.name
        if self._rests(link):
            self.passed_over.append(link)
        elif name in self.case.failing:
            self._fail(link, probe=False)
        else:
            self._call(name, Calls(least=1, most=1))
            self.end = self._ended(OK, served_by=name)

    def _fail(self, link: Link, *, probe: bool) -> None:
        name = link.deployment.name
        trait = TRAITS[self.case.failing[name]]
        moves_on = bool(getattr(self.case.toggles, trait.toggle))
        self.failed.append(trait)
        tries = self._tries(link, trait, probe=probe, moves_on=moves_on)
        if not trait.unsent:
            self._call(name, Calls(least=tries, most=tries + trait.uncounted))
        if trait.late:
            self.end = self._ended(OK, served_by=name, broken=True)
        elif self.malformed is not None:
            self.end = self._ended(self.malformed.status)
        elif not moves_on:
            self.end = self._ended(trait.status, stopped_by=trait.toggle)
        elif trait.one_more:
            self.malformed = trait

    def _tries(self, link: Link, trait: Trait, *, probe: bool, moves_on: bool) -> int:
        """How often a link is asked until it is left, and whether it rests then."""
        if trait.unsent:
            allowed = 1 + self.case.num_retries
        else:
            allowed = 1 + (trait.repeated and min(1, self.case.num_retries))
        tries, name = 0, link.deployment.name
        while tries < allowed:
            tries += 1
            self.strikes[name] += 1
            enough = probe or self.strikes[name] >= trait.patience
            if moves_on and enough and trait.rest is not Rest.NOTHING:
                self.resting[_resting_name(link, trait)] = trait
                break
        return tries

    def _call(self, name: str, calls: Calls) -> None:
        self.least[name] += calls.least
        self.most[name] += calls.most

    def _status(self) -> int:
        """The status when every link that can be called failed, and may."""
        rests = [max(self._rests(link), key=lambda rest: rest.rest_s) for link in self.passed_over]
        every = [*self.failed, *rests]
        if any(trait.heals for trait in every):
            if any(trait.limited for trait in every):
                return 429
            return 529 if ENDPOINTS[self.case.endpoint][0] is Protocol.ANTHROPIC_MESSAGES else 503
        too_long = [trait for trait in self.failed if trait.too_long]
        return (too_long or self.failed)[0].status

    def _ended(
        self,
        status: int,
        *,
        served_by: str | None = None,
        broken: bool = False,
        stopped_by: str | None = None,
    ) -> Expected:
        calls = {name: Calls(least=self.least[name], most=self.most[name]) for name in self.least}
        return Expected(
            served_by=served_by,
            status=status,
            calls=calls,
            broken=broken,
            stopped_by=stopped_by,
        )


def _resting_name(link: Link, trait: Trait) -> str:
    spec = link.deployment.provider.spec
    account = trait.rest is Rest.RATE_LIMITED and spec.rate_limit_scope is RateLimitScope.ACCOUNT
    if account or trait.rest is Rest.PROVIDER:
        return spec.name
    return link.deployment.name
