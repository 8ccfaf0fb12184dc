import os
import socket
from pathlib import Path

import pytest

from agentbox_cli.daemon import ports


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_the_listener_is_named_with_its_pid(family: socket.AddressFamily) -> None:
    with socket.socket(family) as listener:
        try:
            listener.bind(("127.0.0.1" if family is socket.AF_INET else "::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        listener.listen()
        name = Path("/proc/self/comm").read_text().strip()
        assert ports.holder_of(listener.getsockname()[1]) == f"{name} (pid {os.getpid()})"


def test_a_port_without_a_visible_listener_is_held_by_another_process() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert ports.holder_of(bound.getsockname()[1]) == "another process"
