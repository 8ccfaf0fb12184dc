import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from pydantic import SecretStr

from agentbox_cli.daemon.client_tokens import add
from agentbox_cli.proxy.client_tokens import TokenBook
from agentbox_cli.proxy.guard import (
    CROSS_SITE,
    HOST_MISSING,
    HOST_REPEATED,
    KEY_MISSING,
    KEY_WRONG,
    Guard,
    GuardPolicy,
    uids_of,
)
from agentbox_cli.proxy.peer import (
    TCP_CLOSE_WAIT,
    TCP_ESTABLISHED,
    NetlinkLookup,
    PeerLookup,
    PeerSocket,
    ProcLookup,
    SocketAddress,
)
from tests.fakes.other_user import connected_as

KEY = "agentbox-" + "k" * 43
HERE = ("127.0.0.1", 4000)
THERE = ("127.0.0.1", 50_000)
LOCAL = ("Host", "127.0.0.1:4000")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start another user's client")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who connects")


class Says:
    """A lookup that always gives the same answer."""

    name = "fake"

    def __init__(self, peer: PeerSocket | None) -> None:
        self.peer = peer
        self.asked = 0

    def lookup(self, local: SocketAddress, remote: SocketAddress) -> PeerSocket | None:
        assert (local, remote) == (HERE, THERE)
        self.asked += 1
        return self.peer

    def close(self) -> None: ...


def guard(lookup: PeerLookup | None = None, **policy: object) -> Guard:
    return Guard(GuardPolicy(**policy), lookup, SecretStr(KEY))  # type: ignore[arg-type] # by name


def vouched(guarded: Guard) -> bool:
    return guarded.vouches_for(guarded.peer(HERE, THERE))


def headers(*fields: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(fields))


def outcome(
    guarded: Guard, *fields: tuple[str, str], same_user: bool = True, on_unix_socket: bool = False
) -> str | None:
    refusal = guarded.check(headers(*fields), same_user=same_user, on_unix_socket=on_unix_socket)
    return None if refusal is None else refusal.code


def peer(uid: int, *, inode: int = 7, state: int = TCP_ESTABLISHED) -> PeerSocket:
    return PeerSocket(uid=uid, inode=inode, state=state)


# Connections


@pytest.mark.parametrize("uid", [os.geteuid(), 0, 4242])
@pytest.mark.parametrize("state", [TCP_ESTABLISHED, TCP_CLOSE_WAIT])
def test_own_root_and_allowed_users_are_vouched_for(uid: int, state: int) -> None:
    guarded = guard(Says(peer(uid, state=state)), allowed_uids=frozenset({4242}))
    assert vouched(guarded)


@pytest.mark.parametrize(
    "found",
    [
        None,
        peer(1234),
        peer(65_534),
        peer(0, inode=0),
        peer(os.geteuid(), inode=0),
        *(peer(0, state=state) for state in (0, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12)),
    ],
)
def test_anybody_else_is_not_vouched_for(found: PeerSocket | None) -> None:
    assert not vouched(guard(Says(found)))


def test_the_overflow_uid_is_never_vouched_for_even_when_allowed() -> None:
    guarded = guard(Says(peer(65_534)), allowed_uids=frozenset({65_534}))
    assert not vouched(guarded)


def test_without_a_lookup_nobody_is_vouched_for() -> None:
    assert not vouched(guard(None))


def test_auth_key_does_not_ask_the_kernel() -> None:
    lookup = Says(peer(0))
    assert not vouched(guard(lookup, auth="key"))
    assert lookup.asked == 0


@contextmanager
def accepted(listener: socket.socket) -> Iterator[socket.socket]:
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(10)
        yield connection


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


@pytest.fixture(params=[NetlinkLookup, ProcLookup], ids=["sock_diag", "proc"])
def real(request: pytest.FixtureRequest) -> Iterator[PeerLookup]:
    make: Callable[[], PeerLookup] = request.param
    lookup = make()
    yield lookup
    lookup.close()


def verdict(guarded: Guard, connection: socket.socket) -> bool:
    peer = guarded.peer(connection.getsockname(), connection.getpeername())
    return guarded.vouches_for(peer)


