"""Start, probe or stop the tiny daemon from a process of its own, as the command line does.

Run as `python tiny_starter.py start|stop|probe STATE_DIR [PORT [BEHAVE]]`; prints one JSON object.
"""

import json
import os
import secrets
import sys
from pathlib import Path

from agentbox_cli.daemon.launch import Launch
from agentbox_cli.daemon.lifecycle import probe, start, stop
from agentbox_cli.errors import AgentboxError
from agentbox_cli.paths import Paths

DAEMON = Path(__file__).with_name("tiny_daemon.py")


def paths_in(state_dir: Path) -> Paths:
    return Paths(
        config_dir=state_dir, state_dir=state_dir, cache_dir=state_dir, data_dir=state_dir
    )


def tiny_launch(
    state_dir: Path, *, port: int = 0, behave: str = "well", config: Path = Path("/c.yml")
) -> Launch:
    argv = [sys.executable, str(DAEMON), "--state-dir", str(state_dir)]
    argv += ["--port", str(port), "--config", str(config), "--behave", behave]
    return Launch(
        argv=lambda fd: [*argv, "--lock-fd", str(fd)],
        env=dict(os.environ),
        host="127.0.0.1",
        port=port,
        config_file=config,
        token=secrets.token_hex(8),
    )


def main() -> int:
    verb, state_dir, *rest = sys.argv[1:]
    paths = paths_in(Path(state_dir))
    try:
        print(json.dumps(_do(verb, paths, rest)), flush=True)  # noqa: T201 - the answer to the test
    except AgentboxError as error:
        print(json.dumps({"error": error.message, "exit": error.exit_code}), flush=True)  # noqa: T201 - the answer to the test
        return error.exit_code
    return 0


def _do(verb: str, paths: Paths, rest: list[str]) -> dict[str, object]:
    if verb == "probe":
        return {"state": probe(paths).state}
    if verb == "stop":
        stopped = stop(paths)
        return {"was_running": stopped.was_running, "killed": stopped.killed}
    port, behave = (rest + ["0", "well"][len(rest) :])[:2]
    launch = tiny_launch(paths.state_dir, port=int(port), behave=behave)
    started = start(paths, launch, wait_seconds=20)
    return {"already": started.already, "pid": started.instance.pid}


if __name__ == "__main__":
    sys.exit(main())
