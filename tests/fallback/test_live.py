"""The user's keys and real requests, at providers that are simulated on this machine."""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.config.spending import PriceConfig
from agentbox_cli.fallback.live import MOST_INPUT, ask_all, worst_case
from agentbox_cli.fallback.stage import Cast
from agentbox_cli.fallback.verdicts import Outcome, Report, Row
from agentbox_cli.providers.catalog import Catalog, read_catalog
from agentbox_cli.providers.load import load_setup
from agentbox_cli.providers.resolved import Chain
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Wording

KEYS = {
    "OPENAI_API_KEY": "sk-dummy-openai-0123456789",
    "GWDG_API_KEY": "dummy-gwdg-0123456789",
    "ANTHROPIC_API_KEY": "sk-ant-dummy-0123456789",
}


@pytest.fixture
def cast() -> Iterator[Cast]:
    providers = Cast(["anthropic", "gwdg_saia", "openai"])
    yield providers
    providers.close()


def chains_of(
    cast: Cast,
    tmp_path: Path,
    *aliases: Sequence[str],
    keys: dict[str, str] | None = None,
    timeout: float = 30.0,
) -> list[Chain]:
    bases = {name: f"{base}/{name}" for name, base in cast.addresses.items()}
    providers: dict[str, Any] = {
        name: {"api_base": base if name == "anthropic" else f"{base}/v1"}
        for name, base in bases.items()
    }
    models = {
        f"alias{number}": [
            {"provider": name.partition("/")[0], "model": name.partition("/")[2]} for name in links
        ]
        for number, links in enumerate(aliases, start=1)
    }
    file = tmp_path / "config.yml"
    section = {"providers": providers, "models": models, "router": {"timeout": timeout}}
    file.write_text(json.dumps({"litellm": section}), encoding="utf-8")
    setup = load_setup(file, KEYS if keys is None else keys, None)
    return [chain for chain in setup.resolved.chains.values() if chain.source == "config"]


def ask(chains: list[Chain]) -> Report:
    return ask_all(chains, lambda *_: None)


def test_each_link_is_asked_by_itself_in_its_own_protocol(cast: Cast, tmp_path: Path) -> None:
    chains = chains_of(
        cast,
        tmp_path,
        ["openai/gpt-4o", "anthropic/claude-haiku-4-5"],
        ["openai/o1", "openai/gpt-4o"],
        ["gwdg_saia/e5-mistral-7b-instruct"],
    )
    report = ask(chains)
    assert report.mode == "live"
    assert [(row.alias, row.expected, row.endpoint, row.why) for row in report.rows] == [
        ("alias1", "openai/gpt-4o", "chat", None),
        ("alias1", "anthropic/claude-haiku-4-5", "messages", None),
        ("alias2", "openai/o1", "chat", None),
        ("alias2", "openai/gpt-4o", "chat", None),
        ("alias3", "gwdg_saia/e5-mistral-7b-instruct", "embeddings", None),
    ]
    assert report.ok
    # The link of two chains was asked once, and the second row says so.
    assert cast["openai"].journal.count("openai/gpt-4o") == 1
    assert [row.upstream_calls for row in report.rows][::3] == [
        {"openai/gpt-4o": 1},
        {"openai/gpt-4o": 0},
    ]


def test_no_two_requests_look_like_one_repeated(cast: Cast, tmp_path: Path) -> None:
    seen = cast["openai"].journal
    seen.keep, seen.recent = 9, deque(maxlen=9)
    ask(chains_of(cast, tmp_path, ["openai/gpt-4o", "openai/o1"]))
    keys = [call.headers["idempotency-key"] for call in seen.recent]
    assert len(keys) == len(set(keys)) == 2
    assert [call.document.get("max_tokens") for call in seen.recent] == [16, None]
    assert seen.recent[1].document["max_completion_tokens"] == 16
    assert {call.headers["authorization"] for call in seen.recent} == {
        f"Bearer {KEYS['OPENAI_API_KEY']}"
    }


FAILURES = [
    (Fault(status=401), "the key is refused (401)", "providers login openai"),
    (Fault(status=403), "the key may not use this model (403)", "ask for access to gpt-4o"),
    (Fault(status=404), "there is no such model or address (404)", "check the model's id"),
    (Fault(status=402), "the account has no credit (402)", "add credit at https://"),
    (Fault(status=429, wording=Wording.QUOTA), "the quota is used up (429)", "raise the limit"),
    (
        Fault(status=429, headers={"retry-after": "7"}),
        "rate limited for now (429), again in 7 s",
        "the chain moves on",
    ),
    (Fault(status=503), "the provider failed (503)", "try again later"),
    (
        Fault(status=400, wording=Wording.UNSUPPORTED),
        "the model refuses a parameter (400)",
        "drop_params",
    ),
    (Fault(status=400), "the request is refused (400)", "a model of this kind"),
    (Fault(kind=FaultKind.CLOSE), "cannot be reached", "check the api_base"),
    (Fault(kind=FaultKind.HANG), "no answer in time", "try again"),
]