@linux
def test_the_own_user_is_vouched_for_on_a_real_connection(
    real: PeerLookup, listener: socket.socket
) -> None:
    with (
        socket.create_connection(listener.getsockname()) as client,
        accepted(listener) as connection,
    ):
        assert verdict(guard(real), connection)
        client.close()
        assert not verdict(guard(real), connection)


@linux
@as_root
@pytest.mark.parametrize("uid", [1234, 65_534])
def test_another_user_is_not_vouched_for(
    real: PeerLookup, listener: socket.socket, uid: int
) -> None:
    with connected_as(uid, listener.getsockname()), accepted(listener) as connection:
        assert not verdict(guard(real), connection)


@linux
@as_root
def test_an_allowed_user_is_vouched_for(real: PeerLookup, listener: socket.socket) -> None:
    with connected_as(1234, listener.getsockname()), accepted(listener) as connection:
        assert verdict(guard(real, allowed_uids=frozenset({1234})), connection)


@linux
@as_root
@pytest.mark.parametrize("then", ["close", "exit"])
@pytest.mark.parametrize("allowed", [frozenset[int](), frozenset({1234})])
def test_a_request_left_behind_by_a_closed_client_is_not_roots(
    real: PeerLookup, listener: socket.socket, then: str, allowed: frozenset[int]
) -> None:
    with (
        connected_as(1234, listener.getsockname(), then=then),
        accepted(listener) as connection,
    ):
        assert connection.recv(2) == b"x"
        assert not verdict(guard(real, allowed_uids=allowed), connection)


# Host


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:4000",
        "127.0.0.1",
        "127.0.0.1:4000",
        "127.0.0.1:65535",
        "127.255.1.2:1",
        "[::1]",
        "[::1]:4000",
        "[0:0:0:0:0:0:0:1]:4000",
    ],
)
def test_loopback_hosts_pass(host: str) -> None:
    guarded = guard()
    assert outcome(guarded, ("Host", host)) is None
    assert outcome(guarded, ("host", host)) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:4000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost.",
        "localhost:",
        "localhost:65536",
        "localhost:-1",
        "localhost:4000:4000",
        "a.localhost",
        "user@localhost",
        "localhost/",
        "http://localhost",
        " localhost",
        "localhost\t",
        "localhost, evil.example",
        "localhost\n",
        "127.1",
        "2130706433",
        "0x7f000001",
        "127.0.0.01",
        "0.0.0.0",
        "10.0.0.1",
        "128.0.0.1",
        "::1",
        "[::1",
        "[::1]evil",
        "[::2]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[127.0.0.1]",
        "[localhost]",
        "[::1%lo]",
        "ⓛocalhost",
        "127.0.0.\uff11",
        "\udcff",
        "*",
    ],
)
def test_any_other_host_is_refused(host: str) -> None:
    guarded = guard()
    assert outcome(guarded, ("Host", host)) == "host_not_allowed"
    # Nor is it remembered as a good one.
    assert outcome(guarded, ("Host", host)) == "host_not_allowed"


def test_a_missing_or_empty_host_is_a_bad_request() -> None:
    assert guard().check(headers(), same_user=True) is HOST_MISSING
    assert guard().check(headers(("Host", "")), same_user=True) is HOST_MISSING
    assert HOST_MISSING.status == 400


@pytest.mark.parametrize("second", ["localhost", "evil.example", ""])
def test_two_hosts_are_a_bad_request_even_when_they_agree(second: str) -> None:
    fields = headers(("Host", "localhost"), ("Host", second))
    assert guard().check(fields, same_user=True) is HOST_REPEATED
    assert HOST_REPEATED.status == 400


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("host.docker.internal", None),
        ("HOST.docker.internal:4000", None),
        ("exact.lan:8080", None),
        ("exact.lan", "host_not_allowed"),
        ("exact.lan:8081", "host_not_allowed"),
        ("[fd00::1]:4000", None),
        ("evil.host.docker.internal", "host_not_allowed"),
        ("\u212aube.lan", "host_not_allowed"),
        ("kube.lan", None),
        ("kube.lan:99999", "host_not_allowed"),
    ],
)
def test_allowed_hosts_are_compared_as_a_whole(host: str, code: str | None) -> None:
    allowed = frozenset({"Host.docker.internal", "exact.lan:8080", "[fd00::1]", "kube.lan"})
    assert outcome(guard(allowed_hosts=allowed), ("Host", host)) == code


