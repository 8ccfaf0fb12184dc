"""A proxy daemon in miniature: it announces itself, answers, drains, and misbehaves on request.

Run as `python tiny_daemon.py --state-dir DIR --lock-fd N --port P --config FILE [--behave HOW]`.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from agentbox_cli.daemon import instance, lock
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.paths import Paths

FOREVER = 3600


class Server(ThreadingHTTPServer):
    daemon_threads = True
    token = ""
    state = "running"
    health_token = ""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path == "/health":
            self._say({"status": "ok", "instance": self.server.health_token})
        elif self.path == "/agentbox/status":
            key = self.headers.get("Authorization")
            self._say({"state": self.server.state, "saw_key": key})
        else:
            self.send_error(404)

    def _say(self, data: dict[str, object]) -> None:
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        print(format % args, flush=True)  # noqa: T201 - the log of the daemon


def main() -> int:
    args = _arguments()
    paths = Paths(
        config_dir=args.state_dir,
        state_dir=args.state_dir,
        cache_dir=args.state_dir,
        data_dir=args.state_dir,
    )
    lock.adopt(paths.pid_file, args.lock_fd)
    print("tiny: hello", flush=True)  # noqa: T201 - the log of the daemon
    if args.behave == "crash":
        sys.exit("tiny: cannot go on")
    if args.behave == "silent-hang":
        time.sleep(FOREVER)
    if args.behave in ("slow", "slow-crash"):
        time.sleep(1.0)
    if args.behave == "slow-crash":
        sys.exit("tiny: cannot go on")
    me = _describe(args)
    instance.announce(paths, args.lock_fd, me)
    if args.behave == "hang":
        _child_of_ours()
        time.sleep(FOREVER)
    return _serve(paths, args, me)


def _serve(paths: Paths, args: argparse.Namespace, me: Instance) -> int:
    server = Server(("127.0.0.1", args.port), Handler)
    server.health_token = "somebody else" if args.behave == "wrong-token" else me.token
    server.state = "degraded" if args.behave == "degraded" else "running"
    me = replace(me, port=server.server_address[1], ready=True)
    # Waited for rather than handled: a handler may interrupt the very wait that it would end.
    stop_signal = signal.SIGUSR1 if args.behave == "ignore-term" else signal.SIGTERM
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1])
    if args.behave == "grandchild":
        _child_of_ours()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    instance.announce(paths, args.lock_fd, me)
    signal.sigwait([stop_signal])
    instance.announce(paths, args.lock_fd, replace(me, draining=True))
    if args.behave == "drain":
        time.sleep(1.0)
    server.shutdown()
    server.server_close()
    instance.withdraw(paths, args.lock_fd, me)
    return 0


def _describe(args: argparse.Namespace) -> Instance:
    return instance.this_process(
        host="127.0.0.1",
        port=args.port,
        token=os.environ[instance.TOKEN_VARIABLE],
        config_file=args.config,
        working_dir=Path.cwd(),
        log_offset=int(os.environ[instance.LOG_OFFSET_VARIABLE]),
    )


def _child_of_ours() -> None:
    """Start something that outlives us unless somebody ends it."""
    child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOREVER})"])
    child.returncode = 0
    print(f"tiny: grandchild {child.pid}", flush=True)  # noqa: T201 - the log of the daemon


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--lock-fd", type=int, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--behave", default="well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
