"""How much may be spent: dollars a day and a month, in all and by alias, provider and caller.

What was spent is read from the store once and then counted along; what calls under way may cost is
reserved, so that many at once do not all spend the last cent. Pure: times are given.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from agentbox_cli.config.spending import BudgetsConfig, LimitsConfig

NOTHING_CARRIED: Mapping["Budget", float] = MappingProxyType({})

# From this share of a budget on people are warned.
WARN_SHARE = 0.8


class Period(StrEnum):
    """What a budget is for; it begins at midnight of the machine's own time."""

    DAY = "day"
    MONTH = "month"

    def begin(self, now: float) -> float:
        """When the period began that a time lies in, in seconds since the epoch."""
        local = time.localtime(now)
        day = local.tm_mday if self is Period.DAY else 1
        return time.mktime((local.tm_year, local.tm_mon, day, 0, 0, 0, 0, 0, -1))

    def end(self, now: float) -> float:
        """When that period ends."""
        local = time.localtime(now)
        if self is Period.DAY:
            return time.mktime((local.tm_year, local.tm_mon, local.tm_mday + 1, 0, 0, 0, 0, 0, -1))
        return time.mktime((local.tm_year, local.tm_mon + 1, 1, 0, 0, 0, 0, 0, -1))


class Scope(StrEnum):
    """What a budget limits."""

    ALL = "all"
    ALIAS = "alias"
    PROVIDER = "provider"
    CALLER = "caller"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One limit of the config; `name` is the alias, provider or caller, empty for all."""

    scope: Scope
    name: str
    period: Period
    limit_usd: float

    @property
    def title(self) -> str:
        """Its name for people."""
        word = {Period.DAY: "daily", Period.MONTH: "monthly"}[self.period]
        return f"{word} budget" + (f" of {self.scope} {self.name}" if self.name else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spender:
    """On whose account a call is made."""

    alias: str
    provider: str
    caller: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a budget stands.

    Args:
        budget: which one.
        spent_usd: what was spent in this period.
        reserved_usd: what calls under way may add.
        resets_at: when the period ends, in seconds since the epoch.
    """

    budget: Budget
    spent_usd: float
    reserved_usd: float
    resets_at: float

    @property
    def share(self) -> float:
        """How much of it is gone, reserved dollars included; 1 for a budget of nothing."""
        if not self.budget.limit_usd:
            return 1.0
        return (self.spent_usd + self.reserved_usd) / self.budget.limit_usd


