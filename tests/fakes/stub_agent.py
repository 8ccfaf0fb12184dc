"""Programs in the place of coding agents: they tell what they were started with."""

import sys
from pathlib import Path

_PROGRAM = """\
#!{python} -S
import json, os, sys
if sys.argv[1:] == ["--version"]:
    print("stub {version}")
    sys.exit()
about = {{"argv": sys.argv[1:], "pid": os.getpid(), "env": dict(os.environ)}}
print(json.dumps(about), flush=True)
sys.exit(int(os.environ.get("STUB_EXIT", "0")))
"""


def write_stub(directory: Path, name: str, version: str = "99.0.0") -> None:
    """Put a program of this name into a directory."""
    directory.mkdir(exist_ok=True)
    file = directory / name
    file.write_text(_PROGRAM.format(python=sys.executable, version=version))
    file.chmod(0o755)