def test_a_refused_host_is_named_in_short_and_escaped() -> None:
    refusal = guard().check(headers(("Host", "é" + "x" * 5000)), same_user=True)
    assert refusal is not None
    assert refusal.status == 403
    assert r"\xe9xxx" in refusal.message
    assert len(refusal.message) < 200
    assert "litellm.allowed_hosts" in refusal.message


def test_the_host_does_not_matter_on_the_unix_socket() -> None:
    assert outcome(guard(), on_unix_socket=True) is None
    assert outcome(guard(), ("Host", "docker"), on_unix_socket=True) is None


def test_many_hosts_do_not_fill_the_memory() -> None:
    guarded = guard()
    for number in range(1000):
        assert outcome(guarded, ("Host", f"127.0.{number // 256}.{number % 256}")) is None
    assert len(guarded._accepted_hosts) <= 64


# Web pages


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:4000", ""])
def test_a_web_page_is_refused_with_or_without_the_key(origin: str) -> None:
    fields = (LOCAL, ("Origin", origin))
    assert outcome(guard(), *fields) == "origin_not_allowed"
    assert outcome(guard(), *fields, ("x-api-key", KEY)) == "origin_not_allowed"
    assert outcome(guard(), *fields, on_unix_socket=True) == "origin_not_allowed"


def test_a_preflight_is_refused_like_any_request() -> None:
    preflight = (
        LOCAL,
        ("Origin", "https://evil.example"),
        ("Access-Control-Request-Method", "POST"),
    )
    assert outcome(guard(), *preflight) == "origin_not_allowed"


@pytest.mark.parametrize("origin", ["https://chat.example", "HTTPS://Chat.example"])
def test_an_allowed_origin_passes_though_it_is_cross_site(origin: str) -> None:
    guarded = guard(allowed_origins=frozenset({"https://chat.example/"}))
    fields = (LOCAL, ("Origin", origin), ("Sec-Fetch-Site", "cross-site"))
    assert outcome(guarded, *fields) is None
    assert outcome(guarded, *fields, same_user=False) == "key_missing"


@pytest.mark.parametrize(
    "origin",
    ["http://chat.example", "https://chat.example:8443", "https://chat.example.evil", "null", ""],
)
def test_only_the_very_origin_is_allowed(origin: str) -> None:
    guarded = guard(allowed_origins=frozenset({"https://chat.example", "/"}))
    assert outcome(guarded, LOCAL, ("Origin", origin)) == "origin_not_allowed"


def test_of_two_origins_both_must_be_allowed() -> None:
    guarded = guard(allowed_origins=frozenset({"https://chat.example"}))
    fields = (LOCAL, ("Origin", "https://chat.example"), ("Origin", "https://evil.example"))
    assert outcome(guarded, *fields) == "origin_not_allowed"


def test_null_is_an_origin_that_can_be_allowed() -> None:
    assert outcome(guard(allowed_origins=frozenset({"null"})), LOCAL, ("Origin", "null")) is None


@pytest.mark.parametrize("site", ["cross-site", "Cross-Site"])
def test_a_cross_site_request_without_an_origin_is_refused(site: str) -> None:
    fields = headers(LOCAL, ("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", site))
    assert guard().check(fields, same_user=True) is CROSS_SITE
    assert CROSS_SITE.status == 403


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none"])
def test_other_fetch_sites_say_nothing_against_a_request(site: str) -> None:
    assert outcome(guard(), LOCAL, ("Sec-Fetch-Site", site)) is None


# Callers


def test_the_same_user_needs_no_key_and_may_send_a_wrong_one() -> None:
    assert outcome(guard(), LOCAL) is None
    assert outcome(guard(), LOCAL, ("Authorization", "Bearer not-needed")) is None


