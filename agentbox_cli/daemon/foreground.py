"""Become the daemon instead of starting one: for containers, service managers and debugging."""

import os
import sys
from typing import NoReturn

from agentbox_cli.daemon import lifecycle
from agentbox_cli.daemon.instance import TOKEN_VARIABLE
from agentbox_cli.daemon.launch import Launch
from agentbox_cli.paths import Paths
from agentbox_cli.supervise import pid_one


def become(paths: Paths, launch: Launch) -> NoReturn:
    """Replace this process by the daemon; its log goes where this process writes to.

    As the first process of a container it becomes one that buries orphans, with the daemon below.

    Raises:
        ProxyError: a proxy runs already, or the lock cannot be taken.
    """
    lock_fd = lifecycle.take_lock(paths)
    os.set_inheritable(lock_fd, True)  # noqa: FBT003 - the signature is Python's
    argv = list(launch.argv(lock_fd))
    if os.getpid() == 1:
        argv = [sys.executable, "-I", "-S", pid_one.__file__, *argv]
    sys.stdout.flush()
    os.execve(argv[0], argv, {**launch.env, TOKEN_VARIABLE: launch.token})  # noqa: S606 - no shell
