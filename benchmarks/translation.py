"""Calls that have to be translated: through our daemon and its LiteLLM, and through bare LiteLLM.

A client of Anthropic's protocol whose provider speaks chat only, and a chat client whose provider
speaks Anthropic's protocol only. Ours makes a loop: the daemon, LiteLLM, the daemon, the provider.
"""

import contextlib
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks import bare, ours
from benchmarks.figures import Figure, differences, of_rounds, ratios
from benchmarks.lineup import DIRECT, LITELLM, OURS, Effort
from benchmarks.load import drive
from benchmarks.processes import helper, private_directory, seconds_until
from benchmarks.wire import Connection, Target, Timing

CLIENTS = 8
ROUNDS = 12
BLOCK = 10
WARM_UP = 20
RATE_ROUNDS = 4
START_SECONDS = 120.0

Requests = Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way to be translated.

    Args:
        name: for the table.
        requests: by server; direct in the provider's own protocol.
        streams: the same, streamed.
    """

    name: str
    requests: Requests
    streams: Requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What runs.

    Args:
        ports: by server.
        kinds: what is asked of each.
    """

    ports: Mapping[str, int]
    kinds: Sequence[Kind]


def translation(effort: Effort) -> Iterator[Figure]:
    """What a translated call takes longer than a direct one, ours against bare LiteLLM's."""
    with _stage(effort) as stage:
        yield from measured(stage, effort)


def measured(stage: Stage, effort: Effort) -> Iterator[Figure]:
    """The figures of servers that run: times of one client, and rates of several."""
    rounds = min(ROUNDS, effort.rounds)
    for kind in stage.kinds:
        whole = _medians(stage, kind.requests, rounds, lambda timing: timing.whole_ms)
        yield from _compared(f"{kind.name}, added p50", whole)
        first = _medians(stage, kind.streams, rounds, lambda timing: timing.first_ms)
        yield from _compared(f"{kind.name}, added to first streamed content, p50", first)
        yield from _rates(stage, kind, effort)


@contextlib.contextmanager
def _stage(effort: Effort) -> Iterator[Stage]:
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(private_directory())
        provider = stack.enter_context(helper("provider"))
        home = ours.Home(directory / OURS, provider.port, with_claude=True)
        daemon = stack.enter_context(ours.running(home))
        targets = {
            DIRECT: Target(port=provider.port, model="echo"),
            OURS: Target(port=daemon.port, model=ours.PLAIN),
        }
        if effort.litellm_rounds:
            running = bare.running(directory / LITELLM, provider.port, translated=True)
            targets[LITELLM] = stack.enter_context(running).target
        stage = stage_of(targets)
        _wait_for_translations(stage)
        yield stage


def stage_of(targets: Mapping[str, Target]) -> Stage:
    """What is asked of these servers."""
    return Stage(
        ports={name: target.port for name, target in targets.items()},
        kinds=(_kind_of_messages(targets), _kind_of_chat(targets)),
    )


def _kind_of_messages(targets: Mapping[str, Target]) -> Kind:
    asked = _naming(targets, {OURS: ours.PLAIN, LITELLM: bare.CHAT_ONLY})

    def made(*, stream: bool) -> Requests:
        requests = {name: target.message(stream=stream) for name, target in asked.items()}
        return requests | {DIRECT: asked[DIRECT].request(stream=stream)}

    name = "messages to a chat provider"
    return Kind(name=name, requests=made(stream=False), streams=made(stream=True))


def _kind_of_chat(targets: Mapping[str, Target]) -> Kind:
    asked = _naming(targets, {OURS: ours.CLAUDE, LITELLM: bare.CLAUDE})

    def made(*, stream: bool) -> Requests:
        requests = {name: target.request(stream=stream) for name, target in asked.items()}
        return requests | {DIRECT: asked[DIRECT].message(stream=stream)}

    name = "chat to an Anthropic provider"
    return Kind(name=name, requests=made(stream=False), streams=made(stream=True))


def _naming(targets: Mapping[str, Target], models: Mapping[str, str]) -> dict[str, Target]:
    """The same servers, each asked for the model of its name."""
    return {
        name: replace(target, model=models.get(name, target.model))
        for name, target in targets.items()
    }


def _wait_for_translations(stage: Stage) -> None:
    """Wait for the LiteLLM behind the daemon, which starts after the daemon's port."""
    begun = time.perf_counter()

    def is_ready() -> bool:
        with Connection(stage.ports[OURS]) as connection:
            try:
                connection.ask(stage.kinds[0].requests[OURS])
            except ConnectionError:
                return False
        return True

    seconds_until(is_ready, begun=begun, limit=START_SECONDS)


def _medians(
    stage: Stage, requests: Requests, rounds: int, of: Callable[[Timing], float]
) -> Mapping[str, list[float]]:
    """By server, the median of a block of calls in each round; the order changes."""
    medians: dict[str, list[float]] = defaultdict(list)
    with contextlib.ExitStack() as stack:
        open_ = {name: stack.enter_context(Connection(port)) for name, port in stage.ports.items()}
        for name, connection in open_.items():
            for _ in range(WARM_UP):
                connection.ask(requests[name])
        for number in range(rounds):
            for name in sorted(open_, reverse=bool(number % 2)):
                timings = [of(open_[name].ask(requests[name])) for _ in range(BLOCK)]
                medians[name].append(statistics.median(timings))
    return medians


def _compared(name: str, medians: Mapping[str, list[float]]) -> Iterator[Figure]:
    added = {
        who: differences(medians[who], medians[DIRECT])
        for who in (OURS, LITELLM)
        if who in medians
    }
    for who, values in added.items():
        yield of_rounds(f"{name}: {who}", values, "ms")
    if LITELLM in added:
        shares = ratios(added[OURS], added[LITELLM])
        yield of_rounds(f"{name}: ours / litellm", shares, "x", at_most=1.0)


def _rates(stage: Stage, kind: Kind, effort: Effort) -> Iterator[Figure]:
    rates: dict[str, list[float]] = defaultdict(list)
    failed = 0
    for number in range(min(RATE_ROUNDS, effort.rounds)):
        for name in sorted(stage.ports.keys() - {DIRECT}, reverse=bool(number % 2)):
            load = drive(
                stage.ports[name], kind.requests[name], connections=CLIENTS, seconds=effort.seconds
            )
            rates[name].append(load.rate)
            failed += load.failed
    for name, values in rates.items():
        yield of_rounds(f"{kind.name}, {CLIENTS} clients: {name}", values, "req/s")
    if LITELLM in rates:
        shares = ratios(rates[OURS], rates[LITELLM])
        name = f"{kind.name}, {CLIENTS} clients: ours / litellm"
        yield of_rounds(name, shares, "x", at_least=1.0)
    name = f"{kind.name}, {CLIENTS} clients: answers that were no 200"
    yield Figure(name=name, value=failed, unit="calls", at_most=0)
