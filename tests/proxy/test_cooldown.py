import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.providers.model import ErrorKind, RateLimitScope
from agentbox_cli.providers.resolved import Deployment
from agentbox_cli.proxy.cooldown import NO_PROBE, Cooldowns
from tests.proxy.builders import deployment, spec

ONE = deployment("alpha", "one")
TWO = deployment("alpha", "two")
OTHER = deployment("beta", "one")


@pytest.fixture
def cooldowns() -> Cooldowns:
    return Cooldowns(60.0)


def left(cooldowns: Cooldowns, of: Deployment, now: float = 0.0) -> float | None:
    pause = cooldowns.pause(of, now)
    return None if pause is None else pause.remaining


def test_nothing_is_paused_at_first(cooldowns: Cooldowns) -> None:
    assert cooldowns.pause(ONE, 0.0) is None
    assert cooldowns.claim(ONE) == NO_PROBE


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [(None, 60.0), (7.0, 7.0), (0.5, 0.5), (600.0, 600.0), (601.0, 600.0), (1e9, 600.0)],
)
def test_a_throttled_link_rests_as_long_as_the_provider_says_but_ten_minutes_at_most(
    cooldowns: Cooldowns, retry_after: float | None, seconds: float
) -> None:
    cooldowns.failed(ONE, ErrorKind.THROTTLE, 100.0, retry_after=retry_after)
    assert left(cooldowns, ONE, 100.0) == seconds
    assert left(cooldowns, ONE, 100.0 + seconds) is None


def test_a_retry_after_of_nothing_is_no_cooldown(cooldowns: Cooldowns) -> None:
    cooldowns.failed(ONE, ErrorKind.THROTTLE, 0.0, retry_after=0.0)
    assert left(cooldowns, ONE) is None


def test_the_users_own_cooldown_may_be_longer_than_ten_minutes() -> None:
    cooldowns = Cooldowns(1_800.0)
    cooldowns.failed(ONE, ErrorKind.THROTTLE, 0.0)
    assert left(cooldowns, ONE) == 1_800.0


def test_a_cooldown_of_zero_switches_the_pauses_of_throttles_and_faults_off() -> None:
    cooldowns = Cooldowns(0.0)
    for _ in range(5):
        cooldowns.failed(ONE, ErrorKind.THROTTLE, 0.0)
        cooldowns.failed(ONE, ErrorKind.SERVER, 0.0)
        cooldowns.failed(ONE, ErrorKind.TIMEOUT, 0.0)
    assert left(cooldowns, ONE) is None


def test_a_throttle_speaks_for_the_model_or_for_the_account(cooldowns: Cooldowns) -> None:
    shared = spec("saia", scope=RateLimitScope.ACCOUNT)
    one, two = deployment(shared, "one"), deployment(shared, "two")
    cooldowns.failed(ONE, ErrorKind.THROTTLE, 0.0)
    cooldowns.failed(one, ErrorKind.THROTTLE, 0.0)
    assert left(cooldowns, TWO) is None
    assert left(cooldowns, two) == 60.0


@pytest.mark.parametrize("kind", [ErrorKind.AUTH, ErrorKind.PAYMENT, ErrorKind.QUOTA])
def test_what_the_account_lacks_pauses_the_whole_provider_for_ten_minutes(
    cooldowns: Cooldowns, kind: ErrorKind
) -> None:
    cooldowns.failed(ONE, kind, 0.0, retry_after=3.0)
    assert left(cooldowns, ONE) == left(cooldowns, TWO) == 600.0
    assert left(cooldowns, OTHER) is None


@pytest.mark.parametrize("kind", [ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND])
def test_what_the_deployment_lacks_pauses_it_alone_for_ten_minutes(
    cooldowns: Cooldowns, kind: ErrorKind
) -> None:
    cooldowns.failed(ONE, kind, 0.0)
    assert left(cooldowns, ONE) == 600.0
    assert left(cooldowns, TWO) is None


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.CONTEXT_WINDOW,
        ErrorKind.BAD_REQUEST,
        ErrorKind.UNSUPPORTED,
        ErrorKind.CONTENT_POLICY,
    ],
)
def test_what_speaks_about_the_request_never_pauses(cooldowns: Cooldowns, kind: ErrorKind) -> None:
    for _ in range(5):
        cooldowns.failed(ONE, kind, 0.0, retry_after=30.0)
    assert left(cooldowns, ONE) is None


