import json
import math
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentbox_cli.config.document import parse
from benchmarks import (
    bare,
    completion,
    cooling,
    editing,
    gateway,
    kills,
    ours,
    report,
    translation,
    usage,
)
from benchmarks.__main__ import main
from benchmarks.figures import (
    Figure,
    differences,
    middle_half,
    of_pairs,
    of_rounds,
    ratios,
    shown,
    sure_median,
)
from benchmarks.lineup import DIRECT, FLOOR, LITELLM, OURS, QUICK, USUAL, Lineup
from benchmarks.load import drive, steadily
from benchmarks.processes import calls, cpu_seconds, get, helper, rss_mb, seconds_until
from benchmarks.provider import ANSWER, request_size
from benchmarks.wire import Connection, Target, is_whole, status_of


@pytest.fixture(scope="module")
def provider() -> Iterator[int]:
    with helper("provider") as provider:
        yield provider.port


@pytest.fixture(scope="module")
def floor(provider: int) -> Iterator[int]:
    with helper("floor", f"http://127.0.0.1:{provider}") as floor:
        yield floor.port


def test_the_floor_passes_a_call_and_its_answer_on(provider: int, floor: int) -> None:
    target = Target(port=floor, model="through-the-floor")
    with Connection(floor) as connection:
        answer = connection.ask(target.request())
    body = ANSWER.partition(b"\r\n\r\n")[2]
    assert answer.raw.endswith(body)
    assert calls(provider)["through-the-floor"] == 1


def test_the_floor_passes_a_stream_and_a_refusal_on(provider: int, floor: int) -> None:
    with Connection(floor) as connection:
        stream = connection.ask(Target(port=floor, model="echo").request(stream=True))
        refused = connection.ask(Target(port=floor, model="limited").request(), expect=429)
    with Connection(provider) as connection:
        direct = connection.ask(Target(port=provider, model="echo").request(stream=True))
    assert b"data: [DONE]" in stream.raw
    assert 0 < stream.first_ms < stream.whole_ms
    assert 0 < direct.first_ms < direct.whole_ms
    assert refused.status == 429


def test_our_daemon_serves_the_benchmarks_config(provider: int, tmp_path: Path) -> None:
    home = ours.Home(tmp_path / "ours", provider, limited=1, engine="off")
    with ours.running(home) as daemon, Connection(daemon.port) as connection:
        connection.ask(Target(port=daemon.port, model=ours.PLAIN).request())
        limited = Target(port=daemon.port, model="limited-0").request()
        first = connection.ask(limited)
        second = connection.ask(limited)
        assert rss_mb(daemon.pid) > 1
        assert cpu_seconds(daemon.pid) > 0
        assert home.spawned_at > 0
    assert b"x-agentbox-attempts: bench/limited-0=rate_limit\r\n" in first.raw
    assert b"x-agentbox-attempts: bench/limited-0=skipped-cooling\r\n" in second.raw
    assert calls(provider)["limited-0"] == 1
    assert get(daemon.port, "/health")[0] == 0, "it ended with the block"


def test_a_load_counts_good_and_bad_answers(provider: int) -> None:
    good = Target(port=provider, model="echo").request()
    bad = Target(port=provider, model="limited").request()
    assert drive(provider, good, connections=4, seconds=0.05).failed == 0
    load = drive(provider, bad, connections=4, seconds=0.05)
    assert load.rate == 0
    assert load.failed > 0


def test_a_steady_load_sends_each_request_when_it_is_due(provider: int) -> None:
    good = Target(port=provider, model="echo").request()
    load = steadily(provider, good, rate=500, seconds=0.2)
    assert (load.answered, load.failed, len(load.took_ms)) == (100, 0, 100)
    assert min(load.took_ms) > 0


def test_translated_calls_are_compared_with_bare_litellms(provider: int) -> None:
    target = Target(port=provider, model="echo")
    stage = translation.stage_of({DIRECT: target, OURS: target, LITELLM: target})
    figures = list(translation.measured(stage, replace(QUICK, rounds=2, seconds=0.05)))
    judged = {figure.name: figure for figure in figures if figure.target}
    assert [(figure.at_most, figure.at_least) for figure in judged.values()] == [
        *((1, None), (1, None), (None, 1), (0, None)),
    ] * 2
    assert judged["messages to a chat provider, 8 clients: answers that were no 200"].value == 0
    asked = calls(provider)
    assert min(asked[name] for name in (ours.PLAIN, ours.CLAUDE, bare.CHAT_ONLY)) > 0