def test_a_stranger_needs_the_key() -> None:
    assert guard().check(headers(LOCAL), same_user=False) is KEY_MISSING
    wrong = headers(LOCAL, ("Authorization", "Bearer not-needed"))
    assert guard().check(wrong, same_user=False) is KEY_WRONG
    assert KEY_MISSING.status == KEY_WRONG.status == 401


@pytest.mark.parametrize(
    "field",
    [
        ("Authorization", f"Bearer {KEY}"),
        ("authorization", f"bearer  {KEY} "),
        ("x-api-key", KEY),
        ("X-Api-Key", f" {KEY}"),
    ],
)
@pytest.mark.parametrize("auth", ["same-user", "key"])
def test_the_key_opens_for_anybody(field: tuple[str, str], auth: str) -> None:
    assert outcome(guard(auth=auth), LOCAL, field, same_user=False) is None


@pytest.mark.parametrize(
    "field",
    [
        ("Authorization", KEY),
        ("Authorization", f"Basic {KEY}"),
        ("Authorization", f"Bearer{KEY}"),
        ("Authorization", f"Bearer {KEY}x"),
        ("Authorization", f"Bearer {KEY[:-1]}"),
        ("Authorization", f"Bearer {KEY},{KEY}"),
        ("Authorization", "Bearer "),
        ("Authorization", ""),
        ("x-api-key", f"Bearer {KEY}"),
        ("x-api-key", ""),
        ("x-api-key", "\udcff"),
        ("x-api-key", KEY.upper()),
        ("Cookie", KEY),
        ("Proxy-Authorization", f"Bearer {KEY}"),
    ],
)
def test_anything_else_is_not_the_key(field: tuple[str, str]) -> None:
    refusal = guard().check(headers(LOCAL, field), same_user=False)
    assert refusal in (KEY_MISSING, KEY_WRONG)


def test_an_empty_key_opens_nothing() -> None:
    guarded = Guard(GuardPolicy(), None, SecretStr(""))
    for field in (("x-api-key", ""), ("Authorization", "Bearer ")):
        assert guarded.check(headers(LOCAL, field), same_user=False) is KEY_MISSING


def test_one_right_key_among_wrong_ones_is_enough() -> None:
    # Claude Code may send a Bearer token and an x-api-key at once.
    assert (
        outcome(
            guard(),
            LOCAL,
            ("Authorization", "Bearer other"),
            ("x-api-key", KEY),
            same_user=False,
        )
        is None
    )
    twice = (("Authorization", "Bearer other"), ("Authorization", f"Bearer {KEY}"))
    assert outcome(guard(), LOCAL, *twice, same_user=False) is None


def test_auth_key_demands_the_key_from_the_own_user_too() -> None:
    assert outcome(guard(auth="key"), LOCAL, same_user=True) == "key_missing"


@pytest.mark.parametrize(
    "name", ["Forwarded", "X-Forwarded-For", "x-forwarded-host", "X-FORWARDED-ANYTHING"]
)
def test_a_relayed_request_does_not_count_as_the_same_user(name: str) -> None:
    assert outcome(guard(), LOCAL, (name, "for=10.0.0.1")) == "key_missing"
    assert outcome(guard(), LOCAL, (name, ""), ("x-api-key", KEY)) is None


def test_no_refusal_and_no_repr_shows_a_key() -> None:
    guarded = guard()
    refusal = guarded.check(headers(LOCAL, ("x-api-key", "agentbox-tried")), same_user=False)
    assert "agentbox-tried" not in str(refusal)
    assert KEY not in repr(guarded) + str(refusal)


def test_users_are_given_by_name_or_number() -> None:
    assert uids_of(["root", 1000, "1001", "no-such-user", "nul\0"]) == (
        frozenset({0, 1000, 1001}),
        ("no-such-user", "nul\0"),
    )


# Properties

