"""A real daemon, killed while it is busy; all of its twenty kills are in `make bench`."""

from pathlib import Path

from benchmarks import ours
from benchmarks.kills import kill, moments
from benchmarks.processes import helper
from tests.fakes.waiting import eventually

# A busy machine may hold the proxy's thread up; what is held up longer than that is lost by us.
LATEST_MS = 1_000.0


def test_a_daemon_that_is_killed_under_load_misses_only_the_last_moment(tmp_path: Path) -> None:
    with helper("provider") as provider:
        home = ours.Home(tmp_path, provider.port, engine="off")
        killed = [kill(home, seconds) for seconds in moments(3)]
        assert [each.sound for each in killed] == [True] * 3
        assert max((age for each in killed for age in each.missing_ms), default=0.0) < LATEST_MS
        assert sum(len(each.missing_ms) for each in killed) < sum(each.answered for each in killed)
        home.start()
        eventually(lambda: not home.paths.usage_journal.exists(), "a journal that is replayed")
        home.stop()