def test_the_provider_speaks_anthropics_protocol_too(provider: int) -> None:
    target = Target(port=provider, model="echo")
    with Connection(provider) as connection:
        whole, stream = (connection.ask(target.message(stream=each)) for each in (False, True))
    text = json.loads(whole.raw.partition(b"\r\n\r\n")[2])["content"][0]["text"]
    assert text.startswith("A provider that answers at once")
    assert stream.raw.count(b"event: content_block_delta") == len(text.split())
    assert b"event: message_stop" in stream.raw
    assert 0 < stream.first_ms < stream.whole_ms


def test_bare_litellm_makes_use_of_nothing_that_only_we_bring(tmp_path: Path) -> None:
    groups = {each["model_name"]: each["litellm_params"] for each in bare.translating(1)}
    assert groups[bare.CHAT_ONLY]["model"] == "custom_openai/echo"
    assert groups[bare.CLAUDE]["model"] == "anthropic/echo"
    hidden = bare.without_ours(tmp_path)
    command = [sys.executable, "-c", "import httptools"]
    tried = subprocess.run(
        command, env={"PYTHONPATH": str(hidden)}, check=False, stderr=subprocess.DEVNULL
    )
    assert tried.returncode == 1


def test_keeping_usage_is_measured_on_and_off() -> None:
    effort = replace(QUICK, rounds=2, seconds=0.1, steady_seconds=0.2)
    figures = {figure.name: figure for figure in usage.capture(effort)}
    assert figures["1000 req/s for 0 s: rows"].value == 200
    assert figures["1000 req/s for 0 s: missing"].value == 0
    assert figures["RSS after 100 requests: usage off"].value > 1


def test_reports_are_measured_on_what_was_stored() -> None:
    effort = replace(QUICK, starts=1, stored=300)
    assert "usage --by model, 300 requests" in [each.name for each in usage.reports(effort)]


def test_kills_come_early_and_late() -> None:
    assert kills.moments(3) == [kills.FIRST, (kills.FIRST + kills.LAST) / 2, kills.LAST]
    assert kills.moments(1) == [kills.FIRST]


def test_a_wrong_status_is_no_measurement(provider: int) -> None:
    with Connection(provider) as connection, pytest.raises(ConnectionError, match="not a 200"):
        connection.ask(Target(port=provider, model="limited").request())


def test_nobody_answering_is_an_error_in_the_end() -> None:
    with pytest.raises(TimeoutError):
        seconds_until(lambda: False, begun=0.0, limit=0.0)


def test_a_link_that_is_left_alone_gets_its_probes_and_nothing_else(
    provider: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cooling, "PROBING_SECONDS", 1.5)
    home = ours.Home(tmp_path / "ours", provider, engine="off")
    with ours.running(home) as daemon:
        targets = {OURS: Target(port=daemon.port, model=ours.PLAIN)}
        effort = replace(QUICK, rounds=2)
        lineup = Lineup(provider_port=provider, targets=targets, pids={}, effort=effort)
        figures = list(cooling.cooling(lineup))
    counts = [figure.value for figure in figures if figure.at_most is not None][1:]
    assert counts == [0, 1, 0, 2, 0]


def test_a_median_comes_with_its_middle_half() -> None:
    figure = of_rounds("f", [1.0, 2.0, 3.0, 4.0, 100.0], "ms", at_most=3.0)
    assert (figure.value, figure.spread, figure.verdict) == (3.0, (2.0, 4.0), "met")
    assert of_rounds("f", [5.0], "ms").spread is None
    assert middle_half([1.0, 3.0]) == (1.5, 2.5)


def test_rounds_are_compared_one_by_one() -> None:
    assert differences([3.0, 5.0], [1.0, 1.0]) == [2.0, 4.0]
    assert ratios([3.0, 5.0], [1.0, 2.0]) == [3.0, 2.5]
    with pytest.raises(ValueError, match="shorter"):
        differences([3.0, 5.0], [1.0])


@pytest.mark.parametrize(
    ("at_most", "at_least", "verdict"),
    [
        (None, None, ""),
        (1.0, None, "met"),
        (0.9, None, "missed"),
        (None, 1.0, "met"),
        (None, 1.1, "missed"),
    ],
)
def test_a_target_is_met_or_missed(
    at_most: float | None, at_least: float | None, verdict: str
) -> None:
    figure = Figure(name="f", value=1.0, unit="s", at_most=at_most, at_least=at_least)
    assert figure.verdict == verdict


@pytest.mark.parametrize(
    ("target", "verdict"), [(80.0, "met"), (51.0, "open"), (49.0, "open"), (30.0, "missed")]
)
def test_a_target_within_the_noise_is_neither_met_nor_missed(target: float, verdict: str) -> None:
    figure = of_pairs("f", [float(n) for n in range(101)], "us", at_most=target)
    assert (figure.value, figure.sure, figure.verdict) == (50.0, (40.0, 61.0), verdict)
    upward = replace(figure, at_most=None, at_least=target)
    assert upward.verdict == {"met": "missed", "missed": "met"}.get(verdict, verdict)
    assert "40.0 to 61.0 (95 %)" in report.table([figure])


