"""A client process of any uid that connects to a loopback port and holds still."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# It starts as we do and then gives its rights up: the interpreter may be readable for us only.
_CLIENT = """
import ctypes, os, socket, sys
host, port, uid, how = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
if uid != os.getuid():
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
CLONE_NEWUSER = 0x10000000
if how == "namespace" and ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
    print("refused", flush=True); sys.exit(0)
client = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
client.connect((host, port))
client.sendall(b"x")
if how == "close":
    client.close()
if how == "shutdown":
    client.shutdown(socket.SHUT_WR)
if how != "exit":
    print("ready", flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherUser:
    """The client process: `refused` when the kernel did not let it do what it was told."""

    process: subprocess.Popen[str]
    refused: bool


@contextmanager
def connected_as(uid: int, address: tuple[str, int], *, then: str = "hold") -> Iterator[OtherUser]:
    """Connect to `address` as `uid` and send one byte.

    Args:
        uid: who the client is.
        address: where it connects.
        then: `hold`, `close` or `shutdown` the socket, `exit`, or connect from a user `namespace`
            of its own and hold.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _CLIENT, address[0], str(address[1]), str(uid), then],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        if then == "exit":
            process.wait(30)
        assert said or process.returncode == 0, "the client failed, see its stderr"
        yield OtherUser(process=process, refused=said == "refused")
