import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentbox_cli.proxy.peer import (
    TCP_CLOSE_WAIT,
    TCP_ESTABLISHED,
    NetlinkLookup,
    PeerLookup,
    PeerSocket,
    ProcLookup,
    find_lookup,
    open_netlink,
)
from tests.fakes.other_user import connected_as

IDENTITY = "         0          0 4294967295\n"

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has sock_diag and /proc")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start another user's client")

pytestmark = linux


@pytest.fixture(params=["sock_diag", "/proc/net/tcp"])
def lookup(request: pytest.FixtureRequest) -> Iterator[PeerLookup]:
    """Each way to ask the kernel."""
    way: PeerLookup = NetlinkLookup() if request.param == "sock_diag" else ProcLookup()
    yield way
    way.close()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        yield listener


def proc_with(tmp_path: Path, uid_map: str = IDENTITY) -> Path:
    """A procfs that has only a uid map."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "uid_map").write_text(uid_map)
    return tmp_path / "proc"


def refused_netlink() -> socket.socket:
    raise PermissionError(1, "Operation not permitted")


def deaf_netlink() -> socket.socket:
    """A socket that takes a question and never has an answer."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    theirs.close()
    ours.setblocking(False)
    return ours


def ask(lookup: PeerLookup, accepted: socket.socket) -> PeerSocket | None:
    return lookup.lookup(accepted.getsockname(), accepted.getpeername())


@contextmanager
def accepted_from(server: socket.socket) -> Iterator[socket.socket]:
    connection, _ = server.accept()
    with connection:
        connection.settimeout(10)
        yield connection


@contextmanager
def pair(listener: socket.socket, family: int, host: str) -> Iterator[tuple[socket.socket, int]]:
    """An accepted connection and the inode of its client."""
    with socket.socket(family) as client:
        client.connect((host, listener.getsockname()[1]))
        with accepted_from(listener) as accepted:
            yield accepted, os.fstat(client.fileno()).st_ino


def test_the_own_client_is_told_by_uid_inode_and_state(
    lookup: PeerLookup, server: socket.socket
) -> None:
    with pair(server, socket.AF_INET, "127.0.0.1") as (accepted, inode):
        assert ask(lookup, accepted) == PeerSocket(
            uid=os.geteuid(), inode=inode, state=TCP_ESTABLISHED
        )


def test_the_clients_socket_is_looked_up_and_not_the_accepted_one(
    lookup: PeerLookup, server: socket.socket
) -> None:
    with pair(server, socket.AF_INET, "127.0.0.1") as (accepted, inode):
        found = ask(lookup, accepted)
        assert found is not None
        assert found.inode == inode != os.fstat(accepted.fileno()).st_ino


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
@pytest.mark.parametrize(
    ("family", "host"),
    [
        (socket.AF_INET6, "::1"),
        (socket.AF_INET6, "::ffff:127.0.0.1"),
        (socket.AF_INET, "127.0.0.1"),
    ],
)
def test_a_dual_stack_listener_knows_its_clients(
    lookup: PeerLookup, family: int, host: str
) -> None:
    with (
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener,
        pair(listener, family, host) as (accepted, inode),
    ):
        assert ask(lookup, accepted) == PeerSocket(
            uid=os.geteuid(), inode=inode, state=TCP_ESTABLISHED
        )


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_ipv4_listener_knows_a_client_with_mapped_addresses(
    lookup: PeerLookup, server: socket.socket
) -> None:
    with pair(server, socket.AF_INET6, "::ffff:127.0.0.1") as (accepted, inode):
        found = ask(lookup, accepted)
        assert found is not None
        assert found.inode == inode


def test_no_such_connection_is_nobody(lookup: PeerLookup, server: socket.socket) -> None:
    assert lookup.lookup(server.getsockname(), ("127.0.0.1", 1)) is None


