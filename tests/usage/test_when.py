import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentbox_cli.errors import UsageError
from agentbox_cli.usage.when import moment
from tests.usage.builders import NOON


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("said", "then"),
    [
        ("90m", "2026-11-25 11:30"),
        ("12h", "2026-11-25 01:00"),
        ("7d", "2026-11-18 13:00"),
        ("2w", "2026-11-11 13:00"),
        ("today", "2026-11-25 00:00"),
        ("yesterday", "2026-11-24 00:00"),
        ("week", "2026-11-23 00:00"),
        ("month", "2026-11-01 00:00"),
        ("year", "2026-01-01 00:00"),
        ("2026-11-01", "2026-11-01 00:00"),
        ("2026-07-01", "2026-07-01 00:00"),
        ("2026-11-01T08:30", "2026-11-01 08:30"),
        ("2026-11-01T08:30+00:00", "2026-11-01 09:30"),
    ],
)
def test_a_time_is_what_people_mean_by_it(said: str, then: str) -> None:
    found = moment(said, NOON)
    assert time.strftime("%Y-%m-%d %H:%M", time.localtime(found)) == then


def test_all_is_no_limit() -> None:
    assert moment("all", NOON) is None


@pytest.mark.parametrize("said", ["", "soon", "7", "d", "-1d", "2026-13-01", "999999w", "1y"])
def test_what_nobody_understands_is_refused_with_examples(said: str) -> None:
    with pytest.raises(UsageError) as refused:
        moment(said, NOON)
    assert "7d" in (refused.value.hint or "")


@settings(deadline=None)
@given(st.text(max_size=12))
def test_any_text_is_a_time_or_refused(said: str) -> None:
    try:
        found = moment(said, NOON)
    except UsageError:
        return
    assert found is None or isinstance(found, float)
