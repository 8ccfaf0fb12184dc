"""Wait until the running proxy's engine is ready, for `start --wait engine` and for drills."""

import time

from agentbox_cli.daemon import client
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import Paths

WAIT_SECONDS = 120.0
_PAUSE = 0.1


def await_engine(paths: Paths, instance: Instance, *, seconds: float = WAIT_SECONDS) -> None:
    """Wait for the engine; fine at once where no call needs one.

    Raises:
        ProxyError: it cannot be started, or not in time.
    """
    deadline = time.monotonic() + seconds
    state = "unknown"
    while time.monotonic() < deadline:
        status = client.fetch_status(instance, key_file=paths.key_file) or {}
        state = status.get("engine", {}).get("state", "unknown")
        if state in {"ready", "off"}:
            return
        if state == "failed":
            break
        time.sleep(_PAUSE)
    raise ProxyError(f"the engine is {state}", hint="agentbox litellm logs")
