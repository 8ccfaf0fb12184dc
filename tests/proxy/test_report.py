from typing import Any

import pytest

from agentbox_cli.providers.model import ErrorKind, RateLimitScope
from agentbox_cli.providers.resolved import KeyState
from agentbox_cli.proxy.report import alias_rows, dead_aliases, warnings_of
from tests.proxy.builders import (
    MINUTE,
    WALL,
    Scene,
    chain,
    deployment,
    embedding,
    failure,
    provider,
    resolved,
    spec,
)

SAIA = spec("saia", scope=RateLimitScope.ACCOUNT, windows=(MINUTE,))
DEFAULT = chain("openai", deployment(SAIA, "llama"), deployment("late", key=KeyState.MISSING))


def rows(scene: Scene, now: float = 0.0) -> list[dict[str, Any]]:
    (row,) = alias_rows(resolved(DEFAULT), scene.memory, now, WALL + now)
    assert row["alias"] == "default"
    links: list[dict[str, Any]] = row["links"]
    return links


def states(scene: Scene, now: float = 0.0) -> list[tuple[str, float | None]]:
    return [(row["state"], row["cooldown_s"]) for row in rows(scene, now)]


def test_every_link_is_told_in_its_order() -> None:
    assert rows(Scene(DEFAULT))[1] == {
        "link": 2,
        "provider": "saia",
        "model": "llama",
        "lanes": {
            "chat": "direct",
            "messages": "none",
            "responses": "none",
            "generate": "direct",
            "embeddings": "none",
        },
        "context_window": None,
        "state": "ok",
        "cooldown_s": None,
        "skipped": None,
        "last_error": None,
    }


def test_a_link_that_is_passed_over_has_the_reason() -> None:
    scene = Scene(DEFAULT)
    scene.ask({1: failure(ErrorKind.THROTTLE, message="slow down, sk-own", retry_after=30.0)})
    assert rows(scene, 10.0)[0]["skipped"] == {
        "name": "openai/one",
        "class": "rate_limit",
        "kind": "throttle",
        "since": WALL,
        "until": WALL + 30.0,
        "remaining_s": 20.0,
        "message": "slow down, [redacted]",
    }


@pytest.mark.parametrize(
    ("remaining", "in_flight", "said"),
    [
        ("0", False, "0 of 30 requests left in this minute"),
        ("1", True, "1 of 30 requests left in this minute, the rest in flight"),
    ],
)
def test_a_used_up_window_is_a_reason_too(remaining: str, in_flight: bool, said: str) -> None:
    scene = Scene(DEFAULT)
    saia = DEFAULT.links[1].deployment
    told = {MINUTE.remaining_header: remaining, MINUTE.limit_header: "30"}
    scene.memory.quotas.observe(saia, told, WALL)
    if in_flight:
        scene.memory.quotas.reserve(saia)
    skipped = rows(scene)[1]["skipped"]
    assert (skipped["name"], skipped["class"], skipped["kind"]) == ("saia", "rate_limit", "quota")
    assert (skipped["since"], skipped["until"]) == (WALL, WALL + 40.0)
    assert skipped["message"] == said


def test_an_embedding_model_has_the_lane_of_embeddings_only() -> None:
    of = chain(deployment("openai", embedding()), alias="embed")
    (row,) = alias_rows(resolved(of), Scene(of).memory, 0.0, WALL)
    lanes = row["links"][0]["lanes"]
    assert {name for name, lane in lanes.items() if lane == "direct"} == {"embeddings"}


def test_a_link_is_ok_cooling_exhausted_or_without_a_key() -> None:
    scene = Scene(DEFAULT)
    assert states(scene) == [("ok", None), ("ok", None), ("key-missing", None)]
    scene.ask({1: ErrorKind.TIMEOUT})
    scene.memory.quotas.observe(DEFAULT.links[1].deployment, {MINUTE.remaining_header: "0"}, WALL)
    assert states(scene, 1.0) == [("cooling", 4.0), ("exhausted", 39.0), ("key-missing", None)]
    assert states(scene, 100.0) == [("ok", None), ("ok", None), ("key-missing", None)]
    assert rows(scene)[0]["last_error"] == "timeout"


def test_a_link_that_is_being_probed_is_still_cooling() -> None:
    scene = Scene(DEFAULT)
    scene.ask({1: ErrorKind.TIMEOUT})
    scene.now = 5.0
    scene.call(scene.walk())
    assert states(scene, 5.0)[0] == ("cooling", 0.0)


def test_missing_keys_are_warned_of() -> None:
    assert warnings_of(resolved(DEFAULT), Scene(DEFAULT).memory) == [
        "late has no key: its links are skipped"
    ]


def test_a_provider_that_only_plugins_know_needs_no_key() -> None:
    unused = deployment(provider("extra", key=KeyState.MISSING, configured=False))
    of = chain("openai", unused)
    assert warnings_of(resolved(of), Scene(of).memory) == []


def test_what_the_chain_learned_is_warned_of() -> None:
    of = chain("first", "second")
    scene = Scene(of)
    scene.ask({1: ErrorKind.PAYMENT})
    assert warnings_of(resolved(of), scene.memory) == [
        "first asks for payment: calls go to the next link"
    ]


def test_an_alias_of_the_config_without_a_usable_link_is_dead() -> None:
    lost = deployment("late", key=KeyState.MISSING)
    dead = chain(lost, lost, alias="code")
    proposed = chain(lost, alias="vision", source="plugin late")
    of = resolved(DEFAULT, dead, proposed)
    assert dead_aliases(of) == ["code"]
    assert "alias code has no usable link" in warnings_of(of, Scene(DEFAULT).memory)


def test_a_paused_link_is_told_as_paused_whatever_else_there_is() -> None:
    scene = Scene(DEFAULT)
    scene.ask({1: failure(ErrorKind.THROTTLE)})
    scene.memory.paused.add("openai/one")
    assert states(scene)[0] == ("paused", None)
