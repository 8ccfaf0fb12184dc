import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agentbox_cli.daemon import client, instance
from agentbox_cli.daemon.instance import Instance

Serve = Callable[[bytes], Instance]


class Server(HTTPServer):
    answer = b""
    keys: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.keys.append(self.headers.get("Authorization"))
        self.wfile.write(self.server.answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as found:
        found.keys = []
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def at(port: int) -> Instance:
    return instance.this_process(
        host="127.0.0.1",
        port=port,
        token="right",
        config_file=Path("/c"),
        working_dir=Path("/"),
        ready=True,
    )


def http(body: bytes, status: str = "200 OK", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\n%s\r\n%s" % (status.encode(), more, body)


@pytest.mark.parametrize(
    ("answer", "serving"),
    [
        (http(b'{"instance": "right"}'), True),
        (http(b'{"instance": "right"}', "503 Busy"), True),
        (http(b'{"instance": "wrong"}'), False),
        (http('{"instance": "füür"}'.encode()), False),
        (http(b'{"instance": 7}'), False),
        (http(b"{}"), False),
        (http(b'["right"]'), False),
        (http(b'{"instance": "ri'), False),
        (http(b"[" * 100_000), False),
        (http(b"\xff\xfe"), False),
        (http(b"", "302 Found", b"Location: http://127.0.0.1:1/health\r\n"), False),
        (b"SSH-2.0-OpenSSH_9.2\r\n", False),
        (b"", False),
    ],
)
def test_only_the_right_token_counts_as_our_proxy(
    server: Server, answer: bytes, serving: bool
) -> None:
    server.answer = answer
    assert client.is_serving(at(server.server_port)) is serving


def test_a_port_where_nobody_listens_does_not_serve() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert not client.is_serving(at(free.getsockname()[1]))


def test_a_port_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert not client.is_serving(at(mute.getsockname()[1]), timeout=0.05)


@pytest.mark.parametrize("host", ["host.invalid", "..", "a" * 300])
def test_a_host_that_means_nothing_does_not_serve(host: str) -> None:
    assert not client.is_serving(replace(at(1), host=host))


def test_a_proxy_bound_to_every_address_is_asked_on_loopback(server: Server) -> None:
    server.answer = http(b'{"instance": "right"}')
    assert client.is_serving(replace(at(server.server_port), host="0.0.0.0"))


def test_proxy_variables_are_not_followed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server.answer = http(b'{"instance": "right"}')
    assert client.is_serving(at(server.server_port))


def test_the_key_is_shown_to_our_proxy_only(server: Server, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("secret\n")
    server.answer = http(b'{"instance": "right", "state": "running"}')
    status = client.fetch_status(at(server.server_port), key_file=key)
    assert status is not None
    assert status["state"] == "running"
    assert server.keys == [None, "Bearer secret"]

    server.answer = http(b'{"instance": "wrong"}')
    assert client.fetch_status(at(server.server_port), key_file=key) is None
    assert server.keys == [None, "Bearer secret", None]


def test_a_key_file_that_holds_no_key_sends_none(server: Server, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "binary").write_bytes(b"\xff\0")
    (tmp_path / "split").write_text("a\nb")
    (tmp_path / "empty").touch()
    server.answer = http(b"{}")
    for name in ("fifo", "binary", "split", "empty", "missing", "."):
        client.get(at(server.server_port), "/", key_file=tmp_path / name)
    assert server.keys == [None] * 6