def test_a_timeout_pauses_at_once_for_five_seconds(cooldowns: Cooldowns) -> None:
    cooldowns.failed(ONE, ErrorKind.TIMEOUT, 0.0)
    assert left(cooldowns, ONE) == 5.0
    assert left(cooldowns, TWO) is None


@pytest.mark.parametrize("kind", [ErrorKind.SERVER, ErrorKind.CONNECTION])
def test_a_fault_pauses_when_it_comes_twice_in_a_row(
    cooldowns: Cooldowns, kind: ErrorKind
) -> None:
    cooldowns.failed(ONE, kind, 0.0)
    assert left(cooldowns, ONE) is None
    cooldowns.failed(ONE, kind, 1.0)
    assert left(cooldowns, ONE, 1.0) == 5.0


def test_an_answer_in_between_begins_the_row_anew(cooldowns: Cooldowns) -> None:
    cooldowns.failed(ONE, ErrorKind.SERVER, 0.0)
    cooldowns.succeeded(ONE)
    cooldowns.failed(ONE, ErrorKind.SERVER, 1.0)
    assert left(cooldowns, ONE, 1.0) is None


def test_a_pause_doubles_with_each_failed_probe_up_to_the_default(cooldowns: Cooldowns) -> None:
    now, pauses = 0.0, []
    cooldowns.failed(ONE, ErrorKind.TIMEOUT, now)
    for _ in range(6):
        remaining = left(cooldowns, ONE, now)
        assert remaining is not None
        pauses.append(remaining)
        now += remaining
        assert left(cooldowns, ONE, now) is None
        probe = cooldowns.claim(ONE)
        assert probe
        cooldowns.failed(ONE, ErrorKind.SERVER, now, probe=probe)
    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_an_answered_probe_forgets_everything(cooldowns: Cooldowns) -> None:
    cooldowns.failed(ONE, ErrorKind.TIMEOUT, 0.0)
    cooldowns.failed(ONE, ErrorKind.SERVER, 5.0, probe=cooldowns.claim(ONE))
    cooldowns.succeeded(ONE, probe=cooldowns.claim(ONE))
    assert left(cooldowns, ONE, 5.0) is None
    cooldowns.failed(ONE, ErrorKind.SERVER, 6.0)
    assert left(cooldowns, ONE, 6.0) is None
    cooldowns.failed(ONE, ErrorKind.SERVER, 6.0)
    assert left(cooldowns, ONE, 6.0) == 5.0


def test_calls_that_were_under_way_neither_lengthen_nor_end_a_pause(cooldowns: Cooldowns) -> None:
    cooldowns.failed(ONE, ErrorKind.TIMEOUT, 0.0)
    cooldowns.failed(ONE, ErrorKind.TIMEOUT, 4.0)
    cooldowns.succeeded(ONE)
    assert left(cooldowns, ONE, 4.0) == 1.0


def test_calls_that_were_under_way_do_not_shorten_a_pause(cooldowns: Cooldowns) -> None:
    cooldowns.failed(ONE, ErrorKind.THROTTLE, 0.0, retry_after=300.0)
    cooldowns.failed(ONE, ErrorKind.THROTTLE, 1.0, retry_after=2.0)
    assert left(cooldowns, ONE, 1.0) == 299.0


def test_a_refused_key_is_not_forgotten_over_a_throttle_of_the_same_account(
    cooldowns: Cooldowns,
) -> None:
    shared = deployment(spec("saia", scope=RateLimitScope.ACCOUNT))
    cooldowns.failed(shared, ErrorKind.AUTH, 0.0)
    cooldowns.failed(shared, ErrorKind.THROTTLE, 1.0, retry_after=1.0)
    assert left(cooldowns, shared, 2.0) == 598.0


def test_a_late_failure_does_not_set_a_doubled_pause_back_to_five_seconds(
    cooldowns: Cooldowns,
) -> None:
    cooldowns.failed(ONE, ErrorKind.TIMEOUT, 0.0)
    cooldowns.failed(ONE, ErrorKind.SERVER, 5.0, probe=cooldowns.claim(ONE))
    assert left(cooldowns, ONE, 5.0) == 10.0
    cooldowns.failed(ONE, ErrorKind.SERVER, 15.0)  # it had begun before the pause
    assert left(cooldowns, ONE, 15.0) == 10.0


