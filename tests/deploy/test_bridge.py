"""The bridge as a process of its own, between plain sockets: bytes, ends, and how it stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.fakes.waiting import eventually

SECONDS = 20
Behaviour = Callable[[socket.socket], None]


@dataclass
class Running:
    """A bridge that serves."""

    process: "subprocess.Popen[str]"
    port: int

    def connect(self, host: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection((host, self.port), timeout=SECONDS)

    def ends(self) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out + err


def command(path: Path, *more: str) -> list[str]:
    words = ["litellm", "bridge", "--socket", str(path), *more]
    return [sys.executable, "-P", "-m", "agentbox_cli", *words]


@pytest.fixture
def bridge() -> Iterator[Callable[[Path], Running]]:
    begun = []

    def begin(path: Path) -> Running:
        process = subprocess.Popen(
            command(path, "--port", "0"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        assert process.stdout is not None
        told = process.stdout.readline()
        assert told, process.communicate()[1]
        return Running(process, urlsplit(told.split()[0]).port or 0)

    yield begin
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()


@dataclass
class Host:
    """Plays the host's proxy: each connection is served by `behave` in a thread."""

    path: Path
    behave: Behaviour
    threads: list[threading.Thread] = field(default_factory=list)


@contextmanager
def host(path: Path, behave: Behaviour) -> Iterator[Host]:
    made = Host(path, behave)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def accept() -> None:
            while True:
                try:
                    one, _ = listening.accept()
                except OSError:
                    return
                with one:
                    one.settimeout(SECONDS)
                    behave(one)

        # A test that failed leaves a conversation half done: it must not keep the run from ending.
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            listening.shutdown(socket.SHUT_RDWR)
        thread.join(SECONDS)


def everything(one: socket.socket) -> bytes:
    return b"".join(iter(lambda: one.recv(65_536), b""))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_bytes_pass_unchanged_and_an_end_of_one_way_leaves_the_other_open(
    bridge: Callable[[Path], Running], tmp_path: Path, address: str
) -> None:
    sent, answer = os.urandom(1_500_000), os.urandom(1_500_000)
    heard = []

    def hear_then_answer(one: socket.socket) -> None:
        heard.append(everything(one))
        one.sendall(answer)

    with (
        host(tmp_path / "s", hear_then_answer),
        bridge(tmp_path / "s").connect(address) as client,
    ):
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        assert everything(client) == answer
    assert heard == [sent]


def test_the_host_may_end_its_way_first(bridge: Callable[[Path], Running], tmp_path: Path) -> None:
    heard = []

    def answer_then_hear(one: socket.socket) -> None:
        one.sendall(b"all there is")
        one.shutdown(socket.SHUT_WR)
        heard.append(everything(one))

    with host(tmp_path / "s", answer_then_hear), bridge(tmp_path / "s").connect() as client:
        assert everything(client) == b"all there is"
        client.sendall(b"and yet")
    assert heard == [b"and yet"]


def test_nothing_is_held_back(bridge: Callable[[Path], Running], tmp_path: Path) -> None:
    def one_by_one(one: socket.socket) -> None:
        for sign in b"stream":
            one.sendall(bytes([sign]))
            assert one.recv(1) == bytes([sign])  # the next is sent when this one has arrived

    with host(tmp_path / "s", one_by_one), bridge(tmp_path / "s").connect() as client:
        for sign in b"stream":
            assert client.recv(10) == bytes([sign])
            client.sendall(bytes([sign]))


def test_an_answer_that_is_cut_does_not_look_whole(
    bridge: Callable[[Path], Running], tmp_path: Path
) -> None:
    def cut(one: socket.socket) -> None:
        one.recv(10)
        one.sendall(b"half")
        # Closing with unread bytes resets a unix socket.
        one.recv(1, socket.MSG_PEEK)

    with host(tmp_path / "s", cut), bridge(tmp_path / "s").connect() as client:
        client.sendall(b"0123456789")
        assert client.recv(4) == b"half"
        client.sendall(b"more")
        with pytest.raises(ConnectionResetError):
            everything(client)


