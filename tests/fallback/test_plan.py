from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from agentbox_cli.fallback.plan import CLASSICS, Check, Scope, plan
from agentbox_cli.fallback.rules import Calls
from agentbox_cli.fallback.scenarios import (
    EARLY,
    FAILURES,
    LATE,
    TRAITS,
    Group,
    Scenario,
    group_of,
)
from agentbox_cli.providers.resolved import Toggles
from tests.fallback.conftest import MakeChain

ON = Toggles()
FULL = Scope(full=True)
WAYS = {
    ("chat", False),
    ("chat", True),
    ("messages", False),
    ("messages", True),
    ("responses", False),
    ("responses", True),
    ("generate", False),
    ("generate", True),
}


def the(checks: list[Check], scenario: Scenario, reach: int = 1, **wanted: object) -> Check:
    found = [
        check
        for check in checks
        if check.scenario is scenario
        and check.failure is wanted.get("failure", check.failure)
        and check.reach == reach
        and check.endpoint == wanted.get("endpoint", "chat")
        and check.stream == wanted.get("stream", scenario in LATE)
        and check.switched_off == wanted.get("off", ())
    ]
    assert len(found) == 1, [check.name for check in found]
    return found[0]


def numbers(check: Check) -> dict[str, int]:
    assert all(calls.least == calls.most for calls in check.calls.values())
    return {name: calls.least for name, calls in check.calls.items()}


def test_everything_is_every_link_failure_endpoint_and_way_of_asking(
    chain_of: MakeChain,
) -> None:
    checks = plan([chain_of("a/1", "b/2", "c/3")], ON, 3, FULL)
    told = Counter((c.scenario, c.reach) for c in checks if c.scenario in FAILURES)
    assert told == {
        **{(scenario, reach): 8 for scenario in EARLY for reach in (1, 2)},
        **{(scenario, reach): 4 for scenario in LATE for reach in (1, 2, 3)},
    }
    down = Counter(check.failure for check in checks if check.scenario is Scenario.ALL_DOWN)
    assert down == dict.fromkeys(EARLY, 8)
    assert {(check.endpoint, check.stream) for check in checks} == WAYS
    assert len({check.id for check in checks}) == len(checks)


def test_a_selection_has_every_failure_and_the_usual_ones_in_every_way(
    chain_of: MakeChain,
) -> None:
    checks = plan([chain_of("a/1", "b/2", "c/3")], ON, 3)
    first = [check for check in checks if check.reach == 1]
    for classic in CLASSICS:
        asked = {(c.endpoint, c.stream) for c in first if c.scenario is classic}
        assert asked == WAYS, classic
    assert {check.scenario for check in checks} == set(Scenario)
    assert {check.scenario for check in checks if check.reach == 2} >= set(CLASSICS)
    assert len(checks) < len(plan([chain_of("a/1", "b/2", "c/3")], ON, 3, FULL)) / 4


def test_chains_vary_what_a_selection_leaves_out(chain_of: MakeChain) -> None:
    one, two = chain_of("a/1", "b/2"), replace(chain_of("a/1", "b/2"), alias="other")
    checks = plan([one, two], ON, 3)
    html = [(c.endpoint, c.stream) for c in checks if c.scenario is Scenario.HTML]
    assert len(set(html)) == 2


def test_only_the_scenarios_that_are_named_are_planned(chain_of: MakeChain) -> None:
    scope = Scope(full=True, scenarios=[Scenario.HTML, Scenario.RECOVERY])
    checks = plan([chain_of("a/1", "b/2")], ON, 3, scope)
    assert {check.scenario for check in checks} == {Scenario.HTML, Scenario.RECOVERY}


def test_each_toggle_is_off_once(chain_of: MakeChain) -> None:
    checks = plan([chain_of("a/1", "b/2")], ON, 3)
    off = [check for check in checks if check.switched_off]
    assert [(check.switched_off, check.status) for check in off] == [
        (("on_rate_limit",), 429),
        (("on_context_window",), 400),
        (("on_error",), 500),
        (("on_content_policy",), 400),
    ]
    assert {check.scenario for check in off} == {Scenario.TOGGLE_OFF}
    assert numbers(off[2]) == {"a/1": 2}
    assert off[2].expected == "its own 500"
    assert not any(check.users for check in off)


def test_the_users_own_toggles_hold_in_every_check(chain_of: MakeChain) -> None:
    checks = plan([chain_of("a/1", "b/2")], replace(ON, on_rate_limit=False), 3)
    assert all("on_rate_limit" in check.switched_off for check in checks)
    limited = [check for check in checks if check.scenario is Scenario.RATE_LIMIT]
    assert {(check.status, check.stopped_by, check.users) for check in limited} == {
        (429, "on_rate_limit", True)
    }


def test_a_single_link_is_not_checked(chain_of: MakeChain) -> None:
    assert plan([chain_of("a/1")], ON, 3, FULL) == []


def test_an_endpoint_without_a_lane_is_not_asked(chain_of: MakeChain) -> None:
    checks = plan([chain_of("a/1", "b/2", chat_only=True)], ON, 3)
    assert {check.endpoint for check in checks} == {"chat", "generate"}


