"""docs/fallbacks.md: every kind, label and setting stands there, and a test holds each row."""

import re
from pathlib import Path

import pytest

from agentbox_cli.config.model import FallbacksConfig, RouterConfig
from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy import headers, verdict

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/fallbacks.md").read_text(encoding="utf-8")
FACTS = PAGE.partition("## Prove it")[0]

CHAIN, MEMORY, FAILOVER = (
    "proxy/test_chain.py",
    "proxy/test_chain_memory.py",
    "proxy/test_failover.py",
)
RELAY, CONTEXT, REPLY = "proxy/test_relay.py", "proxy/test_context.py", "proxy/test_reply.py"
TIME, APP, LANE = "proxy/test_time.py", "proxy/test_app.py", "proxy/test_engine_lane.py"
PURSE = "proxy/test_purse.py"
SECOND = (FAILOVER, "test_the_second_link_answers_when_the_first_fails")
MOVES_ON = (CHAIN, "test_a_failure_that_moves_on_pauses_what_it_speaks_for")
BROKEN = (RELAY, "test_a_stream_that_breaks_after_content_ends_with_the_protocols_own_error")

# How a row begins, and the tests that hold it.
HELD_BY: dict[str, list[tuple[str, str]]] = {
    "another link made": [
        ("proxy/test_state.py", "test_a_conversation_goes_on_at_the_link_that_began_it"),
        ("proxy/test_state.py", "test_a_link_that_is_left_alone_is_a_409_with_the_time"),
        ("proxy/test_state.py", "test_a_restart_does_not_forget_who_made_what"),
    ],
    "`throttle`": [
        SECOND,
        MOVES_ON,
        (CHAIN, "test_the_last_link_waits_out_a_short_retry_after_once"),
    ],
    "`quota`": [SECOND, (MEMORY, "test_what_somebody_has_to_mend_warns_until_the_next_success")],
    "`context_window`": [
        SECOND,
        ("proxy/test_cooldown.py", "test_what_speaks_about_the_request_never_pauses"),
    ],
    "`server`": [SECOND, (CHAIN, "test_a_primary_that_answers_500_gets_two_calls_and_then_none")],
    "`timeout`": [SECOND, (TIME, "test_a_hanging_first_link_costs_its_own_timeout_once")],
    "`connection`: refused": [
        (FAILOVER, "test_a_refused_connection_is_retried_and_then_the_next_link_answers")
    ],
    "`connection`: closed": [SECOND, (CHAIN, "test_what_may_still_be_under_way_is_not_retried")],
    "`auth`": [SECOND, (MEMORY, "test_what_somebody_has_to_mend_warns_until_the_next_success")],
    "`payment`": [SECOND, (MEMORY, "test_what_somebody_has_to_mend_warns_until_the_next_success")],
    "`forbidden`": [SECOND, MOVES_ON],
    "`not_found`": [SECOND, MOVES_ON],
    "`unsupported`": [
        MOVES_ON,
        ("proxy/test_chain_over_http.py", "test_calls_and_answers_are_those_of_the_rules"),
    ],
    "`content_policy`": [
        ("proxy/test_errors_in_200.py", "test_the_next_link_answers_what_the_first_filtered"),
        (
            "proxy/test_errors_in_200.py",
            "test_with_the_toggle_off_a_filtered_answer_passes_as_it_is",
        ),
        MOVES_ON,
    ],
    "`bad_request`: 400": [SECOND, (CHAIN, "test_a_bad_request_tries_at_most_one_more_link")],
    "a kept connection": [
        (
            "proxy/test_upstream.py",
            "test_the_proxy_tries_a_closed_connection_once_more_and_blames_nobody",
        )
    ],
    "`store` or": [(CHAIN, "test_what_is_not_repeatable_is_never_repeated_once_sent")],
    "a budget does not allow": [
        (PURSE, "test_paid_links_are_passed_over_when_the_budget_is_used_up"),
        (PURSE, "test_without_a_free_link_the_client_is_told_the_budget_and_its_reset"),
    ],
    "it failed a moment ago": [
        (MEMORY, "test_when_the_pause_ends_one_request_probes_and_the_others_go_on_skipping")
    ],
    "a quota window": [
        ("proxy/test_lanes.py", "test_a_quota_at_zero_skips_the_link_before_a_429")
    ],
    "somebody has paused it": [
        (MEMORY, "test_a_paused_link_is_passed_over_until_it_goes_on"),
        (MEMORY, "test_a_paused_link_is_never_probed"),
    ],
    "its provider's key": [("proxy/test_server.py", "test_the_status_tells_what_the_links_do")],
    "the prompt is surely too long for it": [
        (CONTEXT, "test_a_link_that_is_surely_too_small_is_not_called")
    ],
    "the request uses tools": [
        (CHAIN, "test_a_link_that_is_known_to_lack_what_a_request_needs_is_skipped")
    ],
    "nothing translates": [(FAILOVER, "test_a_protocol_that_nobody_translates_is_a_bad_request")],
    "it fails before its first content": [SECOND],
    "it breaks, stalls or ends": [
        BROKEN,
        (RELAY, "test_the_openai_sdk_raises_when_a_chat_stream_breaks"),
    ],
    "it pauses for longer": [
        BROKEN,
        (TIME, "test_a_pause_is_measured_by_the_links_own_stream_timeout"),
    ],
    "a link thinks for long": [
        (
            "proxy/test_exchange.py",
            "test_after_a_long_silence_keep_alives_begin_and_the_answer_follows",
        )
    ],
    "a long answer keeps flowing": [(TIME, "test_a_stream_that_flows_is_never_cut")],
    "the client hangs up": [
        (RELAY, "test_a_client_that_leaves_amid_a_stream_ends_the_call_upstream")
    ],
    "a toggle was off": [
        (FAILOVER, "test_with_its_toggle_off_the_links_own_error_passes_as_it_is")
    ],
    "`bad_request` of two links": [(CHAIN, "test_a_bad_request_tries_at_most_one_more_link")],
    "some link will recover, and a rate limit": [
        (FAILOVER, "test_when_all_links_are_rate_limited_the_client_gets_a_429")
    ],
    "some link will recover, of faults": [
        (FAILOVER, "test_when_all_links_are_down_the_client_gets_a_503_or_anthropics_529")
    ],
    "the prompt is too long for every link": [
        (CONTEXT, "test_what_the_last_link_itself_says_of_the_length_is_passed_on")
    ],
    "the prompt is surely too long for every": [
        (CONTEXT, "test_where_all_are_too_small_the_openai_sdk_raises_what_agents_look_for")
    ],
    "every link failed for a reason": [(CHAIN, "test_when_all_links_fail_alike")],
    "no link fits": [(REPLY, "test_what_no_link_can_do_is_the_clients_error")],
    "no link was called, and some cool": [
        (MEMORY, "test_no_link_is_called_that_cools_for_a_reason_of_somebody"),
        (REPLY, "test_a_chain_that_somebody_has_to_mend_says_what_and_promises_no_time"),
    ],
    "no link has a key": [(REPLY, "test_a_chain_without_keys_cannot_say_when")],
    "`total_timeout` is over": [(TIME, "test_all_links_together_have_the_total_time")],
    "LiteLLM is starting": [(LANE, "test_an_engine_that_is_down_says_when_to_come_back")],
    "LiteLLM died": [
        (
            "e2e/test_engine.py",
            "test_when_litellm_is_killed_direct_calls_go_on_and_translated_ones_wait",
        )
    ],
    "agentbox is restarted": [
        ("proxy/test_limits.py", "test_a_next_run_goes_on_where_the_last_one_ended"),
        ("proxy/test_keeper.py", "test_what_a_restart_may_mend_is_not"),
        ("e2e/test_daemon.py", "test_an_open_stream_finishes_before_the_daemon_stops"),
    ],
    "an unknown model name": [(APP, "test_an_unknown_model_is_a_404_with_a_suggestion")],
    "the body is no request": [(APP, "test_a_body_that_is_no_request_is_a_400")],
    "agentbox itself fails": [(APP, "test_a_fault_of_ours_is_a_500_without_details")],
}


