"""Memory that a process gives back, which holds one thing in each of many pieces still."""

import json
import os
import subprocess
import sys

import pytest

from agentbox_cli.proxy.allocation import Allocation


def run(how: str, **environ: str) -> dict[str, float] | None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, float] | None = json.loads(done.stdout)
    return told


# Makes many strings, keeps one in two thousand, and tells what it holds then, in MB.
SCRIPT = """
import json, sys
from agentbox_cli.proxy.allocation import Allocation

def held():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

place = Allocation.found()
if place is None:
    print("null")
    sys.exit()
before = held()
if sys.argv[1] == "c":
    place.by_c()
made = [str(number).rjust(40, "0") for number in range(400_000)]
most = held()
place.by_python()
kept = made[::2_000]
more = [each + "!" for each in kept]  # grown where they lie, or copied
made = None
place.trim()
left = held()
assert [int(each) for each in kept] == list(range(0, 400_000, 2_000))
assert all(each.endswith("!") for each in more)
print(json.dumps({"made": most - before, "left": left - before}))
"""


@pytest.mark.skipif(Allocation.found() is None, reason="neither CPython's nor glibc's allocators")
def test_what_the_c_library_gave_goes_back_but_for_the_pages_in_use() -> None:
    by_c, by_python = run("c"), run("python")
    assert by_c is not None
    assert by_python is not None
    assert by_c["made"] > 25
    assert by_c["left"] < by_c["made"] / 5
    assert by_python["left"] > by_python["made"] / 2


@pytest.mark.parametrize(
    "environ", [{"PYTHONMALLOC": "malloc"}, {"PYTHONMALLOC": "debug"}, {"PYTHONDEVMODE": "1"}]
)
def test_other_allocators_are_left_alone(environ: dict[str, str]) -> None:
    assert run("c", **environ) is None
