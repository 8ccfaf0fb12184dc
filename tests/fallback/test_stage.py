"""The daemon of a drill ends with the process that has it, however that ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import sys, time
from pathlib import Path
from agentbox_cli.fallback.stage import set_stage
from agentbox_cli.providers.load import load_setup

resolved = load_setup(Path(sys.argv[1]), {"OPENAI_API_KEY": "sk-dummy"}, None).resolved
chains = [chain for chain in resolved.chains.values() if chain.source == "config"]
with set_stage(resolved, chains) as stage:
    print(stage.instance.identity.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_drill_leaves_no_daemon(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "config.yml"
    models = {"default": [{"provider": "openai", "model": "gpt-4o"}]}
    section = {"providers": {"openai": {"api_key": "${OPENAI_API_KEY}"}}, "models": models}
    file.write_text(json.dumps({"litellm": section}), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(file)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as drill:
        assert drill.stdout is not None
        daemon = int(drill.stdout.readline())
        drill.send_signal(number)
    until = time.monotonic() + 10
    while is_alive(daemon) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_alive(daemon)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