def test_the_true_median_is_where_it_is_said_to_be_95_times_of_100() -> None:
    noise = random.Random(7)  # noqa: S311 - any numbers will do, the same each time
    samples = [[noise.expovariate(1.0) for _ in range(100)] for _ in range(1_000)]
    found = sum(low <= math.log(2) <= high for low, high in map(sure_median, samples))
    assert 940 <= found <= 990


def test_numbers_are_shown_with_three_digits() -> None:
    assert [shown(n) for n in (0.034, 0.0, 0.4961, 1.0, 12.34, 4321.9, -0.5)] == [
        "0.03",
        "0.00",
        "0.496",
        "1.00",
        "12.3",
        "4322",
        "-0.500",
    ]


@pytest.mark.parametrize(
    ("raw", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nxx", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", False),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", True),
    ],
)
def test_an_answer_is_read_to_its_end(raw: bytes, whole: bool) -> None:
    assert is_whole(raw) is whole
    assert status_of(raw) == 200
    assert status_of(raw[1:]) == 0


def test_the_provider_waits_for_a_whole_request() -> None:
    request = Target(port=1, model="m").request()
    assert request_size(request[:-1]) == 0
    assert request_size(request + b"POST") == len(request)


def test_servers_take_turns_and_litellm_not_in_every_round() -> None:
    targets = {name: Target(port=1, model=name) for name in (DIRECT, FLOOR, OURS, LITELLM)}
    lineup = Lineup(provider_port=1, targets=targets, pids={}, effort=USUAL)
    rounds = [lineup.round_of(number, USUAL.rounds) for number in range(USUAL.rounds)]
    assert {names[0] for names in rounds} == {DIRECT, FLOOR, OURS}
    assert all({DIRECT, FLOOR, OURS} <= set(names) for names in rounds)
    assert USUAL.litellm_rounds <= sum(LITELLM in names for names in rounds) < USUAL.rounds / 2


def test_litellms_config_names_no_key_of_its_own() -> None:
    config = bare.config(1, limited=2)
    names = [group["model_name"] for group in config["model_list"]]
    assert names == ["plain", "limited-0", "limited-0", "limited-1", "limited-1"]
    assert "master_key" not in config["general_settings"]


def test_the_editor_is_measured_on_a_long_config() -> None:
    assert editing.LINES - 5 < len(editing.text_of(editing.LINES).splitlines()) <= editing.LINES
    figures = list(editing.editing(replace(QUICK, rounds=1)))
    assert len(figures) == len(editing.EDITS)
    assert all(0 < figure.value < 1_000 for figure in figures)
    document = parse(editing.text_of(editing.LINES), "config.yml")
    assert all(edit(document) != document.text for edit in editing.EDITS.values())


def test_a_run_is_told_saved_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(effort: object) -> Iterator[Figure]:
        assert effort == QUICK
        yield Figure(name="a figure", value=1.0, unit="s", at_most=2.0)

    monkeypatch.setattr("benchmarks.__main__.ALONE", {"start": measured})
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(report, "PAGE", tmp_path / "RESULTS.md")
    monkeypatch.setattr(report, "HERE", tmp_path / "benchmarks")
    assert main(["--quick", "--only", "start", "--record"]) == 0
    told = capsys.readouterr().out
    row = "| a figure | 1.00 s |             | <= 2.00 | met     |"
    assert row in told
    assert row in (tmp_path / "RESULTS.md").read_text()
    [file] = (tmp_path / "results").iterdir()
    saved = json.loads(file.read_text())
    assert saved["schema"] == "agentbox.benchmarks/1"
    assert saved["figures"][0]["verdict"] == "met"


@pytest.mark.parametrize("shell", completion.SCRIPTS)
def test_a_tab_is_measured_in_a_real_shell(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(completion, "SCRIPTS", {shell: completion.SCRIPTS[shell]})
    monkeypatch.setattr(completion, "SIZES", {"": 2})
    figures = list(completion.tabs(replace(QUICK, rounds=2)))
    if not figures:
        assert "is not installed" in capsys.readouterr().err
        pytest.skip(f"{shell} is not installed")
    assert [figure.name for figure in figures] == [
        f"TAB, {shell}: {name}" for name in completion.TYPED
    ]
    assert all(figure.value > 0 for figure in figures)


def test_no_call_through_the_gateway_is_lost() -> None:
    few = replace(QUICK, rounds=2, kills=1)
    figures = {figure.name: figure for figure in gateway.gateway(few)}
    assert figures["MCP, of these lost"].value == 0
    assert figures["MCP, kill -9 during a call: until the error"].verdict == "met"
    assert figures["MCP tool call, the gateway adds"].value < 1_000
