"""Become the daemon instead of starting one: for containers, service managers and debugging."""

import os
import sys
from typing import NoReturn

from agentbox_cli.daemon import lock
from agentbox_cli.daemon.instance import TOKEN_VARIABLE
from agentbox_cli.daemon.launch import Launch
from agentbox_cli.daemon.probe import probe
from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import Paths


def become(paths: Paths, launch: Launch) -> NoReturn:
    """Replace this process by the daemon; its log goes where this process writes to.

    Raises:
        ProxyError: a proxy runs already, or the lock cannot be taken.
    """
    paths.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = lock.acquire(paths.pid_file)
    if held is None:
        found = probe(paths).instance
        who = f"pid {found.pid} on {found.url}" if found else "another process"
        raise ProxyError(f"the proxy already runs ({who})", hint="agentbox litellm stop")
    held.write_pid(os.getpid())
    os.set_inheritable(held.fd, True)  # noqa: FBT003 - the signature is Python's
    argv = list(launch.argv(held.fd))
    sys.stdout.flush()
    os.execve(argv[0], argv, {**launch.env, TOKEN_VARIABLE: launch.token})  # noqa: S606 - no shell
