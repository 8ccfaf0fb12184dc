from collections.abc import Mapping
from dataclasses import replace

import pytest

from agentbox_cli.fallback.asking import Seen
from agentbox_cli.fallback.plan import Check, Scope, plan
from agentbox_cli.fallback.scenarios import Group, Scenario
from agentbox_cli.fallback.verdicts import Outcome, Report, judge, planned
from agentbox_cli.providers.resolved import Toggles
from tests.fallback.conftest import MakeChain

GOOD = Seen(status=200, served_by="b/2", answer="[b/2] you said", complete=True, elapsed_ms=1.0)
CALLS = {"a/1": 1, "b/2": 1}


def one(chain_of: MakeChain, scenario: Scenario, toggles: Toggles | None = None) -> Check:
    scope = Scope(full=True, scenarios=[scenario])
    return plan([chain_of("a/1", "b/2")], toggles or Toggles(), 3, scope)[0]


@pytest.fixture
def check(chain_of: MakeChain) -> Check:
    return one(chain_of, Scenario.RATE_LIMIT)


def test_what_is_as_expected_holds(check: Check) -> None:
    row = judge(check, [GOOD], CALLS)
    assert (row.outcome, row.why, row.hint) == (Outcome.HOLDS, None, None)
    assert row.group is Group.RATE_LIMIT


@pytest.mark.parametrize(
    ("seen", "calls", "told"),
    [
        (replace(GOOD, status=429, served_by=None, answer="no"), CALLS, "answered 429, not 200"),
        (replace(GOOD, served_by="a/1"), CALLS, "served by a/1, not b/2"),
        (GOOD, {"a/1": 2, "b/2": 1}, "a/1 got 2 calls, not 1"),
        (GOOD, {"a/1": 1, "b/2": 0}, "b/2 got 0 calls, not 1"),
        (replace(GOOD, complete=False), CALLS, "not complete"),
        (replace(GOOD, broken=True), CALLS, "not complete"),
        (replace(GOOD, answer="[a/1] you said"), CALLS, "a wrong answer"),
        (replace(GOOD, status=None, answer="it hung up"), CALLS, "answered nothing, not 200"),
    ],
)
def test_whatever_differs_is_told(
    check: Check, seen: Seen, calls: Mapping[str, int], told: str
) -> None:
    row = judge(check, [seen], calls)
    assert row.outcome is Outcome.BREAKS
    assert told in (row.why or "")
    assert "--scenario rate-limit --full --json" in (row.hint or "")


CUT = replace(GOOD, served_by="a/1", answer="[a/1] you", complete=False, broken=True)


def test_a_stream_that_breaks_late_must_say_so(chain_of: MakeChain) -> None:
    check = one(chain_of, Scenario.CUT_LATE)
    assert judge(check, [CUT], {"a/1": 1, "b/2": 0}).ok
    silent = judge(check, [replace(CUT, broken=False)], {"a/1": 1, "b/2": 0})
    assert "without the error event" in (silent.why or "")
    whole = judge(check, [replace(CUT, complete=True)], {"a/1": 1, "b/2": 0})
    assert "looks complete" in (whole.why or "")


def test_of_several_requests_the_wrong_one_is_named(chain_of: MakeChain) -> None:
    check = one(chain_of, Scenario.COOLING)
    row = judge(check, [GOOD, replace(GOOD, served_by="a/1")], {"a/1": 1, "b/2": 2})
    assert row.why == "request 2 was served by a/1, not b/2"


def test_what_the_users_toggle_stops_is_no_failure(chain_of: MakeChain) -> None:
    off = Toggles(on_rate_limit=False)
    check = one(chain_of, Scenario.RATE_LIMIT, off)
    seen = Seen(status=429, served_by=None, answer="wait", complete=True, elapsed_ms=1.0)
    row = judge(check, [seen], {"a/1": 1, "b/2": 0})
    assert (row.outcome, row.ok, row.stopped_by) == (Outcome.STOPS, True, "on_rate_limit")


def test_a_report_fails_with_one_of_its_rows(check: Check) -> None:
    good, wrong = judge(check, [GOOD], CALLS), judge(check, [GOOD], {"a/1": 5})
    assert Report(rows=(good, planned(check)), elapsed_s=0.0).ok
    assert not Report(rows=(good, wrong), elapsed_s=0.0).ok
