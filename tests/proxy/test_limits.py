"""Limits as plain data: what is told, what is forgotten, what a next run takes up."""

from agentbox_cli.providers.model import ErrorKind, RateLimitScope
from agentbox_cli.proxy import limits
from agentbox_cli.proxy.limits import Cooling, Limits
from agentbox_cli.proxy.memory import Memory
from agentbox_cli.proxy.verdict import COOLING
from tests.proxy.builders import DAY, MINUTE, WALL, Scene, chain, deployment, failure, memory, spec

SAIA = spec("saia", scope=RateLimitScope.ACCOUNT, windows=(MINUTE, DAY))
LLAMA = deployment(SAIA, "llama")
GPT = deployment("openai", "gpt")
MINI = deployment("openai", "mini")


def full() -> Memory:
    """SAIA with two windows, one OpenAI model that is throttled, another that is down."""
    found = memory()
    told = {MINUTE.remaining_header: "12", MINUTE.limit_header: "30", DAY.remaining_header: "0"}
    found.quotas.observe(LLAMA, told, WALL)
    found.cooldowns.failed(GPT, ErrorKind.THROTTLE, 100.0, retry_after=30.0, message="slow down")
    found.cooldowns.failed(MINI, ErrorKind.TIMEOUT, 101.0)
    return found


def seen(of: Memory, now: float = 101.0) -> Limits:
    return limits.observe(of, [], now, WALL + now - 100.0)


def names(of: Limits) -> set[str]:
    return {each.name for each in of.windows} | {each.name for each in of.cooling}


def test_what_is_known_is_told_with_what_is_left() -> None:
    told = limits.document(seen(full()), WALL + 1.0)
    assert told == {
        "as_of": WALL + 1.0,
        "windows": [
            {
                "name": "saia",
                "window": "minute",
                "limit": 30,
                "used": 18,
                "remaining": 12,
                "resets_at": WALL + 40.0,
                "resets_in_s": 39.0,
            },
            {
                "name": "saia",
                "window": "day",
                "limit": None,
                "used": None,
                "remaining": 0,
                "resets_at": 1_760_054_400.0,
                "resets_in_s": 54_399.0,
            },
        ],
        "cooling": [
            {
                "name": "openai/gpt",
                "class": "rate_limit",
                "kind": "throttle",
                "since": WALL,
                "until": WALL + 30.0,
                "remaining_s": 29.0,
                "message": "slow down",
            },
            {
                "name": "openai/mini",
                "class": "error",
                "kind": "timeout",
                "since": WALL + 1.0,
                "until": WALL + 6.0,
                "remaining_s": 5.0,
                "message": "",
            },
        ],
    }


def test_a_cooldown_lasts_since_the_link_answered_the_last_time() -> None:
    found = memory()
    found.cooldowns.failed(GPT, ErrorKind.TIMEOUT, 100.0)
    found.cooldowns.failed(GPT, ErrorKind.THROTTLE, 106.0, probe=found.cooldowns.claim(GPT))
    [cooling] = seen(found, 107.0).cooling
    assert (cooling.kind, cooling.since, cooling.until) == ("throttle", WALL, WALL + 66.0)


def test_a_name_stands_for_what_keeps_it_from_being_called() -> None:
    known = seen(full())
    assert names(limits.of(known, "openai/gpt")) == {"openai/gpt"}
    assert names(limits.of(known, "openai")) == {"openai/gpt", "openai/mini"}
    assert names(limits.of(known, "saia/llama")) == {"saia"}
    assert names(limits.of(known, None)) == {"openai/gpt", "openai/mini", "saia"}
    assert names(limits.of(known, "open")) == set()
    assert names(limits.without(known, "openai/gpt")) == {"openai/mini", "saia"}
    assert names(limits.without(known, None)) == set()


def test_what_is_forgotten_keeps_nobody_from_being_called() -> None:
    found = full()
    found.warnings["openai"] = "mend it"
    limits.forget(found, limits.of(seen(found), "openai/gpt"))
    assert names(seen(found)) == {"openai/mini", "saia"}
    assert found.warnings == {"openai": "mend it"}
    limits.forget(found, limits.of(seen(found), None))
    assert names(seen(found)) == set()


def test_what_a_provider_is_warned_of_goes_with_its_cooldown() -> None:
    scene = Scene(chain("openai", "other"))
    scene.ask({1: failure(ErrorKind.QUOTA)})
    assert scene.memory.warnings
    limits.forget(scene.memory, limits.observe(scene.memory, [], scene.now, WALL))
    assert scene.memory.warnings == {}
    assert scene.pause(1) is None


def test_a_reset_during_a_probe_leaves_the_probe_to_its_end() -> None:
    scene = Scene(chain("alpha", "beta"))
    scene.ask({1: failure(ErrorKind.THROTTLE, retry_after=5.0)})
    scene.now += 6.0
    walk = scene.walk()
    assert scene.call(walk).probe
    limits.forget(scene.memory, limits.observe(scene.memory, [], scene.now, WALL))
    assert scene.ask().called == [1], "nothing is paused"
    scene.fail(walk, failure(ErrorKind.THROTTLE, retry_after=30.0))
    assert scene.ask().labels == [COOLING]
    assert scene.pause(1) == 30.0


def test_a_next_run_goes_on_where_the_last_one_ended() -> None:
    known = seen(full())
    later = memory()
    limits.restore(later, known, 7.0, WALL + 11.0)
    assert later.quotas.exhausted_for(LLAMA, WALL + 11.0) == 1_760_054_400.0 - WALL - 11.0
    pause = later.cooldowns.pause(GPT, 7.0)
    assert pause is not None
    assert (pause.kind, pause.remaining, pause.message) == (ErrorKind.THROTTLE, 19.0, "slow down")
    again = limits.observe(later, [], 7.0, WALL + 11.0)
    assert [each.since for each in again.cooling if each.name == "openai/gpt"] == [WALL]


def test_what_is_over_by_then_is_not_taken_up() -> None:
    later = memory()
    limits.restore(later, seen(full()), 0.0, WALL + 50.0)
    again = limits.observe(later, [], 0.0, WALL + 50.0)
    assert [window.window for window in again.windows] == ["day"]
    assert again.cooling == ()


def test_a_clock_that_was_put_back_by_a_day_makes_nothing_last_longer() -> None:
    later = memory()
    limits.restore(later, seen(full()), 0.0, WALL - 86_400.0)
    assert names(limits.observe(later, [], 0.0, WALL - 86_400.0)) == set()


def test_a_kept_warning_is_given_again() -> None:
    later = memory()
    cooling = Cooling(
        name="openai", kind=ErrorKind.QUOTA, since=WALL, until=WALL + 600.0, message="no credit"
    )
    limits.restore(later, Limits(as_of=WALL, cooling=(cooling,)), 0.0, WALL)
    [warning] = later.warnings.values()
    assert "quota is used up" in warning


def test_only_limits_that_may_be_true_are_shown() -> None:
    def cooling(since: float, until: float) -> Cooling:
        return Cooling(name="x/y", kind=ErrorKind.QUOTA, since=since, until=until, message="")

    odd = (cooling(WALL, WALL - 1), cooling(WALL, 1e300), cooling(-1.0, WALL + 9))
    good = cooling(WALL - 1, WALL + 9)
    known = Limits(as_of=WALL, windows=seen(full()).windows, cooling=(*odd, good))
    found = limits.current(known, WALL + 5.0)
    assert found.cooling == (good,)
    assert len(found.windows) == 2
    assert limits.current(known, WALL + 41.0).cooling == ()
