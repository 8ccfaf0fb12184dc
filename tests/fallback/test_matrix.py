import json
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.fallback import acting
from agentbox_cli.fallback.acting import FINE
from agentbox_cli.fallback.matrix import preview, run
from agentbox_cli.fallback.plan import Scope
from agentbox_cli.fallback.scenarios import Scenario
from agentbox_cli.fallback.verdicts import Outcome, Report
from agentbox_cli.providers.load import Drillable, load_for_drill

HERE = "http://127.0.0.1:9/v1"


def quiet(*_: object) -> None:
    """Takes the progress."""


def setup(tmp_path: Path, models: dict[str, Any], **more: Any) -> Drillable:
    providers = {"first": {"api_base": HERE}, "second": {"api_base": HERE}}
    section = {"providers": providers, "models": models, "engine": {"mode": "off"}, **more}
    file = tmp_path / "config.yml"
    file.write_text(json.dumps({"litellm": section}), encoding="utf-8")
    return load_for_drill(file, {})


def chain(*names: str) -> list[dict[str, str]]:
    pairs = (name.split("/") for name in names)
    return [{"provider": provider, "model": model} for provider, model in pairs]


TWO = {"alias": chain("first/x", "second/y")}


def prove(found: Drillable, *scenarios: Scenario, full: bool = False) -> Report:
    scope = Scope(full=full, scenarios=scenarios)
    return run(found.resolved, list(found.resolved.chains.values()), found.broken, quiet, scope)


def test_a_chain_that_does_not_move_on_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A link that answers though it should fail is what a chain looks like that is not tried.
    faults = {**acting._FAULTS, Scenario.SERVER_ERROR: FINE}
    monkeypatch.setattr(acting, "_FAULTS", faults)
    report = prove(setup(tmp_path, TWO), Scenario.SERVER_ERROR, Scenario.AUTH)
    assert not report.ok
    assert {row.scenario for row in report.rows if not row.ok} == {"server-error"}
    why = next(row.why for row in report.rows if not row.ok)
    assert why is not None
    assert "served by first/x, not second/y" in why


def test_everything_holds_without_the_engine_and_only_what_needs_none_is_asked(
    tmp_path: Path,
) -> None:
    report = prove(setup(tmp_path, TWO), full=True)
    assert [(row.scenario, row.asked, row.why) for row in report.rows if not row.ok] == []
    assert {row.endpoint for row in report.rows} == {"chat", "generate"}
    names = {row.scenario.partition(" ")[0] for row in report.rows}
    assert names == {scenario.value for scenario in Scenario}


def test_the_counts_at_the_providers_are_the_evidence(tmp_path: Path) -> None:
    report = prove(setup(tmp_path, TWO), Scenario.SERVER_ERROR, Scenario.REFUSED)
    calls = {row.scenario: row.upstream_calls for row in report.rows}
    assert calls == {
        "server-error": {"first/x": 2, "second/y": 1},
        "refused": {"first/x": 0, "second/y": 1},
    }


def test_models_that_fail_by_themselves_are_well_when_the_drill_wants_it(tmp_path: Path) -> None:
    models = {"alias": chain("simulated/rate-limited", "simulated/down", "simulated/hang")}
    report = prove(setup(tmp_path, models))
    assert [(row.scenario, row.asked, row.why) for row in report.rows if not row.ok] == []
    assert any(row.scenario.startswith("recovery") for row in report.rows)


def test_the_users_toggle_is_not_our_failure(tmp_path: Path) -> None:
    off = {"fallbacks": {"on_rate_limit": False}}
    report = prove(setup(tmp_path, TWO, **off), Scenario.RATE_LIMIT)
    assert report.ok
    assert {(row.outcome, row.status) for row in report.rows} == {(Outcome.STOPS, 429)}


def test_embeddings_are_asked_for_embeddings(tmp_path: Path) -> None:
    models = {"vectors": chain("first/embed-1", "second/embed-1")}
    report = prove(setup(tmp_path, models), Scenario.RATE_LIMIT, Scenario.TRUNCATED)
    assert report.ok, [row.why for row in report.rows]
    assert {(row.endpoint, row.stream) for row in report.rows} == {("embeddings", False)}


def test_an_alias_with_an_unknown_provider_is_a_failed_row(tmp_path: Path) -> None:
    report = prove(setup(tmp_path, {"alias": chain("nobody/x")}))
    assert not report.ok
    (row,) = report.rows
    assert (row.alias, row.scenario, row.ok) == ("alias", "config", False)
    assert row.why == "unknown provider 'nobody'"
    assert "config check" in (row.hint or "")


def test_a_single_link_is_a_warning_and_starts_nothing(tmp_path: Path) -> None:
    report = prove(setup(tmp_path, {"alias": chain("simulated/echo")}))
    assert report.ok
    (row,) = report.rows
    assert row.outcome is Outcome.REMARK
    assert row.why == "a single link has nothing to fall back to"


def test_a_preview_starts_nothing(tmp_path: Path) -> None:
    found = setup(tmp_path, TWO)
    chains = list(found.resolved.chains.values())
    report = preview(found.resolved, chains, {}, Scope(scenarios=[Scenario.HTML]))
    assert [(row.scenario, row.outcome) for row in report.rows] == [("html", Outcome.PLANNED)]
    assert report.mode == "list"


def test_progress_tells_how_much_of_how_much(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    found = setup(tmp_path, TWO)
    chains = list(found.resolved.chains.values())
    run(
        found.resolved,
        chains,
        {},
        lambda what, done, total: told.append((what, done, total)),
        Scope(scenarios=[Scenario.AUTH]),
    )
    assert [(done, total) for _, done, total in told] == [(number, 4) for number in range(5)]
    assert told[-1][0] == "alias: auth"


def test_no_key_is_needed_and_none_is_used(tmp_path: Path) -> None:
    models = {"embedding": chain("openai/text-embedding-3-small")}
    providers = {"openai": {"api_key": "${OPENAI_API_KEY}"}}
    found = setup(tmp_path, models, providers=providers)
    assert found.broken == {}
    assert found.resolved.chains["embedding"].usable
