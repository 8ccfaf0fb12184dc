"""A container without a container engine: namespaces, a root of its own, and a first process.

The root is a tmpfs with the machine's /usr below it, this Python and this checkout, all read-only;
`/etc`, homes, `/tmp`, `/run` and `/host-config` are its own. The network is its own too, so port
4000 is free in each.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.processes import lives
from tests.fakes.waiting import eventually

ROOT = Path(__file__).parents[2]
PREFIX = "/opt/agentbox"
BIN = f"{PREFIX}/bin/agentbox"
INIT = "/usr-local/agentbox-init"
ABOX_UID = 10_001
SECONDS = 30
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

_NAMESPACES = ("--mount", "--pid", "--net", "--ipc", "--uts")

# $1 is where the root is mounted, $2 what is mounted into it: `FROM TO` by line.
_SETUP = """
set -eu
root=$1 mounts=$2; shift 2
mount --make-rprivate /
mount -t tmpfs -o mode=755 none "$root"
cd "$root"
mkdir -p usr etc proc dev tmp run host-config home/abox root opt/agentbox/bin usr-local
chmod 1777 tmp
# Before what is mounted into it: this checkout may be below /tmp.
if [ -n "${READ_ONLY-}" ]; then mount -t tmpfs -o mode=1777 none tmp; fi
for name in bin sbin lib lib64; do
    if [ -L "/$name" ]; then ln -s "usr/$name" "$name"; fi
done
mount --rbind /usr usr && mount -o remount,bind,ro usr
mount --rbind /dev dev
mount -t proc proc proc
cp -a /etc/ld.so.cache etc/ 2>/dev/null || true
if [ -d /etc/alternatives ]; then cp -a /etc/alternatives etc/; fi
printf 'root:x:0:0:root:/root:/bin/sh\\n' >etc/passwd
printf 'root:x:0:\\n' >etc/group
if [ -z "${WITHOUT_ABOX-}" ]; then
    printf 'abox:x:10001:10001::/home/abox:/bin/sh\\n' >>etc/passwd
    printf 'abox:x:10001:\\n' >>etc/group
fi
chown 10001:10001 home/abox
printf '%s' "$mounts" | while read -r from to; do
    if [ -d "$from" ]; then mkdir -p "./$to"; else mkdir -p "./${to%/*}"; : >"./$to"; fi
    mount --bind "$from" "./$to"
    mount -o remount,bind,ro "./$to"
done
if [ -z "${WITHOUT_AGENTBOX-}" ]; then
    exec="exec '$PYTHON_HERE'"
    printf '#!/bin/sh\\n%s -P -m agentbox_cli "$@"\\n' "$exec" >opt/agentbox/bin/agentbox
    printf '#!/bin/sh\\n%s "$@"\\n' "$exec" >opt/agentbox/bin/python
    chmod 755 opt/agentbox/bin/*
fi
ip link set lo up
if [ -n "${READ_ONLY-}" ]; then mount -o remount,ro "$root"; fi
exec chroot "$root" "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Image:
    """What a container is made from.

    Attributes:
        mounts: what is mounted, read-only: from outside to inside.
        without: `abox` for no such user, `agentbox` for no such program.
        read_only: only /tmp can be written.
    """

    place: Path
    mounts: Mapping[Path, str]
    without: str = ""
    read_only: bool = False

    def command(self, *words: str, env: Mapping[str, str] | None = None) -> list[str]:
        """The command line that runs these words as the first process."""
        root = self.place / "root"
        root.mkdir(exist_ok=True)
        held = {Path(sys.base_prefix), Path(sys.prefix), ROOT}
        mounts = {**{each: str(each) for each in held}, **self.mounts}
        lines = "".join(f"{origin} {inside}\n" for origin, inside in sorted(mounts.items()))
        told = {
            "PYTHON_HERE": sys.executable,
            **({f"WITHOUT_{self.without.upper()}": "1"} if self.without else {}),
            **({"READ_ONLY": "1"} if self.read_only else {}),
        }
        inner = ["env", "-i", f"PATH={PATH}", *(f"{k}={v}" for k, v in (env or {}).items())]
        return [
            *("unshare", *_NAMESPACES, "--fork", "--kill-child"),
            *("env", *(f"{name}={value}" for name, value in told.items())),
            *("sh", "-c", _SETUP, "container", str(root), lines, *inner, *words),
        ]


@dataclass(frozen=True, kw_only=True)
class Container:
    """A running container."""

    process: "subprocess.Popen[str]"
    init: int

    def runs(
        self, *words: str, user: int = 0, env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command inside, as `docker exec` does."""
        own = {"PATH": PATH, **({"HOME": "/home/abox"} if user == ABOX_UID else {}), **(env or {})}
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        enter = ["nsenter", "-t", str(self.init), "-m", "-p", "-n", "-i", "-u", "-r", "-w"]
        return subprocess.run(
            [*enter, "env", "-i", *(f"{k}={v}" for k, v in own.items()), *become, "--", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def agentbox(self, line: str, user: int = 0) -> "subprocess.CompletedProcess[str]":
        return self.runs(BIN, *shlex.split(line), user=user)

    def healthy(self) -> bool:
        return self.agentbox("litellm health").returncode == 0

    def processes(self) -> dict[int, str]:
        """Pid and state of every process inside."""
        listed = self.runs("sh", "-c", "cat /proc/[0-9]*/stat").stdout
        rows = (line.rpartition(") ") for line in listed.splitlines())
        return {int(before.split()[0]): after[0] for before, _, after in rows}


def needed() -> None:
    """Skip where containers of this kind cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a container with several users")
    for tool in ("unshare", "nsenter", "setpriv", "ip", "chroot"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    tried = subprocess.run(
        ["unshare", *_NAMESPACES, "--fork", "mount", "-t", "proc", "proc", "/proc"],
        capture_output=True,
        check=False,
    )
    if tried.returncode != 0:
        pytest.skip(f"namespaces are not to be had: {tried.stderr.decode()}")


@contextmanager
def container(
    image: Image, *words: str, env: Mapping[str, str] | None = None
) -> Iterator[Container]:
    """Run a container until the end of the block; what it says goes to a file beside its root."""
    with (image.place / "said").open("w") as said:
        process = subprocess.Popen(
            image.command(*words, env=env),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            text=True,
        )
        try:
            yield Container(process=process, init=_first(process, image))
        finally:
            _end(process)


def run(
    image: Image, words: Sequence[str], env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a container to its end."""
    return subprocess.run(
        image.command(*words, env=env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _end(process: "subprocess.Popen[str]") -> None:
    """Kill the first process, and with it all others.

    `--kill-child` alone does not: a process that became another user outlives its parent.
    """
    begun = _children(process)
    for pid in begun:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.kill()
    process.wait(SECONDS)
    eventually(lambda: not any(map(lives, begun)), "the container ended")


def _children(process: "subprocess.Popen[str]") -> list[int]:
    try:
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    except OSError:
        return []
    return [int(pid) for pid in listed.split()]


def _first(process: "subprocess.Popen[str]", image: Image) -> int:
    """The first process, as it is numbered outside, once it is in its own root."""

    def found() -> int:
        assert process.poll() is None, (image.place / "said").read_text()
        pids = _children(process)
        if not pids or not lives(pids[0]):
            return 0
        inside = Path(f"/proc/{pids[0]}/root").readlink()
        return pids[0] if inside == image.place / "root" else 0

    return eventually(found, "the container runs")
