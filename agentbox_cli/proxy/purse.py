"""What a request may spend: the budgets of the config on the way down a chain.

A link that costs money is passed over when a budget does not allow what it may cost. Free links go
on. What a call may cost is set aside until the request is over, and then replaced by what it cost.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentbox_cli.providers.pricing import Counts, threshold
from agentbox_cli.providers.resolved import Link
from agentbox_cli.proxy.kept_spent import NOTHING_KEPT, KeptSpent, carried, worth_keeping
from agentbox_cli.proxy.story import Attempt
from agentbox_cli.proxy.verdict import BUDGET, Outcome
from agentbox_cli.usage.budgets import (
    WARN_SHARE,
    Ledger,
    Period,
    Reservation,
    Scope,
    Spender,
    Standing,
    StoreSpent,
)
from agentbox_cli.usage.counting import counts_of, tier_of
from agentbox_cli.usage.prices import Priced

# What an answer may have where neither the client nor the model's data say so.
USUAL_OUTPUT = 4_096
# Bytes of a request for one token, at the least: to reserve too much is the safe side.
BYTES_PER_TOKEN = 3
# Links that a warning names.
MOST_SHOWN = 3
# A request waits that long for what the store knows, once after a start.
PATIENCE = 5.0
UNKNOWN = "what was spent cannot be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a request asks for, so far as it makes it dear.

    Args:
        size: bytes of the request.
        max_tokens: tokens that an answer may have; None if it does not say.
        answers: how many it wants.
    """

    size: int
    max_tokens: int | None = None
    answers: int = 1


@dataclass(slots=True, kw_only=True)
class Budgets:
    """The budgets of a config, and what is known of them.

    Args:
        ledger: what was spent and is set aside.
        wall: seconds since the epoch.
        prices: what the deployments cost; None until that is read.
        kept: what an earlier run has counted.
        born_at: when the store was begun; None until it is read.
        unknown_before: nobody knows what was spent before this time; None if that is known.
    """

    ledger: Ledger
    wall: Callable[[], float] = time.time
    prices: Mapping[str, Priced] | None = None
    kept: KeptSpent = NOTHING_KEPT
    born_at: float | None = None
    unknown_before: float | None = None
    _known: asyncio.Event = field(default_factory=asyncio.Event)
    _begun: float = field(default_factory=time.monotonic)

    def learn_prices(self, prices: Mapping[str, Priced]) -> None:
        """Take over what the deployments cost."""
        self.prices = prices

    def learn_spent(self, store: StoreSpent) -> None:
        """Take over what the store knows; only once, for from then on we know it better."""
        if not self.ledger.known:
            now = self.wall()
            self.born_at = store.born_at
            self.unknown_before = self.kept.unknown_before
            if store.damaged and self.kept.store_born_at is None:
                self.unknown_before = store.born_at
            self.ledger.restore(store.dollars, now, carried(self.kept, store, now))
        self._known.set()

    def to_keep(self) -> KeptSpent | None:
        """What a later run should know; None while we do not know it ourselves."""
        if not self.ledger.known:
            return None
        accounts = self.ledger.accounts(self.wall())
        return worth_keeping(accounts, self.born_at, self.unknown_before)

    async def purse(self, alias: str, caller: str, wish: Wish) -> "Purse":
        """The purse of a request; waits a little where the store has not told yet.

        Args:
            alias: whose chain it goes down.
            caller: who asks.
            wish: what for.
        """
        if not self._known.is_set():
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._known.wait()
            except TimeoutError:
                self._known.set()  # nobody waits a second time; `ledger.known` stays False
        return Purse(budgets=self, alias=alias, caller=caller, wish=wish)

    def rows(self) -> list[dict[str, Any]]:
        """How all budgets stand, as JSON; what was spent is null until the store has told."""
        known = self.ledger.known
        return [_row(standing, known=known) for standing in self.ledger.standings(self.wall())]

    def spent_today(self) -> float | None:
        """The dollars of today; None if no budget counts all of them, or nobody knows."""
        standings = self.ledger.standings(self.wall()) if self.ledger.known else ()
        daily = (
            standing.spent_usd
            for standing in standings
            if (standing.budget.scope, standing.budget.period) == (Scope.ALL, Period.DAY)
        )
        return next(daily, None)

    def warnings(self) -> list[str]:
        """What people should know of them."""
        if not self.ledger.known:
            if time.monotonic() - self._begun < PATIENCE:
                return []  # it is being read
            return [f"budgets: {UNKNOWN}, so links that cost money are passed over"]
        standings = self.ledger.standings(self.wall())
        used = [share_used(standing) for standing in standings if standing.share >= WARN_SHARE]
        return [*used, *self._unpriced(), *self._not_in_the_store()]

    def _not_in_the_store(self) -> Iterator[str]:
        """What was spent and the store does not know of."""
        now = self.wall()
        accounts = self.ledger.accounts(now).values()
        carried_usd = max((account.carried for account in accounts), default=0.0)
        if carried_usd > 0 and self.born_at is not None:
            yield (
                f"budgets count ${carried_usd:,.4f} that the usage database does not have:"
                f" it was begun anew at {_minute(self.born_at)}"
            )
        before = self.unknown_before
        if before is not None and any(account.began < before for account in accounts):
            yield (
                f"budgets do not know what was spent before {_minute(before)}: the usage database"
                " was damaged"
            )

    def _unpriced(self) -> Iterator[str]:
        """Links whose calls no budget can count."""
        names = [name for name, one in (self.prices or {}).items() if one.price is None]
        if names:
            shown = ", ".join(names[:MOST_SHOWN]) + (", ..." if len(names) > MOST_SHOWN else "")
            yield (
                f"budgets do not count {shown}: no price is known"
                f" (agentbox litellm prices set {names[0]} --input 1 --output 2)"
            )


