"""Whole requests over HTTP, one after the other, against the model of the chain's rules."""

import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Wording
from tests.fakes.scripted import closed_port
from tests.fakes.stand import Plan, Stand, eventually, open_stand
from tests.proxy.reference import SETTINGS, TOGGLES, At, Reference, Told, What

REFUSING = At("twin/refusing", "twin")
LINKS = [
    At("openai/gpt-4o", "openai"),
    At("openai/gpt-4.1", "openai"),
    At("gwdg_saia/llama-3.3-70b", "gwdg_saia", by_account=True),
    At("simulated/echo", "simulated"),
    REFUSING,
]
OK = 200


@dataclass(frozen=True)
class Case:
    """What a provider does, what that is for the chain, and what a client sees if it is told."""

    what: What
    fault: Fault
    status: int


def _case(
    kind: str, status: int, wording: Wording = Wording.PLAIN, retry_after: str | None = None
) -> Case:
    headers = {"retry-after": retry_after} if retry_after else {}
    fault = Fault(status=status, wording=wording, headers=headers, times=1)
    return Case(What(kind=kind), fault, status)


def _odd(kind: str, how: FaultKind, status: int = 502) -> Case:
    return Case(What(kind=kind), Fault(kind=how, times=1), status)


CASES = {
    "answers": Case(What(), Fault(kind=FaultKind.NONE, times=1), OK),
    "429": _case("throttle", 429, retry_after="600"),
    "429 without a time": _case("throttle", 429),
    "quota": _case("quota", 429, Wording.QUOTA),
    "500": _case("server", 500),
    "503": _case("server", 503),
    "502 html": _case("server", 502, Wording.HTML),
    "garbage": _odd("server", FaultKind.GARBAGE),
    "redirect": _odd("server", FaultKind.REDIRECT),
    "error in 200": _odd("server", FaultKind.ERROR_IN_200, 500),
    "cut": _odd("connection", FaultKind.CUT),
    "408": _case("timeout", 408),
    "401": _case("auth", 401),
    "402": _case("payment", 402),
    "403": _case("forbidden", 403),
    "404": _case("not_found", 404),
    "400": _case("bad_request", 400),
    "422": _case("bad_request", 422),
    "413": _case("context_window", 413),
    "context": _case("context_window", 400, Wording.CONTEXT_WINDOW),
    "policy": _case("content_policy", 400, Wording.CONTENT_POLICY),
    "unsupported": _case("unsupported", 400, Wording.UNSUPPORTED),
}
REFUSED = Case(What(kind="connection", sent=False), Fault(), 502)
PLANS = st.fixed_dictionaries(
    {
        at.name: st.lists(
            st.tuples(st.sampled_from(list(CASES)), st.integers(1, 2)), max_size=3
        ).map(lambda rows: [case for case, times in rows for _ in range(times)])
        for at in LINKS[:-1]
    }
)


class Story:
    """What each deployment does, call by call, as the model and the client are told."""

    def __init__(self, plan: Mapping[str, Sequence[str]]) -> None:
        self._left = {name: [CASES[case] for case in cases] for name, cases in plan.items()}
        self.last: dict[str, Case] = {}

    def __call__(self, name: str) -> What:
        left = self._left.get(name)
        case = REFUSED if left is None else left.pop(0) if left else CASES["answers"]
        self.last[name] = case
        return case.what


@given(
    links=st.lists(st.sampled_from(LINKS), min_size=1, max_size=4, unique=True),
    on=SETTINGS,
    retries=st.integers(0, 2),
    plan=PLANS,
    streams=st.lists(st.booleans(), min_size=1, max_size=4),
)
@settings(max_examples=60, deadline=None)
def test_calls_and_answers_are_those_of_the_rules(
    links: list[At],
    on: frozenset[str],
    retries: int,
    plan: dict[str, list[str]],
    streams: list[bool],
) -> None:
    reference, story = Reference(links, on, retries), Story(plan)
    section = {
        "fallbacks": {name: name in on for name in TOGGLES},
        "router": {"num_retries": retries},
    }
    asyncio.run(_play(links, section, plan, streams, reference, story))


async def _play(  # noqa: PLR0917 - a play has these parts
    links: list[At],
    section: dict[str, Any],
    plan: Mapping[str, Sequence[str]],
    streams: list[bool],
    reference: Reference,
    story: Story,
) -> None:
    async with closed_port() as port:
        chain = {"default": [at.name for at in links]}
        bases = {"twin": f"http://127.0.0.1:{port}/v1"}
        with tempfile.TemporaryDirectory() as directory:
            stand_plan = Plan(chains=chain, bases=bases, section=section)
            async with open_stand(stand_plan, Path(directory)) as stand:
                for name, cases in plan.items():
                    faults = [CASES[case].fault for case in cases]
                    stand.fault(name, *faults, Fault(kind=FaultKind.NONE))
                for stream in streams:
                    await _compare(stand, stream, reference.ask(story), story)


async def _compare(stand: Stand, stream: bool, told: Told, story: Story) -> None:
    made, records = len(stand.providers.journal.recent), len(stand.records)
    async with stand.chat(stream=stream) as answer:
        body = (await answer.read()).decode()
        status, headers = answer.status, answer.headers
    called = [f"{record.provider}/{record.model}" for record in stand.records[records:]]
    arrived = [call.deployment for call in list(stand.providers.journal.recent)[made:]]
    assert called == list(told.calls)
    assert arrived == [name for name in told.calls if name != REFUSING.name]
    attempts = ",".join(f"{name}={label}" for name, label in told.attempts)
    assert headers["x-agentbox-attempts"] == attempts
    assert headers.get("x-agentbox-served-by") == told.served_by
    if told.served_by:
        assert status == OK
        _is_one_answer(body, told.served_by, stream)
    else:
        assert status in {
            story.last[end].status if isinstance(end, str) else end for end in told.ends
        }
        assert "error" in body or "html" in body
        assert "you said" not in body
    await eventually(lambda: stand.in_flight() == 0, "everything is given back")


def _is_one_answer(body: str, served_by: str, stream: bool) -> None:
    if not stream:
        [choice] = json.loads(body)["choices"]
        assert choice["message"]["content"] == f"[{served_by}] you said: hi there"
        return
    events = [line.removeprefix("data: ") for line in body.split("\n\n") if line]
    assert events.pop() == "[DONE]"
    deltas = [choice["delta"] for event in events for choice in json.loads(event)["choices"]]
    text = "".join(delta.get("content") or "" for delta in deltas)
    assert text == f"[{served_by}] you said: hi there"
    assert sum("role" in delta for delta in deltas) == 1