@pytest.mark.parametrize(
    ("scenario", "calls"),
    [
        (Scenario.RATE_LIMIT, 1),
        (Scenario.CONTEXT_WINDOW, 1),
        (Scenario.SERVER_ERROR, 2),
        (Scenario.TIMEOUT, 1),
        (Scenario.AUTH, 1),
    ],
)
def test_the_next_link_answers(chain_of: MakeChain, scenario: Scenario, calls: int) -> None:
    check = the(plan([chain_of("a/1", "b/2")], ON, 3), scenario)
    assert check.served_by == "b/2"
    assert check.status == 200
    assert numbers(check) == {"a/1": calls, "b/2": 1}


def test_a_refused_connection_is_no_call(chain_of: MakeChain) -> None:
    check = the(plan([chain_of("a/1", "b/2")], ON, 3), Scenario.REFUSED)
    assert numbers(check) == {"b/2": 1}
    assert check.down == {"a"}


def test_a_kept_connection_may_cost_one_call_more(chain_of: MakeChain) -> None:
    check = the(plan([chain_of("a/1", "b/2")], ON, 3, FULL), Scenario.CLOSED)
    assert check.calls["a/1"] == Calls(least=1, most=2)


def test_without_retries_a_server_error_is_one_call(chain_of: MakeChain) -> None:
    check = the(plan([chain_of("a/1", "b/2")], ON, 0), Scenario.SERVER_ERROR)
    assert numbers(check) == {"a/1": 1, "b/2": 1}


def test_what_speaks_for_the_provider_skips_its_other_links(chain_of: MakeChain) -> None:
    checks = plan([chain_of("a/1", "a/2", "b/3")], ON, 3)
    assert numbers(the(checks, Scenario.AUTH)) == {"a/1": 1, "b/3": 1}
    assert numbers(the(checks, Scenario.REFUSED)) == {"b/3": 1}
    assert the(checks, Scenario.RATE_LIMIT).served_by == "a/2"
    account = plan([chain_of("a/1", "a/2", "b/3", account=("a",))], ON, 3)
    assert numbers(the(account, Scenario.RATE_LIMIT)) == {"a/1": 1, "b/3": 1}


def test_a_chain_of_one_provider_cannot_survive_its_absence(chain_of: MakeChain) -> None:
    checks = plan([chain_of("a/1", "a/2")], ON, 3)
    gone = the(checks, Scenario.ALL_DOWN, failure=Scenario.REFUSED)
    assert (gone.served_by, gone.status) == (None, 503)
    asked = the(checks, Scenario.ALL_DOWN, failure=Scenario.REFUSED, endpoint="messages")
    assert asked.status == 529
    assert the(checks, Scenario.AUTH).status == 401
    assert the(checks, Scenario.AUTH).expected == "nobody (401)"


def test_the_same_deployment_twice_is_not_asked_twice_while_it_cools(
    chain_of: MakeChain,
) -> None:
    checks = plan([chain_of("a/1", "a/1", "b/2")], ON, 3)
    assert numbers(the(checks, Scenario.TIMEOUT)) == {"a/1": 1, "b/2": 1}


def test_a_stream_that_breaks_late_stays_with_its_link(chain_of: MakeChain) -> None:
    checks = plan([chain_of("a/1", "b/2")], ON, 3, FULL)
    check = the(checks, Scenario.CUT_LATE)
    assert (check.served_by, check.broken, numbers(check)) == ("a/1", True, {"a/1": 1})
    second = the(checks, Scenario.CUT_LATE, reach=2)
    assert (second.served_by, numbers(second)) == ("b/2", {"a/1": 1, "b/2": 1})
    assert second.name == "cut-late of link 2"


def test_a_cooling_link_is_left_alone_by_the_next_request(chain_of: MakeChain) -> None:
    checks = plan([chain_of("a/1", "b/2")], ON, 3, FULL)
    cooling = {c.failure: c for c in checks if c.scenario is Scenario.COOLING}
    assert Scenario.CONTEXT_WINDOW not in cooling  # it speaks about the request
    assert Scenario.CUT not in cooling  # once is not enough
    assert numbers(cooling[Scenario.SERVER_ERROR]) == {"a/1": 2, "b/2": 2}
    assert len(cooling[Scenario.SERVER_ERROR].steps) == 2


def test_a_link_that_is_well_again_is_asked_again(chain_of: MakeChain) -> None:
    checks = plan([chain_of("a/1", "b/2")], ON, 3)
    check = next(c for c in checks if c.scenario is Scenario.RECOVERY)
    assert [step.served_by for step in check.steps] == ["b/2", "a/1"]
    assert numbers(check) == {"a/1": 2, "b/2": 1}
    assert check.waits


@pytest.mark.parametrize("scenario", Scenario)
def test_every_scenario_has_a_line_in_the_matrix(scenario: Scenario) -> None:
    assert group_of(scenario) in set(Group) - {Group.CHAIN}


def test_what_waits_is_what_hangs_or_breaks_late() -> None:
    waiting = {scenario for scenario in FAILURES if TRAITS[scenario].waits}
    assert waiting == {Scenario.TIMEOUT, Scenario.STALL, *LATE}


@pytest.mark.parametrize("scenario", Scenario)
def test_every_scenario_is_documented(scenario: Scenario) -> None:
    page = (Path(__file__).parents[2] / "docs" / "test-fallback.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert any(f"`{scenario}`" in row for row in rows)
