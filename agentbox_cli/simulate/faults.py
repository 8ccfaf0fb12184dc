"""Failures on command: what goes wrong, at which deployment, for whom, how often."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from agentbox_cli.simulate.wording import Wording


class FaultKind(StrEnum):
    """The ways in which a call can go wrong."""

    NONE = "none"
    STATUS = "status"
    HANG = "hang"
    STALL = "stall"
    CUT = "cut"
    CLEAN_CUT = "clean-cut"
    CLOSE = "close"
    GARBAGE = "garbage"
    ERROR_IN_200 = "error-in-200"
    ERROR_EVENT = "error-event"
    EMPTY_STREAM = "empty-stream"
    REDIRECT = "redirect"
    SLOW = "slow"
    GZIP = "gzip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to go wrong. It is plain data: `dataclasses.asdict` of it is JSON.

    `stall`, `cut` and `clean-cut` of an answer that is not streamed come in the middle of its
    body; `error-event` of such an answer is `error-in-200`.

    Args:
        kind: what happens. `none` answers well, with `headers` added and after `delay_s`.
            `hang` sends nothing at all, `stall` sends no more, `cut` drops the connection in
            the middle, `clean-cut` ends well but without the finish marker, `close` drops the
            connection without a byte, `slow` is `none` by another name.
        status: for `status`, and the tone of the error in `error-in-200` and `error-event`.
        wording: what the error says.
        headers: added to the answer, whatever it is.
        body: sent as it stands instead of the error or the garbage.
        location: where `redirect` points to; None for the same endpoint of the provider
            `redirected`, so that a caller who follows shows in the counts.
        after_events: how many right events come first.
        delay_s: seconds before each event, or before the answer.
        times: for how many calls; None for all.
    """

    kind: FaultKind = FaultKind.STATUS
    status: int = 500
    wording: Wording = Wording.PLAIN
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    location: str | None = None
    after_events: int = 0
    delay_s: float = 0.0
    times: int | None = None


RATE_LIMITED = Fault(status=429, headers={"retry-after": "30"})
DOWN = Fault(status=503)
HANGING = Fault(kind=FaultKind.HANG)
CONTEXT_TOO_LONG = Fault(status=400, wording=Wording.CONTEXT_WINDOW)

ANY_MODEL = "*"
BUILT_IN: Mapping[str, Fault | None] = {
    "simulated/echo": None,
    "simulated/rate-limited": RATE_LIMITED,
    "simulated/down": DOWN,
    "simulated/hang": HANGING,
}


class FaultTable:
    """The faults that wait for a call.

    A key is a check and a deployment. What is set for a check comes before what is set for
    everybody (None), and a deployment's own faults before those of `<provider>/*`.

    Attributes:
        otherwise: the fault of a deployment for which nothing is set.
    """

    def __init__(self) -> None:
        self.otherwise: Callable[[str], Fault | None] = BUILT_IN.get
        self._scripts: dict[tuple[str | None, str], deque[Fault]] = {}

    def put(self, deployment: str, *faults: Fault, check: str | None = None) -> None:
        """Let calls to a deployment meet these faults, one after the other; none mends it."""
        self._scripts[check, deployment] = deque(faults)

    def take(self, deployment: str, check: str | None) -> Fault | None:
        """Return the fault that this call meets, and use it up once."""
        if self._scripts:
            provider = deployment.partition("/")[0]
            for who in dict.fromkeys((check, None)):
                for key in (deployment, f"{provider}/{ANY_MODEL}"):
                    if script := self._scripts.get((who, key)):
                        return _next(script)
        return self.otherwise(deployment)

    def clear(self, check: str | None = None) -> None:
        """Forget the faults of one check, or with None all of them."""
        kept = {} if check is None else {k: v for k, v in self._scripts.items() if k[0] != check}
        self._scripts = kept


def _next(script: deque[Fault]) -> Fault:
    fault = script[0]
    if fault.times is not None:
        script.popleft()
        if fault.times > 1:
            script.appendleft(replace(fault, times=fault.times - 1))
    return fault
