"""How a simulated provider plays each failure."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from agentbox_cli.fallback.scenarios import RETRY_AFTER, Scenario
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Wording

# Nothing, said aloud: the simulated provider's own models fail by themselves.
FINE = Fault(kind=FaultKind.NONE)

# One event is never content; so many are some of it and not all, in each protocol.
_BEFORE_CONTENT = 1
_AFTER_CONTENT = 8
# LiteLLM gets the time to pass on what came before a stream breaks, on a busy machine too.
_BETWEEN_EVENTS = 0.3

_RETRY_AFTER = {"retry-after": str(RETRY_AFTER)}

_FAULTS: Mapping[Scenario, Fault] = MappingProxyType(
    {
        Scenario.RATE_LIMIT: Fault(status=429, headers=_RETRY_AFTER),
        Scenario.QUOTA: Fault(status=429, wording=Wording.QUOTA),
        Scenario.CONTEXT_WINDOW: Fault(status=400, wording=Wording.CONTEXT_WINDOW),
        Scenario.CONTEXT_VLLM: Fault(status=400, wording=Wording.VLLM_CONTEXT_WINDOW),
        Scenario.CONTEXT_413: Fault(status=413),
        Scenario.SERVER_ERROR: Fault(status=500),
        Scenario.UNAVAILABLE: Fault(status=503),
        Scenario.OVERLOADED: Fault(status=529),
        Scenario.TIMEOUT: Fault(kind=FaultKind.HANG),
        Scenario.STALL: Fault(kind=FaultKind.STALL, after_events=_BEFORE_CONTENT),
        Scenario.CLOSED: Fault(kind=FaultKind.CLOSE),
        Scenario.CUT: Fault(kind=FaultKind.CUT, after_events=_BEFORE_CONTENT),
        Scenario.AUTH: Fault(status=401),
        Scenario.FORBIDDEN: Fault(status=403),
        Scenario.NOT_FOUND: Fault(status=404),
        Scenario.PAYMENT: Fault(status=402),
        Scenario.UNSUPPORTED: Fault(status=400, wording=Wording.UNSUPPORTED),
        Scenario.BAD_REQUEST: Fault(status=400),
        Scenario.UNPROCESSABLE: Fault(status=422, wording=Wording.DETAIL),
        Scenario.CONTENT_POLICY: Fault(status=400, wording=Wording.CONTENT_POLICY),
        Scenario.HTML: Fault(kind=FaultKind.GARBAGE, status=502),
        Scenario.TRUNCATED: Fault(kind=FaultKind.CLEAN_CUT, after_events=_BEFORE_CONTENT),
        Scenario.EMPTY: Fault(kind=FaultKind.EMPTY_STREAM),
        Scenario.ERROR_IN_200: Fault(kind=FaultKind.ERROR_EVENT, status=429),
        Scenario.CUT_LATE: Fault(kind=FaultKind.CUT, after_events=_AFTER_CONTENT),
        Scenario.TRUNCATED_LATE: Fault(kind=FaultKind.CLEAN_CUT, after_events=_AFTER_CONTENT),
        Scenario.STALL_LATE: Fault(kind=FaultKind.STALL, after_events=_AFTER_CONTENT),
        Scenario.ERROR_LATE: Fault(kind=FaultKind.ERROR_EVENT, after_events=_AFTER_CONTENT),
    }
)


def fault_of(failure: Scenario | None, *, translated: bool) -> Fault:
    """What a simulated provider does for a failure; a refused connection it cannot do itself.

    Args:
        failure: how its deployment fails; None if it answers.
        translated: whether LiteLLM stands between.
    """
    fault = FINE if failure is None else _FAULTS.get(failure, FINE)
    if translated and fault.after_events == _AFTER_CONTENT:
        return replace(fault, delay_s=_BETWEEN_EVENTS)
    return fault
