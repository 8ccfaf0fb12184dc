from collections import Counter
from dataclasses import replace

import pytest

from agentbox_cli.fallback.scenarios import Check, Scenario, plan
from agentbox_cli.providers.resolved import Toggles
from tests.fallback.conftest import MakeChain

ON = Toggles()


def the(checks: list[Check], scenario: Scenario, failing: int = 1, **wanted: object) -> Check:
    found = [
        check
        for check in checks
        if check.scenario is scenario
        and len(check.failing) == failing
        and check.endpoint == wanted.get("endpoint", "chat")
        and check.stream == wanted.get("stream", False)
        and check.switched_off == wanted.get("off", ())
    ]
    assert len(found) == 1
    return found[0]


def test_each_link_but_the_last_fails_in_every_way_and_is_asked_in_every_way(
    chain_of: MakeChain,
) -> None:
    checks = plan([chain_of("a/1", "b/2", "c/3")], ON, 3)
    on = Counter((c.scenario, len(c.failing)) for c in checks if not c.switched_off)
    assert on == {(scenario, count): 4 for scenario in Scenario for count in (1, 2)}
    off = [check.switched_off for check in checks if check.switched_off]
    assert off == [("on_rate_limit",), ("on_context_window",), ("on_error",)]
    assert len({check.id for check in checks}) == len(checks)


def test_a_single_link_is_not_checked(chain_of: MakeChain) -> None:
    assert plan([chain_of("a/1")], ON, 3) == []


def test_an_endpoint_without_a_lane_is_not_asked(chain_of: MakeChain) -> None:
    checks = plan([chain_of("a/1", "b/2", chat_only=True)], ON, 3)
    assert {check.endpoint for check in checks} == {"chat"}


@pytest.mark.parametrize(
    ("scenario", "calls"),
    [
        (Scenario.RATE_LIMIT, 1),
        (Scenario.CONTEXT_WINDOW, 1),
        (Scenario.SERVER_ERROR, 2),
        (Scenario.TIMEOUT, 1),
        (Scenario.REFUSED, 0),
        (Scenario.AUTH, 1),
    ],
)
def test_the_next_link_answers(chain_of: MakeChain, scenario: Scenario, calls: int) -> None:
    check = the(plan([chain_of("a/1", "b/2")], ON, 3), scenario)
    assert check.served_by == "b/2"
    assert check.status == 200
    assert check.calls == {"a/1": calls, "b/2": 1}


def test_without_retries_a_server_error_is_one_call(chain_of: MakeChain) -> None:
    check = the(plan([chain_of("a/1", "b/2")], ON, 0), Scenario.SERVER_ERROR)
    assert check.calls == {"a/1": 1, "b/2": 1}


def test_with_the_toggle_off_the_links_own_error_comes_out(chain_of: MakeChain) -> None:
    checks = plan([chain_of("a/1", "b/2")], ON, 3)
    limited = the(checks, Scenario.RATE_LIMIT, off=("on_rate_limit",))
    assert (limited.served_by, limited.status, limited.calls) == (None, 429, {"a/1": 1})
    failed = the(checks, Scenario.SERVER_ERROR, off=("on_error",))
    assert (failed.served_by, failed.status, failed.calls) == (None, 500, {"a/1": 2})
    assert failed.expected == "its own 500"


def test_the_users_own_toggles_hold_in_every_check(chain_of: MakeChain) -> None:
    checks = plan([chain_of("a/1", "b/2")], replace(ON, on_rate_limit=False), 3)
    assert all("on_rate_limit" in check.switched_off for check in checks)
    limited = [check for check in checks if check.scenario is Scenario.RATE_LIMIT]
    assert {check.status for check in limited} == {429}


def test_what_speaks_for_the_provider_skips_its_other_links(chain_of: MakeChain) -> None:
    checks = plan([chain_of("a/1", "a/2", "b/3")], ON, 3)
    assert the(checks, Scenario.AUTH).calls == {"a/1": 1, "b/3": 1}
    assert the(checks, Scenario.REFUSED).calls == {"a/1": 0, "a/2": 0, "b/3": 1}
    assert the(checks, Scenario.RATE_LIMIT).served_by == "a/2"
    account = plan([chain_of("a/1", "a/2", "b/3", account=("a",))], ON, 3)
    assert the(account, Scenario.RATE_LIMIT).calls == {"a/1": 1, "b/3": 1}


def test_a_chain_of_one_provider_cannot_survive_its_absence(chain_of: MakeChain) -> None:
    checks = plan([chain_of("a/1", "a/2")], ON, 3)
    assert (the(checks, Scenario.REFUSED).served_by, the(checks, Scenario.REFUSED).status) == (
        None,
        503,
    )
    assert the(checks, Scenario.REFUSED, endpoint="messages").status == 529
    assert the(checks, Scenario.AUTH).status == 401
    assert the(checks, Scenario.AUTH).expected == "nobody (401)"


def test_the_same_deployment_twice_is_not_asked_twice_while_it_cools(
    chain_of: MakeChain,
) -> None:
    checks = plan([chain_of("a/1", "a/1", "b/2")], ON, 3)
    assert the(checks, Scenario.TIMEOUT).calls == {"a/1": 1, "b/2": 1}
