"""A stand-in for LiteLLM: an HTTP server on a unix socket that ends, hangs or lingers as told.

Run as a script: `tiny_engine.py SOCKET [TRAIT...]`. A POST to /crash makes it exit with status 7.
"""

import contextlib
import http.server
import os
import signal
import socketserver
import subprocess
import sys
import time
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(200 if self.path == "/health/liveliness" else 404)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/crash":
            os._exit(7)
        say(f"asked {self.path} with {self.headers['Authorization']}")
        self._answer(404)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is Python's
        """Say nothing: clients of unix sockets have no address to log."""


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    socket, *traits = sys.argv[1:]
    say(f"key {os.environ['AGENTBOX_ENGINE_MASTER_KEY']}")
    if "fails" in traits:
        sys.exit("ValueError: no such thing")
    if "deaf" in traits:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "parent" in traits:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(socket).with_name("grandchild").write_text(str(child.pid))
    if "silent" in traits:
        time.sleep(600)
    with contextlib.suppress(KeyboardInterrupt):
        socketserver.UnixStreamServer(socket, Handler).serve_forever()


if __name__ == "__main__":
    main()