def test_while_the_host_is_down_callers_are_told_and_later_served(
    bridge: Callable[[Path], Running], tmp_path: Path
) -> None:
    running = bridge(tmp_path / "s")
    with running.connect() as client:
        client.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        client.shutdown(socket.SHUT_WR)
        head, _, body = everything(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 5" in head
    told = json.loads(body)
    assert (told["type"], told["error"]["code"]) == ("error", "host_proxy_down")
    with host(tmp_path / "s", lambda one: one.sendall(b"here")), running.connect() as client:
        assert everything(client) == b"here"
    with socket.socket(socket.AF_UNIX) as dead:
        (tmp_path / "s").unlink()
        dead.bind(str(tmp_path / "s"))  # a socket that nobody listens on
        with running.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            client.shutdown(socket.SHUT_WR)
            assert everything(client).startswith(b"HTTP/1.1 503 ")


def test_a_stop_lets_an_open_answer_finish_and_closes_what_only_waits(
    bridge: Callable[[Path], Running], tmp_path: Path
) -> None:
    go_on, seen = threading.Event(), threading.Event()

    def slow(one: socket.socket) -> None:
        one.recv(10)
        seen.set()
        assert go_on.wait(SECONDS)
        one.sendall(b"late")

    with host(tmp_path / "s", slow):
        running = bridge(tmp_path / "s")
        with running.connect() as client:
            client.sendall(b"ask")
            assert seen.wait(SECONDS)
            running.process.send_signal(signal.SIGTERM)
            eventually(lambda: refused(running.port), "the port is closed")
            assert running.process.poll() is None
            go_on.set()
            assert everything(client) == b"late"
            # Kept open by the client, like an idle connection of a pool.
            assert running.ends()[0] == 0


def test_a_second_signal_cuts(bridge: Callable[[Path], Running], tmp_path: Path) -> None:
    seen = threading.Event()

    def never(one: socket.socket) -> None:
        one.recv(10)
        seen.set()
        assert one.recv(10) == b""

    with host(tmp_path / "s", never):
        running = bridge(tmp_path / "s")
        with running.connect() as client:
            client.sendall(b"ask")
            assert seen.wait(SECONDS)
            running.process.send_signal(signal.SIGINT)
            eventually(lambda: refused(running.port), "the port is closed")
            running.process.send_signal(signal.SIGINT)
            with pytest.raises(ConnectionResetError):
                everything(client)
        assert running.ends()[0] == 0


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=SECONDS).close()
    except ConnectionRefusedError:
        return True
    return False


def tried(path: Path, *more: str) -> tuple[int, str]:
    done = subprocess.run(
        command(path, "--port", "0", *more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_a_directory_that_is_not_mounted_is_told_or_passed_over(tmp_path: Path) -> None:
    code, said = tried(tmp_path / "none" / "s")
    assert code == 5
    assert f"error: there is no directory {tmp_path}/none\nhint: mount the directory" in said
    code, said = tried(tmp_path / "none" / "s", "--if-exists")
    assert (code, said) == (0, f"no bridge: there is no directory {tmp_path}/none\n")


def test_a_file_that_is_no_socket_is_told(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    code, said = tried(tmp_path / "s")
    assert (code, said.splitlines()[0]) == (5, f"error: {tmp_path}/s is not a socket")


def test_a_path_too_long_is_told(tmp_path: Path) -> None:
    code, said = tried(tmp_path / ("s" * 100))
    assert code == 2
    assert "longer than the 107 bytes" in said


def test_a_port_that_somebody_else_has_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = tried(tmp_path / "s", "--port", str(port))
    assert code == 5
    assert f"error: port {port} on 127.0.0.1 is taken by " in said
    assert f"(pid {os.getpid()})" in said


AS_ANOTHER = """
import os, sys
from pathlib import Path
from agentbox_cli.deploy.bridge import prepare
from agentbox_cli.errors import ProxyError
os.setgroups([]); os.setgid(12345); os.setuid(12345)
try:
    prepare(Path(sys.argv[1]), 0)
except ProxyError as error:
    print(error.message, error.hint, sep="\\n")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_socket_that_this_user_may_not_open_is_told() -> None:
    # The folders of tests are closed to others, and it is the file that shall be.
    with (
        tempfile.TemporaryDirectory() as place,
        socket.socket(socket.AF_UNIX) as listening,
    ):
        Path(place).chmod(0o755)
        path = f"{place}/s"
        listening.bind(path)
        Path(path).chmod(0o600)
        said = subprocess.run(
            [sys.executable, "-c", AS_ANOTHER, path], capture_output=True, text=True, check=True
        ).stdout
    assert f"uid 12345 may not open {path}, which belongs to uid 0 and has mode 0600\n" in said
    assert "litellm.socket_access" in said
