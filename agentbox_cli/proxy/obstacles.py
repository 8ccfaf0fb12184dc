"""What keeps a link from being called for a request, before anybody has called it."""

from collections.abc import Callable
from typing import Protocol as Shape

import msgspec

from agentbox_cli.providers.resolved import Lane, Link, Toggles
from agentbox_cli.proxy.call import Needs
from agentbox_cli.proxy.memory import Memory
from agentbox_cli.proxy.verdict import (
    COOLING,
    EXHAUSTED,
    KEY_MISSING,
    PAUSED,
    PINNED,
    UNFIT,
    Outcome,
    cause_of,
    too_long,
)

# An estimate this much over a window is no matter of how tokens are counted.
SURELY = 1.2


class Spending(Shape):
    """What a request may spend on the links of its chain."""

    def forbids(self, link: Link) -> Outcome | None:
        """Why a link may not be called; None if it may."""

    def reserve(self, link: Link) -> None:
        """Set aside what a call may cost."""


class Obstacles(msgspec.Struct, frozen=True, kw_only=True):
    """What stands between one request and the links of its chain.

    Args:
        needs: what the request asks of a link.
        toggles: which failures move on to the next link.
        memory: what earlier requests learned.
        wall: gives seconds since the epoch, for quota windows.
        spending: what it may spend; None if nothing limits it.
    """

    needs: Needs
    toggles: Toggles
    memory: Memory
    wall: Callable[[], float]
    spending: Spending | None = None

    def before(self, link: Link, now: float) -> Outcome | None:
        """What keeps a link from being called now, if anything does."""
        return self._misfit(link) or self.kept_from(link, now) or self._too_dear(link)

    def gives_way(self, link: Link, now: float) -> bool:
        """Whether a link that cools may be called all the same, since nobody else answered."""
        return not self.kept_from(link, now, early=True) and self._too_dear(link) is None

    def kept_from(
        self, link: Link, now: float, *, delay: float = 0.0, early: bool = False
    ) -> Outcome | None:
        """What keeps a link from being called after `delay` seconds, if anything does."""
        if link.deployment.name in self.memory.paused:
            return Outcome(link=link, label=PAUSED)
        pause = self.memory.cooldowns.pause(link.deployment, now + delay)
        if pause is not None and not (early and pause.transient):
            return Outcome(
                link=link, label=COOLING, failure=cause_of(pause), recovers_in=pause.remaining
            )
        wait = self.memory.quotas.exhausted_for(link.deployment, self.wall() + delay)
        if wait is not None:
            return Outcome(link=link, label=EXHAUSTED, recovers_in=wait)
        return None

    def _too_dear(self, link: Link) -> Outcome | None:
        return self.spending.forbids(link) if self.spending else None

    def _misfit(self, link: Link) -> Outcome | None:
        """What keeps a link from serving this request at all, if anything does."""
        pinned = self.needs.pinned
        if pinned is not None and link.number not in pinned:
            return Outcome(link=link, label=PINNED)
        if not link.deployment.provider.usable:
            return Outcome(link=link, label=KEY_MISSING)
        lack = self._lack(link)
        if lack is not None:
            return Outcome(link=link, label=UNFIT, why=lack)
        window, tokens = link.max_input_tokens, self.needs.input_tokens
        too_small = window is not None and tokens > SURELY * window
        if too_small and self.toggles.on_context_window:
            return Outcome(link=link, label=UNFIT, failure=too_long([link], tokens))
        return None

    def _lack(self, link: Link) -> str | None:
        """What a link would have to have for this request; None if it lacks nothing."""
        deployment, needs = link.deployment, self.needs
        if needs.untranslated and not deployment.speaks(needs.protocol):
            return "its provider has no such endpoint, and nothing stands in for it"
        if deployment.lane(needs.protocol) is Lane.NONE:
            return "nothing translates such requests for it"
        known = deployment.model.capabilities
        missing = needs.capabilities - known if known is not None else frozenset[str]()
        return f"it does not take {' and '.join(sorted(missing))}" if missing else None