@dataclass(slots=True, kw_only=True)
class Account:
    """What is spent of one budget in one period.

    Args:
        began: when the period did, in seconds since the epoch.
        spent: dollars.
        carried: those among them that the store does not have.
    """

    began: float
    spent: float = 0.0
    carried: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reservation:
    """What a call under way may cost, until it is settled."""

    spender: Spender
    dollars: float
    budgets: tuple[Budget, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSpent:
    """What a store knows.

    Args:
        dollars: spent of each budget in its period of now.
        born_at: when the store was begun, in seconds since the epoch; it tells it from others.
        damaged: whether that was because the one before was damaged.
    """

    dollars: Mapping[Budget, float]
    born_at: float
    damaged: bool = False


# Told what a store knows.
TellSpent = Callable[[StoreSpent], None]


def budgets_of(config: BudgetsConfig) -> tuple[Budget, ...]:
    """All limits of a config."""
    return tuple(
        budget
        for scope, name, limits in _sections(config)
        for budget in _limits(scope, name, limits)
    )


def _sections(config: BudgetsConfig) -> Iterator[tuple[Scope, str, LimitsConfig]]:
    yield Scope.ALL, "", config
    for scope, named in (
        (Scope.ALIAS, config.per_alias),
        (Scope.PROVIDER, config.per_provider),
        (Scope.CALLER, config.per_caller),
    ):
        for name, limits in named.items():
            yield scope, name, limits


def _limits(scope: Scope, name: str, limits: LimitsConfig) -> Iterator[Budget]:
    for period, dollars in ((Period.DAY, limits.daily_usd), (Period.MONTH, limits.monthly_usd)):
        if dollars is not None:
            yield Budget(scope=scope, name=name, period=period, limit_usd=dollars)


@dataclass(slots=True)
class Ledger:
    """What is spent and reserved of each budget.

    Until `restore` has told what the store knows, and after `lose`, nobody can say what is left:
    `known` is False, and only free links may be called.

    Args:
        budgets: the limits.
        on_spent: told after each change of what is spent.
    """

    budgets: tuple[Budget, ...]
    known: bool = False
    on_spent: Callable[[], None] | None = None
    _accounts: dict[Budget, Account] = field(default_factory=dict)
    _reserved: dict[Budget, float] = field(default_factory=dict)

    def restore(
        self,
        spent: Mapping[Budget, float],
        now: float,
        carried: Mapping[Budget, float] = NOTHING_CARRIED,
    ) -> None:
        """Take over what was spent in the periods of now.

        Args:
            spent: what the store knows.
            now: seconds since the epoch.
            carried: what was spent besides.
        """
        for budget in self.budgets:
            more = carried.get(budget, 0.0)
            self._accounts[budget] = Account(
                began=budget.period.begin(now), spent=spent.get(budget, 0.0) + more, carried=more
            )
        self.known = True
        self._tell()

    def accounts(self, now: float) -> dict[Budget, Account]:
        """What is spent of each budget in the periods of now."""
        return {budget: self._account(budget, now) for budget in self.budgets}

    def spend(self, spender: Spender, dollars: float, now: float) -> None:
        """Count what a call has cost."""
        for budget in self.concerning(spender):
            self._account(budget, now).spent += dollars
        self._tell()

    def reserve(self, spender: Spender, dollars: float) -> Reservation:
        """Set aside what a call may cost."""
        concerned = tuple(self.concerning(spender))
        for budget in concerned:
            self._reserved[budget] = self._reserved.get(budget, 0.0) + dollars
        return Reservation(spender=spender, dollars=dollars, budgets=concerned)

    def settle(self, reservation: Reservation) -> None:
        """Give back what was set aside; what the call has cost is told by `spend`."""
        for budget in reservation.budgets:
            left = self._reserved.get(budget, 0.0) - reservation.dollars
            self._reserved[budget] = left if left > _DUST else 0.0

    def exceeded(self, spender: Spender, dollars: float, now: float) -> Standing | None:
        """The budget that does not allow a call of these dollars, the last to reset first."""
        standings = self.standings(now, self.concerning(spender))
        over = [standing for standing in standings if _forbids(standing, dollars)]
        return max(over, key=lambda standing: standing.resets_at, default=None)

    def standings(
        self, now: float, budgets: Iterable[Budget] | None = None
    ) -> tuple[Standing, ...]:
        """How budgets stand; all of them by default."""
        return tuple(
            Standing(
                budget=budget,
                spent_usd=self._account(budget, now).spent,
                reserved_usd=self._reserved.get(budget, 0.0),
                resets_at=budget.period.end(now),
            )
            for budget in (self.budgets if budgets is None else budgets)
        )

    def concerning(self, spender: Spender) -> Iterator[Budget]:
        """The budgets that a call counts in."""
        for budget in self.budgets:
            if budget.scope is Scope.ALL or getattr(spender, budget.scope) == budget.name:
                yield budget

    def _tell(self) -> None:
        if self.on_spent is not None:
            self.on_spent()

    def _account(self, budget: Budget, now: float) -> Account:
        began = budget.period.begin(now)
        account = self._accounts.get(budget)
        # A clock that was set back does not begin a new period: what was spent stays spent.
        if account is None or began > account.began:
            account = self._accounts[budget] = Account(began=began)
        return account


def _forbids(standing: Standing, dollars: float) -> bool:
    limit, gone = standing.budget.limit_usd, standing.spent_usd + standing.reserved_usd
    # A call whose price nobody knows is none of a used-up budget's either.
    return gone + dollars > limit or standing.spent_usd >= limit


# What sums of floats leave behind.
_DUST = 1e-12
