from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from agentbox_cli.fallback import matrix, scenarios
from agentbox_cli.fallback.asking import Seen
from agentbox_cli.fallback.matrix import Report, run
from agentbox_cli.fallback.scenarios import Check, Scenario, plan
from agentbox_cli.providers.load import Drillable, load_for_drill
from agentbox_cli.providers.resolved import Toggles
from agentbox_cli.simulate.faults import Fault, FaultKind
from tests.fallback.conftest import MakeChain


@pytest.fixture
def check(chain_of: MakeChain) -> Check:
    checks = plan([chain_of("a/1", "b/2")], Toggles(), 3)
    return next(c for c in checks if c.scenario is Scenario.RATE_LIMIT)


GOOD = Seen(status=200, served_by="b/2", answer="[b/2] you said", complete=True, elapsed_ms=1.0)
CALLS = {"a/1": 1, "b/2": 1}


def test_what_is_as_expected_is_not_wrong(check: Check) -> None:
    assert matrix._wrong(check, GOOD, CALLS) == []


@pytest.mark.parametrize(
    ("seen", "calls", "told"),
    [
        (replace(GOOD, status=429, served_by=None, answer="no"), CALLS, "answered 429, not 200"),
        (replace(GOOD, served_by="a/1"), CALLS, "served by a/1, not b/2"),
        (GOOD, {"a/1": 2, "b/2": 1}, "a/1 got 2 calls, not 1"),
        (GOOD, {"a/1": 1, "b/2": 0}, "b/2 got 0 calls, not 1"),
        (replace(GOOD, complete=False), CALLS, "not complete"),
        (replace(GOOD, answer="[a/1] you said"), CALLS, "a wrong answer"),
        (replace(GOOD, status=None, answer="it hung up"), CALLS, "answered None"),
    ],
)
def test_whatever_differs_is_told(
    check: Check, seen: Seen, calls: Mapping[str, int], told: str
) -> None:
    assert told in "; ".join(matrix._wrong(check, seen, calls))


def quiet(*_: object) -> None:
    """Takes the progress."""


def setup(tmp_path: Path, text: str) -> Drillable:
    file = tmp_path / "config.yml"
    file.write_text(text, encoding="utf-8")
    return load_for_drill(file, {})


def prove(setup: Drillable) -> Report:
    return run(setup.resolved, list(setup.resolved.chains.values()), setup.broken, quiet)


TWO = """
litellm:
  providers:
    first: {api_base: "http://127.0.0.1:9/v1"}
    second: {api_base: "http://127.0.0.1:9/v1"}
  models:
    alias:
      - {provider: first, model: x}
      - {provider: second, model: y}
  engine: {mode: "off"}
"""


def test_a_chain_that_does_not_move_on_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A link that answers though it should fail is what a chain looks like that is not tried.
    monkeypatch.setitem(
        scenarios.TRAITS,
        Scenario.SERVER_ERROR,
        replace(scenarios.TRAITS[Scenario.SERVER_ERROR], fault=Fault(kind=FaultKind.NONE)),
    )
    report = prove(setup(tmp_path, TWO))
    assert not report.ok
    failed = {row.scenario for row in report.rows if not row.ok}
    assert failed == {"server-error"}
    why = next(row.why for row in report.rows if not row.ok)
    assert why is not None
    assert "served by first/x, not second/y" in why


def test_without_the_engine_only_what_needs_no_translation_is_asked(tmp_path: Path) -> None:
    report = prove(setup(tmp_path, TWO))
    assert report.ok
    assert {row.endpoint for row in report.rows} == {"chat"}


def test_an_alias_with_an_unknown_provider_is_a_failed_row(tmp_path: Path) -> None:
    text = "litellm: {models: {alias: [{provider: nobody, model: x}]}}\n"
    report = prove(setup(tmp_path, text))
    assert not report.ok
    (row,) = report.rows
    assert (row.alias, row.scenario, row.ok) == ("alias", "config", False)
    assert row.why == "unknown provider 'nobody'"


def test_a_single_link_is_a_warning_and_starts_nothing(tmp_path: Path) -> None:
    text = "litellm: {models: {alias: [{provider: simulated, model: echo}]}}\n"
    report = prove(setup(tmp_path, text))
    assert report.ok
    (row,) = report.rows
    assert row.warning
    assert row.why == "a single link has nothing to fall back to"


def test_no_key_is_needed_and_none_is_used(tmp_path: Path) -> None:
    text = """
litellm:
  providers:
    openai: {api_key: "${OPENAI_API_KEY}"}
  models:
    embedding: [{provider: openai, model: text-embedding-3-small}]
"""
    found = setup(tmp_path, text)
    assert found.broken == {}
    assert found.resolved.chains["embedding"].usable