@dataclass(frozen=True, slots=True)
class LoopBudgets:
    """Tells budgets in their event loop what another thread found out."""

    loop: asyncio.AbstractEventLoop
    budgets: Budgets | None

    def learn_prices(self, prices: Mapping[str, Priced]) -> None:
        """Hand over what the deployments cost."""
        if self.budgets is not None:
            self.loop.call_soon_threadsafe(self.budgets.learn_prices, prices)

    def learn_spent(self, store: StoreSpent) -> None:
        """Hand over what the store knows."""
        if self.budgets is not None:
            self.loop.call_soon_threadsafe(self.budgets.learn_spent, store)


@dataclass(slots=True, kw_only=True)
class Purse:
    """What one request may spend; see `Budgets.purse`."""

    budgets: Budgets
    alias: str
    caller: str
    wish: Wish
    _held: list[tuple[Link, Reservation]] = field(default_factory=list)

    def forbids(self, link: Link) -> Outcome | None:
        """Why a link may not be called, if it costs more than a budget allows."""
        priced = self._priced(link)
        if priced is not None and priced.price is not None and priced.price.free:
            return None
        ledger, now = self.budgets.ledger, self.budgets.wall()
        spender = self._spender(link)
        if not any(True for _ in ledger.concerning(spender)):
            return None
        if not ledger.known:
            return Outcome(link=link, label=BUDGET, why=UNKNOWN)
        standing = ledger.exceeded(spender, self._estimate(link, priced), now)
        if standing is None:
            return None
        wait = max(standing.resets_at - now, 1.0)
        return Outcome(link=link, label=BUDGET, recovers_in=wait, why=used_up(standing))

    def reserve(self, link: Link) -> None:
        """Set aside what a call may cost."""
        dollars = self._estimate(link, self._priced(link))
        if dollars:
            held = self.budgets.ledger.reserve(self._spender(link), dollars)
            self._held.append((link, held))

    def settle(self, attempts: Iterable[Attempt]) -> None:
        """Give back what was set aside, and count what the calls have cost."""
        ledger, now = self.budgets.ledger, self.budgets.wall()
        for _, held in self._held:
            ledger.settle(held)
        self._held.clear()
        for attempt in attempts:
            if dollars := self._cost(attempt):
                ledger.spend(self._spender(attempt.call.link), dollars, now)

    def warning(self, link: Link) -> str | None:
        """What the client is told of a budget that is nearly used up."""
        concerned = self.budgets.ledger.concerning(self._spender(link))
        standings = self.budgets.ledger.standings(self.budgets.wall(), concerned)
        worst = max(standings, key=lambda standing: standing.share, default=None)
        return share_used(worst) if worst and worst.share >= WARN_SHARE else None

    def _spender(self, link: Link) -> Spender:
        return Spender(
            alias=self.alias, provider=link.deployment.provider.name, caller=self.caller
        )

    def _priced(self, link: Link) -> Priced | None:
        return (self.budgets.prices or {}).get(link.deployment.name)

    def _estimate(self, link: Link, priced: Priced | None) -> float:
        """What a call may cost at the most; 0 if nobody knows."""
        if priced is None or priced.price is None:
            return 0.0
        prompt = math.ceil(self.wish.size / BYTES_PER_TOKEN)
        if link.max_input_tokens is not None:
            prompt = min(prompt, link.max_input_tokens)  # images have many bytes for a token
        wanted = self.wish.max_tokens
        longest = priced.max_output_tokens or wanted or USUAL_OUTPUT
        output = min(wanted or USUAL_OUTPUT, longest) * self.wish.answers
        counts = Counts(fresh=prompt, output=output)
        return priced.price.cost(counts, over=threshold(prompt))

    def _cost(self, attempt: Attempt) -> float:
        priced = self._priced(attempt.call.link)
        if priced is None or priced.price is None:
            return 0.0
        spent = attempt.spent
        counts = counts_of(spent.protocol, spent.usage) if spent else None
        if spent is not None and counts is not None:
            tier = tier_of(spent.usage, spent.tier)
            return priced.price.cost(counts, tier=tier, over=threshold(counts.prompt))
        # Nobody says what it cost: then as much as it might have.
        unsure = attempt.maybe_charged or (attempt.kind is None and attempt.complete)
        return self._estimate(attempt.call.link, priced) if unsure else 0.0


def used_up(standing: Standing) -> str:
    """What keeps links that cost money from being called."""
    limit, left = standing.budget.limit_usd, standing.budget.limit_usd - standing.spent_usd
    until = _minute(standing.resets_at)
    state = "is used up" if left <= 0 else f"has ${max(left - standing.reserved_usd, 0):.4f} left"
    return f"the {standing.budget.title} of ${limit:,.2f} {state}, until {until}"


def _minute(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def share_used(standing: Standing) -> str:
    """How far a budget is used up."""
    return f"{standing.budget.title}: {standing.share:.0%} of ${standing.budget.limit_usd:,.2f}"


def _row(standing: Standing, *, known: bool) -> dict[str, Any]:
    """A budget as JSON."""
    budget = standing.budget
    return {
        "scope": budget.scope.value,
        "name": budget.name or None,
        "period": budget.period.value,
        "limit_usd": budget.limit_usd,
        "spent_usd": round(standing.spent_usd, 9) if known else None,
        "reserved_usd": round(standing.reserved_usd, 9),
        "resets_at": standing.resets_at,
    }
