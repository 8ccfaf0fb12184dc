"""Who may call over HTTP."""

import pytest

from agentbox_cli.mcp.server.guarding import refusal, repeated

KEY = "agentbox-0123456789"
GOOD = {"host": b"127.0.0.1:4001", "authorization": f"Bearer {KEY}".encode()}


def nobody(_: str) -> None:
    """Whose token it is, where nobody has one."""


@pytest.mark.parametrize("host", [b"127.0.0.1", b"localhost:4001", b"[::1]:4001", b"LOCALHOST"])
def test_a_holder_of_the_key_on_this_machine_may_pass(host: bytes) -> None:
    assert refusal({**GOOD, "host": host}, KEY, nobody) is None


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"authorization": b""}, 401),
        ({"authorization": b"Bearer"}, 401),
        ({"authorization": b"Bearer wrong"}, 401),
        ({"authorization": b"Bearer \xff"}, 401),
        ({"authorization": f"Basic {KEY}".encode()}, 401),
        ({"host": b"evil.example"}, 403),
        ({"host": b"127.0.0.1.evil.example"}, 403),
        ({"host": b"evil.example@127.0.0.1.x"}, 403),
        ({"host": b"["}, 403),
        ({"host": b"\xff"}, 403),
        ({"host": b""}, 403),
        ({"origin": b"http://localhost:4001"}, 403),
        ({"origin": b"null"}, 403),
        ({"sec-fetch-site": b"cross-site"}, 403),
    ],
)
def test_others_may_not(changed: dict[str, bytes], status: int) -> None:
    refused = refusal({**GOOD, **changed}, KEY, nobody)
    assert refused is not None
    assert refused[0] == status


def test_without_a_host_and_without_a_key_nobody_may() -> None:
    assert (refusal({"authorization": GOOD["authorization"]}, KEY, nobody) or (0,))[0] == 400
    assert (refusal(GOOD, None, nobody) or (0,))[0] == 401


@pytest.mark.parametrize("name", ["host", "origin", "sec-fetch-site", "authorization"])
def test_a_deciding_header_is_there_once(name: str) -> None:
    told = [(each.encode(), value) for each, value in GOOD.items()]
    assert repeated([*told, (b"accept", b"a"), (b"accept", b"b")]) is None
    assert repeated([*told, (name.encode(), b"a"), (name.encode(), b"b")]) == (
        400,
        f"the header {name} is there twice",
    )


def test_the_holder_of_a_token_may_pass_as_the_key_does() -> None:
    told = {**GOOD, "authorization": b"Bearer theirs"}
    assert refusal(told, KEY, {"theirs": "alice"}.get) is None
    assert refusal(told, None, {"theirs": "alice"}.get) is None
    assert (refusal(told, KEY, {"other": "alice"}.get) or (0,))[0] == 401
    assert (refusal({**told, "origin": b"null"}, KEY, {"theirs": "alice"}.get) or (0,))[0] == 403
