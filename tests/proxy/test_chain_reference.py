"""The chain against an independent model of its rules, request after request."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from agentbox_cli.providers.model import ErrorKind, RateLimitScope
from agentbox_cli.providers.resolved import Router, Toggles
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.endpoints import CHAT
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.reply import verdict_reply
from tests.proxy.builders import Scene, chain, deployment, failure, leaks, provider, spec
from tests.proxy.reference import ANSWER, SETTINGS, TOGGLES, At, Reference, Told, What

PROVIDERS = {
    "alpha": provider(spec("alpha")),
    "beta": provider(spec("beta", scope=RateLimitScope.ACCOUNT)),
}
LINKS = [
    At(f"{name}/{model}", name, by_account=name == "beta") for name in PROVIDERS for model in "xyz"
]
KINDS = [kind.value for kind in ErrorKind]

FAILED = st.builds(What, kind=st.sampled_from(KINDS), sent=st.booleans())
OFTEN = [
    What(),
    What(kind="server"),
    What(kind="connection", sent=False),
    What(kind="connection", reused=True),
    What(kind="throttle", soon=True),
]
# Several times in a row, as providers fail.
ROWS = st.tuples(st.one_of(st.sampled_from(OFTEN), FAILED), st.integers(1, 3))
WHATS = st.lists(ROWS, min_size=1, max_size=3).map(
    lambda rows: [what for what, n in rows for _ in range(n)]
)
CHAINS = st.lists(st.sampled_from(LINKS), min_size=1, max_size=5, unique=True)


class Script:
    """What calls to each deployment come to, one after the other; then they answer."""

    def __init__(self, planned: Mapping[str, Sequence[What]]) -> None:
        self._left = {name: list(whats) for name, whats in planned.items()}

    def __call__(self, name: str) -> What:
        left = self._left.get(name)
        return left.pop(0) if left else What()


def failed(what: What, name: str, *, last: bool) -> Failure:
    return failure(
        ErrorKind(what.kind),
        retry_after=1.0 if what.soon and last else None,
        sent=what.sent,
        reused_closed=what.reused,
        message=name,
    )


def walked(scene: Scene, script: Script) -> Told:
    """One request down the real chain; for others the clock does not move."""
    walk, calls, now = scene.walk(), list[str](), scene.now
    last = scene.chain.links[-1].deployment.name
    while isinstance(step := walk.next(now), Call):
        now += step.delay
        name = step.link.deployment.name
        calls.append(name)
        what = script(name)
        if what.kind == ANSWER:
            walk.answered()
            attempts = tuple((o.link.deployment.name, o.label) for o in walk.outcomes)
            return Told(tuple(calls), name, attempts)
        walk.failed(failed(what, name, last=name == last), now)
    attempts = tuple((o.link.deployment.name, o.label) for o in step.outcomes)
    own = verdict_reply(CHAT, "default", step, {}).status
    end = step.passed_on.message if step.passed_on else own
    return Told(tuple(calls), None, attempts, frozenset({end}))


@given(
    links=CHAINS,
    on=SETTINGS,
    retries=st.integers(0, 3),
    planned=st.fixed_dictionaries({at.name: WHATS for at in LINKS}),
    requests=st.integers(1, 3),
)
@settings(max_examples=800)
def test_every_request_goes_as_the_rules_say(
    links: list[At],
    on: frozenset[str],
    retries: int,
    planned: dict[str, list[What]],
    requests: int,
) -> None:
    real = Scene(
        chain(*(deployment(PROVIDERS[at.provider], at.name.partition("/")[2]) for at in links)),
        toggles=Toggles(**{name: name in on for name in TOGGLES}),
        router=Router(num_retries=retries),
    )
    reference = Reference(links, on, retries)
    ours, rules = Script(planned), Script(planned)
    for _ in range(requests):
        told, right = walked(real, ours), reference.ask(rules)
        assert told.ends <= right.ends
        assert told == replace(right, ends=told.ends)
    assert leaks(real.memory) == []
