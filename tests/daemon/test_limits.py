"""Who is asked for limits: the running proxy, or the file of the last one."""

import pytest

from agentbox_cli.daemon import instance, limits
from agentbox_cli.daemon.client import Answer
from agentbox_cli.daemon.limits import known_limits, reset_limits
from agentbox_cli.daemon.states import DaemonState
from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import Paths
from tests.daemon.test_probe import an_instance, taken

NOTHING = {"as_of": 0.0, "windows": [], "cooling": []}


def test_of_a_stopped_proxy_the_file_tells(paths: Paths) -> None:
    told = known_limits(paths)
    assert (told.state, told.live, told.document) == (DaemonState.STOPPED, False, NOTHING)
    assert reset_limits(paths, None, dry_run=False).document == NOTHING
    assert not paths.limits_file.exists(), "nothing to write"


@pytest.mark.parametrize("state", ["starting", "draining"])
def test_a_reset_does_not_meet_a_proxy_that_will_write_the_file_itself(
    paths: Paths, state: str
) -> None:
    with taken(paths) as held:
        here = an_instance(ready=state == "draining", draining=state == "draining")
        instance.announce(paths, held.fd, here)
        with pytest.raises(ProxyError, match=f"the proxy is {state}"):
            reset_limits(paths, None, dry_run=False)
        assert known_limits(paths).live is False, "what is known may be seen"


def test_a_proxy_that_does_not_answer_is_told(paths: Paths) -> None:
    with taken(paths) as held:
        instance.announce(paths, held.fd, an_instance(ready=True))
        for ask in (known_limits, lambda of: reset_limits(of, "x", dry_run=True)):
            with pytest.raises(ProxyError, match="does not answer"):
                ask(paths)


def test_a_proxy_of_an_older_version_has_no_such_page() -> None:
    answer = Answer(status=404, body={"error": {"code": "not_found", "message": "nothing here"}})
    with pytest.raises(ProxyError, match="which tells no limits"):
        limits._document(answer, an_instance())
