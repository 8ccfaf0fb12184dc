import subprocess
import sys

from agentbox_cli.daemon.states import ABSENT, SELF_REPORTED, SERVES, DaemonState


def test_the_names_of_the_states_are_the_ones_of_the_json_contract() -> None:
    names = "stopped starting running degraded draining stale foreign"
    assert " ".join(DaemonState) == names


def test_a_state_that_serves_is_not_absent() -> None:
    assert not SERVES & ABSENT
    assert SERVES <= SELF_REPORTED


def test_what_status_needs_is_light_to_import() -> None:
    """Modules are counted rather than milliseconds; a stopped proxy needs no HTTP either."""
    code = (
        "import sys, agentbox_cli.daemon.lifecycle\n"
        "heavy = {'asyncio', 'aiohttp', 'pydantic', 'subprocess', 'http', 'email', 'socket'}\n"
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