host_like = st.one_of(
    st.text(max_size=40),
    st.text("lLocahst127.0[]:@%/, \t1f", max_size=24),
    st.builds("{}{}".format, st.ip_addresses().map(str), st.sampled_from(["", ":1", ".", ":x"])),
    st.builds("[{}]:{}".format, st.ip_addresses(v=6), st.integers(-1, 70_000)),
    st.builds("localhost{}".format, st.text(max_size=6)),
)


def is_plainly_loopback(host: str) -> bool:
    """The rule once more, in another way: cut at the port, then compare addresses."""
    name, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not colon and not name:
        name = host
    if colon and not (port.isascii() and port.isdecimal() and int(port) < 65_536):
        return False
    if name.lower() == "localhost":
        return name.isascii()
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


@given(host=host_like)
def test_no_host_but_a_loopback_one_passes_and_none_raises(host: str) -> None:
    code = outcome(guard(), ("Host", host))
    assert code in (None, "host_missing", "host_not_allowed")
    if code is None:
        assert is_plainly_loopback(host)


@given(address=st.ip_addresses(v=4, network="127.0.0.0/8"), port=st.integers(0, 65_535))
def test_every_ipv4_loopback_address_passes(address: object, port: int) -> None:
    assert outcome(guard(), ("Host", f"{address}:{port}")) is None


@given(origin=st.text(max_size=60) | st.sampled_from(["null", "https://chat.example."]))
def test_no_origin_but_the_allowed_one_passes_and_none_raises(origin: str) -> None:
    guarded = guard(allowed_origins=frozenset({"https://chat.example"}))
    code = outcome(guarded, LOCAL, ("Origin", origin))
    assert code == (None if origin.lower() == "https://chat.example" else "origin_not_allowed")


@given(value=st.text(st.characters(), max_size=80))
def test_no_text_opens_without_the_key_and_none_raises(value: str) -> None:
    fields = (LOCAL, ("Authorization", f"Bearer {value}"), ("x-api-key", value))
    assert outcome(guard(), *fields, same_user=False) in ("key_missing", "key_wrong")


@pytest.fixture
def alices(tmp_path: Path) -> tuple[TokenBook, str]:
    file = tmp_path / "state" / "client-tokens.json"
    return TokenBook(file), add(file, "alice").token


def test_the_holder_of_a_token_passes_wherever_the_key_does(
    alices: tuple[TokenBook, str],
) -> None:
    book, token = alices
    guarded = Guard(GuardPolicy(auth="key"), None, SecretStr(KEY), book)
    for field in (("Authorization", f"Bearer {token}"), ("x-api-key", f" {token} ")):
        sent = headers(LOCAL, field)
        assert guarded.holder(sent) == "alice"
        assert guarded.check(sent, same_user=False, holder="alice") is None
    relayed = headers(LOCAL, ("x-forwarded-for", "1.2.3.4"), ("x-api-key", token))
    assert guarded.check(relayed, same_user=False, holder=guarded.holder(relayed)) is None


def test_a_token_opens_no_other_host_and_no_web_page(alices: tuple[TokenBook, str]) -> None:
    book, token = alices
    guarded = Guard(GuardPolicy(), None, SecretStr(KEY), book)
    page = ("Origin", "http://evil.example")
    for fields, code in (
        ([("Host", "evil.example")], "host_not_allowed"),
        ([LOCAL, page], "origin_not_allowed"),
    ):
        sent = headers(*fields, ("x-api-key", token))
        refused = guarded.check(sent, same_user=False, holder=guarded.holder(sent))
        assert refused is not None
        assert refused.code == code


def test_whoever_shows_nothing_of_a_token_is_nobodys(alices: tuple[TokenBook, str]) -> None:
    book, token = alices
    guarded = Guard(GuardPolicy(auth="key"), None, SecretStr(KEY), book)
    for fields in ([], [("Authorization", f"Basic {token}")], [("x-api-key", KEY)]):
        assert guarded.holder(headers(LOCAL, *fields)) is None
    assert guard().holder(headers(LOCAL, ("x-api-key", token))) is None
    both = headers(LOCAL, ("Authorization", f"Bearer {KEY}"), ("x-api-key", token))
    assert guarded.holder(both) == "alice"