def test_one_request_at_a_time_probes_and_the_others_go_on_skipping(cooldowns: Cooldowns) -> None:
    cooldowns.failed(ONE, ErrorKind.TIMEOUT, 0.0)
    probe = cooldowns.claim(ONE)
    assert probe
    assert cooldowns.claim(ONE) == NO_PROBE
    pause = cooldowns.pause(ONE, 100.0)
    assert pause is not None
    assert (pause.remaining, pause.transient) == (0.0, False)
    cooldowns.release(probe)
    assert cooldowns.pause(ONE, 100.0) is None
    assert cooldowns.claim(ONE) == probe


def test_giving_a_probe_back_leaves_the_probe_of_another_alone(cooldowns: Cooldowns) -> None:
    cooldowns.failed(ONE, ErrorKind.TIMEOUT, 0.0)
    mine = cooldowns.claim(ONE)
    cooldowns.failed(TWO, ErrorKind.AUTH, 0.0)
    theirs = cooldowns.claim(TWO)
    assert theirs
    cooldowns.failed(ONE, ErrorKind.SERVER, 700.0, probe=mine)
    assert cooldowns.claim(TWO) == NO_PROBE
    assert cooldowns.pause(TWO, 700.0) is not None


def test_a_link_that_is_down_at_a_provider_that_refuses_the_key_is_not_probed_early(
    cooldowns: Cooldowns,
) -> None:
    slow = Cooldowns(3_600.0)
    slow.failed(TWO, ErrorKind.AUTH, 0.0)
    slow.failed(ONE, ErrorKind.TIMEOUT, 0.0)
    for now in (5.0, 15.0, 35.0, 75.0, 155.0, 315.0):  # its own pause becomes the longer one
        slow.failed(ONE, ErrorKind.SERVER, now, probe=slow.claim(ONE))
    pause = slow.pause(ONE, 315.0)
    assert pause is not None
    assert pause.kind is ErrorKind.SERVER
    assert not pause.transient


def test_only_faults_may_be_probed_early(cooldowns: Cooldowns) -> None:
    found = {}
    for kind in ErrorKind:
        each = deployment(f"of-{kind}")
        cooldowns.failed(each, kind, 0.0)
        cooldowns.failed(each, kind, 0.0)
        pause = cooldowns.pause(each, 0.0)
        if pause is not None:
            found[kind] = pause.transient
    assert {kind for kind, early in found.items() if early} == {
        ErrorKind.SERVER,
        ErrorKind.TIMEOUT,
        ErrorKind.CONNECTION,
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ONE, TWO, OTHER]),
            st.sampled_from(ErrorKind),
            st.one_of(st.none(), st.floats(0, 1e6)),
            st.booleans(),
            st.floats(0, 50),
        ),
        max_size=30,
    )
)
def test_no_pause_outlasts_ten_minutes_by_default_and_every_pause_ends(
    events: list[tuple[Deployment, ErrorKind, float | None, bool, float]],
) -> None:
    cooldowns, now = Cooldowns(60.0), 0.0
    for of, kind, retry_after, probing, passed in events:
        now += passed
        probe = cooldowns.claim(of) if probing else NO_PROBE
        cooldowns.failed(of, kind, now, retry_after=retry_after, probe=probe)
        pause = cooldowns.pause(of, now)
        assert pause is None or 0 < pause.remaining <= 600.0 + 1e-6
        assert cooldowns.pause(of, now + 601.0) is None


def test_a_probe_does_not_shorten_a_pause_that_began_while_it_was_under_way() -> None:
    cooldowns, at = Cooldowns(60.0), deployment("alpha")
    cooldowns.failed(at, ErrorKind.THROTTLE, 0.0, retry_after=5.0)
    probe = cooldowns.claim(at)
    cooldowns.failed(at, ErrorKind.THROTTLE, 6.0, retry_after=60.0)
    cooldowns.failed(at, ErrorKind.SERVER, 7.0, probe=probe)
    pause = cooldowns.pause(at, 7.0)
    assert pause is not None
    assert (pause.kind, pause.remaining) == (ErrorKind.THROTTLE, 59.0)


def test_what_a_provider_asked_for_is_kept_although_a_longer_fault_was_there_first() -> None:
    cooldowns = Cooldowns(60.0)
    for _ in range(2):
        cooldowns.failed(ONE, ErrorKind.SERVER, 0.0)
    cooldowns.failed(ONE, ErrorKind.THROTTLE, 0.0, retry_after=1.0)
    first, later = cooldowns.pause(ONE, 0.5), cooldowns.pause(ONE, 1.5)
    assert first is not None
    assert not first.transient
    assert later is not None
    assert later.transient