def rows() -> list[str]:
    return [
        line.strip("| ")
        for line in FACTS.splitlines()
        if line.startswith("|") and not line.startswith(("|---", "| what happened"))
    ]


@pytest.mark.parametrize("row", rows())
def test_a_test_holds_every_row(row: str) -> None:
    [tests] = [tests for begins, tests in HELD_BY.items() if row.startswith(begins)]
    for file, name in tests:
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), name


def test_no_row_is_gone() -> None:
    assert [b for b in HELD_BY if not any(row.startswith(b) for row in rows())] == []


def test_every_kind_has_a_row() -> None:
    told = {kind for row in rows() for kind in re.findall(r"^`(\w+)`:", row)}
    assert {kind.value for kind in ErrorKind} <= told


def test_every_label_of_a_link_that_is_not_called_stands_there() -> None:
    labels = {verdict.COOLING, verdict.EXHAUSTED, verdict.KEY_MISSING, verdict.UNFIT}
    labels |= {verdict.BUDGET, verdict.PAUSED, verdict.PINNED}
    assert set(re.findall(r"\(`(skipped-[\w-]+)`\)", FACTS)) == labels


def test_every_toggle_and_every_setting_of_the_router_is_told() -> None:
    for section, model in (("fallbacks", FallbacksConfig), ("router", RouterConfig)):
        for name in model.model_fields:
            assert f"`{section}.{name}`" in PAGE


def test_every_header_is_told_but_the_alias() -> None:
    for name in (headers.SERVED_BY, headers.LINK, headers.ATTEMPTS, headers.REQUEST_ID):
        assert f"`{name}`" in PAGE
