"""Thirty generated configs: what the rules of a drill expect is what the real daemon does."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from agentbox_cli.fallback.matrix import run
from agentbox_cli.fallback.plan import Scope
from agentbox_cli.fallback.verdicts import Row
from tests.fallback.generated import NUMBER, generate

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

# Each has a daemon of its own, and mostly waits for links that hang.
AT_ONCE = 5


def prove(seed: int, directory: Path) -> list[Row]:
    # Direct lanes only: LiteLLM would have to be started for each of them.
    made = generate(seed, directory)
    report = run(made.resolved, made.chains, {}, lambda *_: None, Scope())
    return [row for row in report.rows if row.endpoint]


def test_every_check_of_every_generated_config_holds(tmp_path: Path) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(partial(prove, directory=tmp_path), range(NUMBER))
        rows = [row for one in found for row in one]
    failed = [
        f"{row.alias}: {row.scenario} by {row.asked}: {row.why}" for row in rows if not row.ok
    ]
    assert failed == []
    assert len(rows) > 1_500
