"""The rules of a drill and the proxy's chain, written apart, say the same."""

import itertools
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from agentbox_cli.fallback.plan import Scope, plan, usable_ways
from agentbox_cli.fallback.rules import Calls, Case, Expected, expect
from agentbox_cli.fallback.scenarios import EARLY, FAILURES, LATE, Scenario
from agentbox_cli.providers.resolved import Chain, Toggles
from tests.fallback.conftest import MakeChain
from tests.fallback.generated import NUMBER, generate
from tests.fallback.replay import Played, play

EVERY_TOGGLES = [
    Toggles(on_rate_limit=a, on_context_window=b, on_error=c, on_content_policy=d)
    for a, b, c, d in itertools.product((True, False), repeat=4)
]


def differences(case: Case) -> Iterator[str]:
    expected = expect(case)
    for reused in {False, Scenario.CLOSED in case.failing.values()}:
        played = play(case, reused=reused)
        if not same(expected, played):
            yield f"{case}: expected {expected}, the proxy {played}"


def same(expected: Expected, played: Played) -> bool:
    ends = (expected.served_by, expected.status, expected.broken)
    return ends == (played.served_by, played.status, played.broken) and counts_fit(
        expected.calls, played.calls
    )


def counts_fit(expected: Mapping[str, Calls], calls: Mapping[str, int]) -> bool:
    none = Calls(least=0, most=0)
    pairs = [(expected.get(name, none), calls.get(name, 0)) for name in {*expected, *calls}]
    return all(wanted.least <= number <= wanted.most for wanted, number in pairs)


def cases_of(chain: Chain, toggles: Toggles, retries: int) -> Iterator[Case]:
    for reach in range(1, len(chain.links) + 1):
        names = [link.deployment.name for link in chain.links[:reach]]
        for failure in FAILURES:
            for endpoint in ("chat", "messages"):
                yield Case(
                    chain=chain,
                    endpoint=endpoint,
                    failing=dict.fromkeys(names, failure),
                    toggles=toggles,
                    num_retries=retries,
                )


@pytest.mark.parametrize("toggles", EVERY_TOGGLES, ids=range(16))
@pytest.mark.parametrize(
    "names",
    [
        ("a/1",),
        ("a/1", "b/2"),
        ("a/1", "a/2", "b/3"),
        ("a/1", "a/1", "b/2"),
        ("a/1", "a/2"),
        ("a/1", "b/2", "a/1"),
    ],
    ids=" ".join,
)
def test_every_toggle_and_failure_ends_as_the_rules_say(
    chain_of: MakeChain, names: tuple[str, ...], toggles: Toggles
) -> None:
    found = [
        text
        for account in ((), ("a",))
        for retries in (0, 3)
        for case in cases_of(chain_of(*names, account=account), toggles, retries)
        for text in differences(case)
    ]
    assert found == []


@pytest.mark.parametrize("engine", ["eager", "off"])
@pytest.mark.parametrize("seed", range(NUMBER))
def test_a_generated_config_ends_as_the_rules_say(seed: int, engine: str, tmp_path: Path) -> None:
    made = generate(seed, tmp_path, engine=engine)
    checks = plan(
        made.chains, made.resolved.toggles, made.resolved.router.num_retries, Scope(full=True)
    )
    cases = [
        Case(
            chain=check.chain,
            endpoint=check.endpoint,
            failing=check.failing,
            toggles=check.toggles,
            num_retries=made.resolved.router.num_retries,
        )
        for check in checks
    ]
    assert [text for case in cases for text in differences(case)] == []


@pytest.mark.parametrize("seed", range(NUMBER))
def test_links_that_each_fail_in_a_way_of_their_own(seed: int, tmp_path: Path) -> None:
    made = generate(seed, tmp_path, engine="eager")
    dice = random.Random(seed)  # noqa: S311 - the same each time, and guards nothing
    found: list[str] = []
    for chain, _ in itertools.product(made.chains, range(100)):
        if not usable_ways(chain):
            continue
        names = {link.deployment.name for link in chain.links}
        failing = {name: how(dice) for name in sorted(names) if dice.random() < 0.8}
        case = Case(
            chain=chain,
            endpoint=dice.choice(usable_ways(chain))[0],
            failing=failing,
            toggles=dice.choice(EVERY_TOGGLES),
            num_retries=dice.randint(0, 3),
        )
        found += differences(case)
    assert found == []


def how(dice: random.Random) -> Scenario:
    return dice.choice(EARLY if dice.random() < 0.9 else LATE)


def test_the_generated_configs_have_everything_in_them(tmp_path: Path) -> None:
    made = [generate(seed, tmp_path) for seed in range(NUMBER)]
    chains = [chain for one in made for chain in one.chains]
    assert {len(chain.links) for chain in chains} == {1, 2, 3, 4, 5}
    assert {chain.kind.value for chain in chains} == {"chat", "embedding"}
    assert {one.resolved.router.num_retries for one in made} == {0, 1, 2, 3}
    names = [[link.deployment.name for link in chain.links] for chain in chains]
    assert any(len(set(each)) < len(each) for each in names)
    links = [link for chain in chains for link in chain.links]
    assert {link.deployment.provider.usable for link in links} == {True, False}
    assert len({link.deployment.provider.name for link in links}) >= 6
    for toggle in ("on_rate_limit", "on_context_window", "on_error", "on_content_policy"):
        assert {getattr(one.resolved.toggles, toggle) for one in made} == {True, False}