def test_a_listener_at_that_port_is_no_connection(
    lookup: PeerLookup, server: socket.socket
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unrelated:
        found = lookup.lookup(server.getsockname(), unrelated.getsockname())
    # sock_diag answers with the listener itself, and its state says so.
    assert found is None or found.state not in (TCP_ESTABLISHED, TCP_CLOSE_WAIT)


@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1.5", ":::"])
def test_what_is_no_address_is_nobody(lookup: PeerLookup, host: str) -> None:
    assert lookup.lookup(("127.0.0.1", 1), (host, 2)) is None


@as_root
@pytest.mark.parametrize("uid", [1234, 65_534])
def test_another_users_client_is_told_by_its_uid(
    lookup: PeerLookup, server: socket.socket, uid: int
) -> None:
    with connected_as(uid, server.getsockname()), accepted_from(server) as accepted:
        found = ask(lookup, accepted)
    assert found is not None
    assert (found.uid, found.inode > 0, found.state) == (uid, True, TCP_ESTABLISHED)


@as_root
@pytest.mark.parametrize("then", ["close", "exit"])
def test_a_client_that_is_gone_has_no_inode(
    lookup: PeerLookup, server: socket.socket, then: str
) -> None:
    with connected_as(1234, server.getsockname(), then=then), accepted_from(server) as accepted:
        assert accepted.recv(2) == b"x"
        found = ask(lookup, accepted)
    assert found is not None
    assert found.inode == 0
    # Which of the two depends on the kernel, so the uid of a client that is gone proves nothing.
    assert found.uid in (0, 1234)


@as_root
def test_a_client_that_half_closed_still_shows_its_uid(
    lookup: PeerLookup, server: socket.socket
) -> None:
    with (
        connected_as(1234, server.getsockname(), then="shutdown"),
        accepted_from(server) as accepted,
    ):
        found = ask(lookup, accepted)
    assert found is not None
    assert found.uid == 1234
    assert found.inode > 0


@as_root
def test_a_client_in_its_own_user_namespace_shows_its_uid_here(
    lookup: PeerLookup, server: socket.socket
) -> None:
    address = server.getsockname()
    with connected_as(1234, address, then="namespace") as client:
        if client.refused:
            pytest.skip("user namespaces are refused here")
        with accepted_from(server) as accepted:
            found = ask(lookup, accepted)
    assert found is not None
    assert found.uid == 1234


def test_many_lookups_share_one_netlink_socket(server: socket.socket) -> None:
    opened: list[socket.socket] = []

    def opening() -> socket.socket:
        opened.append(open_netlink())
        return opened[-1]

    lookup = NetlinkLookup(opening)
    with pair(server, socket.AF_INET, "127.0.0.1") as (accepted, _):
        answers = {ask(lookup, accepted) for _ in range(50)}
    lookup.close()
    assert len(opened) == len(answers) == 1


def test_a_late_answer_to_another_question_is_not_taken_for_ours(server: socket.socket) -> None:
    netlink = open_netlink()
    lookup = NetlinkLookup(lambda: netlink)
    with pair(server, socket.AF_INET, "127.0.0.1") as (accepted, inode):
        nobody = (b"\x7f\0\0\1", 1, b"\x7f\0\0\1", 1)
        assert lookup._ask(*nobody) is None
        # Ask once more and leave the answer where it is.
        with pytest.raises(BlockingIOError):
            netlink.recv(1)
        netlink.send(question_of_sequence(99))
        found = ask(lookup, accepted)
    lookup.close()
    assert found is not None
    assert found.inode == inode


def question_of_sequence(sequence: int) -> bytes:
    from agentbox_cli.proxy import peer

    loopback = b"\x7f\0\0\1"
    return peer._QUESTION.pack(
        72, 20, 1, sequence, 0, 2, 6, 0, 0, 256, 256, loopback, loopback, 0, 0, 0
    )


def test_a_broken_netlink_socket_is_replaced_for_the_next_caller(server: socket.socket) -> None:
    sockets = [deaf_netlink(), open_netlink()]
    lookup = NetlinkLookup(lambda: sockets.pop(0))
    with pair(server, socket.AF_INET, "127.0.0.1") as (accepted, inode):
        assert ask(lookup, accepted) is None
        found = ask(lookup, accepted)
    lookup.close()
    assert found is not None
    assert found.inode == inode


def test_the_lookup_that_works_here_is_found_and_tried() -> None:
    choice = find_lookup()
    if choice.lookup is None:
        assert choice.reason
        pytest.skip(choice.reason)
    assert choice.lookup.name in ("sock_diag", "/proc/net/tcp")
    assert not choice.reason
    choice.lookup.close()


@pytest.mark.parametrize("netlink", [refused_netlink, deaf_netlink])
def test_refused_netlink_falls_back_to_proc(
    tmp_path: Path, netlink: object, server: socket.socket
) -> None:
    proc = proc_with(tmp_path)
    (proc / "net").symlink_to("/proc/net")
    choice = find_lookup(proc=proc, netlink=netlink)  # type: ignore[arg-type] # parametrised
    assert isinstance(choice.lookup, ProcLookup)
    with pair(server, socket.AF_INET, "127.0.0.1") as (accepted, inode):
        found = ask(choice.lookup, accepted)
    assert found is not None
    assert found.inode == inode


def test_without_netlink_and_proc_net_there_is_no_lookup(tmp_path: Path) -> None:
    choice = find_lookup(proc=proc_with(tmp_path), netlink=refused_netlink)
    assert choice.lookup is None
    assert choice.reason == "neither sock_diag nor /proc/net/tcp tells who opened a connection"


def test_a_proc_that_names_a_wrong_uid_is_not_used(tmp_path: Path) -> None:
    proc = proc_with(tmp_path)
    (proc / "net").symlink_to("/proc/net")
    choice = find_lookup(proc=proc, netlink=refused_netlink, uid=os.geteuid() + 1)
    assert choice.lookup is None


@pytest.mark.parametrize("rows", [b"", b"\0" * 100, b"  sl  local_address\n"])
def test_a_garbled_table_knows_nobody(tmp_path: Path, server: socket.socket, rows: bytes) -> None:
    proc = proc_with(tmp_path)
    (proc / "net").mkdir()
    (proc / "net" / "tcp").write_bytes(rows)
    with pair(server, socket.AF_INET, "127.0.0.1") as (accepted, _):
        assert ask(ProcLookup(proc), accepted) is None


@pytest.mark.parametrize(
    "uid_map",
    [
        "         0       1000          1\n",
        "         0     100000      65536\n",
        "         0          0      65536\n",
        "         0       1000          1\n         1     100000      65536\n",
        "",
        "garbled",
        "caf\u00e9",
    ],
)
def test_a_uid_map_other_than_the_identity_means_no_lookup(tmp_path: Path, uid_map: str) -> None:
    choice = find_lookup(proc=proc_with(tmp_path, uid_map))
    assert choice.lookup is None
    assert "uid" in choice.reason


def test_without_a_uid_map_there_is_no_lookup(tmp_path: Path) -> None:
    choice = find_lookup(proc=tmp_path)
    assert choice.lookup is None
    assert choice.reason.startswith(f"{tmp_path}/self/uid_map cannot be read")


def test_the_overflow_uid_cannot_know_itself() -> None:
    choice = find_lookup(uid=65_534)
    assert choice.lookup is None
    assert "65534" in choice.reason


def test_other_systems_have_no_lookup() -> None:
    choice = find_lookup(platform="darwin")
    assert choice.lookup is None
    assert choice.reason == "only Linux tells which user opened a connection"


def test_a_daemon_inside_a_real_user_namespace_has_no_lookup() -> None:
    code = "from agentbox_cli.proxy.peer import find_lookup; print(find_lookup())"
    try:
        inside = subprocess.run(
            ["unshare", "--user", "--map-root-user", sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except FileNotFoundError:
        pytest.skip("unshare is not installed")
    if inside.returncode != 0 and "unshare" in inside.stderr:
        pytest.skip("user namespaces are refused here")
    assert "lookup=None" in inside.stdout, inside.stderr
    assert "user namespace" in inside.stdout
