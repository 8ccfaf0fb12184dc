"""The runner, with an application that tells how it was imported."""

import subprocess
import sys
from pathlib import Path

from agentbox_cli.engine import runner

APP = """
import atexit, gc
print("imported", gc.isenabled(), flush=True)
async def app(scope, receive, send):
    print("served", gc.isenabled(), gc.get_freeze_count() > 0, flush=True)
    raise SystemExit
"""


def test_the_collector_rests_during_the_import_only(tmp_path: Path) -> None:
    (tmp_path / "tiny_app.py").write_text(APP)
    command = [sys.executable, "-P", runner.__file__, "tiny_app:app"]
    ended = subprocess.run(
        [*command, "--uds", str(tmp_path / "s"), "--lifespan", "on"],
        env={"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stdout.split("\n")[:2] == ["imported False", "served True True"], ended.stderr