@pytest.mark.parametrize("case", FAILURES, ids=[f[1] for f in FAILURES])
def test_what_is_wrong_is_told_in_words_with_the_next_step(
    cast: Cast, tmp_path: Path, case: tuple[Fault, str, str]
) -> None:
    fault, words, hint = case
    cast["openai"].faults.put("openai/gpt-4o", fault)
    # A link that hangs is waited for as long as the config says.
    timeout = 0.5 if fault.kind is FaultKind.HANG else 30.0
    links = ["openai/gpt-4o", "gwdg_saia/llama-3.3-70b"]
    report = ask(chains_of(cast, tmp_path, links, timeout=timeout))
    broken, fine = report.rows
    assert not report.ok
    assert fine.ok
    assert (broken.why or "").startswith(words)
    assert (broken.hint or "").startswith("openai/gpt-4o: ")
    assert hint in (broken.hint or "")
    assert broken.served_by is None


def test_no_key_is_in_what_is_told(cast: Cast, tmp_path: Path) -> None:
    body = json.dumps({"error": {"message": f"Incorrect API key: {KEYS['OPENAI_API_KEY']}"}})
    cast["openai"].faults.put("openai/gpt-4o", Fault(status=401, body=body))
    (row,) = ask(chains_of(cast, tmp_path, ["openai/gpt-4o"])).rows
    assert "[redacted]" in (row.why or "")
    assert KEYS["OPENAI_API_KEY"] not in repr(row)


def test_a_link_without_a_key_is_not_asked(cast: Cast, tmp_path: Path) -> None:
    keys = {"GWDG_API_KEY": "dummy"}
    report = ask(
        chains_of(cast, tmp_path, ["openai/gpt-4o", "gwdg_saia/llama-3.3-70b"], keys=keys)
    )
    missing, asked = report.rows
    assert (missing.outcome, missing.why) == (Outcome.REMARK, "not asked: its key is not set")
    assert cast["openai"].journal.count("openai/gpt-4o") == 0
    assert asked.ok
    assert report.ok


def test_an_alias_without_any_key_fails(cast: Cast, tmp_path: Path) -> None:
    assert not ask(chains_of(cast, tmp_path, ["openai/gpt-4o"], keys={})).ok


def test_a_simulated_link_is_no_request(cast: Cast, tmp_path: Path) -> None:
    chains = chains_of(cast, tmp_path, ["simulated/down", "gwdg_saia/llama-3.3-70b"])
    row: Row = ask(chains).rows[0]
    assert row.why == "not asked: it is simulated, and always here"
    assert worst_case(chains, {}, Catalog({})).requests == 1


def test_one_provider_is_asked_one_at_a_time_and_others_meanwhile(
    cast: Cast, tmp_path: Path
) -> None:
    links = [f"openai/{name}" for name in ("gpt-4o", "gpt-4.1", "o3")]
    slow = Fault(kind=FaultKind.SLOW, delay_s=0.3)
    cast["openai"].faults.put("openai/*", slow)
    cast["gwdg_saia"].faults.put("gwdg_saia/*", slow)
    report = ask(chains_of(cast, tmp_path, [*links, "gwdg_saia/llama-3.3-70b"]))
    assert all((row.elapsed_ms or 0) >= 300 for row in report.rows)
    alone = sum(row.elapsed_ms or 0 for row in report.rows[:3]) / 1_000
    everything = sum(row.elapsed_ms or 0 for row in report.rows) / 1_000
    assert alone <= report.elapsed_s + 0.01
    assert report.elapsed_s < everything


def test_the_worst_case_names_what_it_does_not_know(cast: Cast, tmp_path: Path) -> None:
    chains = chains_of(cast, tmp_path, ["gwdg_saia/llama-3.3-70b", "openai/unheard-of"])
    price = worst_case(chains, {}, Catalog({}))
    assert (price.requests, price.dollars, price.unknown) == (2, 0.0, ("openai/unheard-of",))


def test_prices_are_the_users_or_those_of_litellms_table(cast: Cast, tmp_path: Path) -> None:
    chains = chains_of(cast, tmp_path, ["openai/gpt-4o"])
    table = worst_case(chains, {}, read_catalog())
    assert table.unknown == ()
    assert 0.0 < table.dollars < 0.01
    own = {"openai/gpt-4o": PriceConfig(input_usd=1_000_000, output_usd=0)}
    assert worst_case(chains, own, Catalog({})).dollars == MOST_INPUT
