import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.proxy import encoding
from agentbox_cli.proxy.encoding import UndecodableError, decoded, is_readable, stream_decoder

CLEAR = b'{"error": "the prompt is too long"}' * 20
GZIP = gzip.compress(CLEAR, mtime=0)
ENCODED = {"gzip": GZIP, "x-gzip": GZIP, "deflate": zlib.compress(CLEAR), " GZip ": GZIP}


@pytest.mark.parametrize("name", [None, "", "identity", " Identity "])
def test_what_is_not_encoded_stays_as_it_is(name: str | None) -> None:
    assert decoded(CLEAR, name) == CLEAR
    assert stream_decoder(name)(CLEAR) == CLEAR


@pytest.mark.parametrize(("name", "body"), ENCODED.items(), ids=ENCODED)
def test_a_body_is_decoded(name: str, body: bytes) -> None:
    assert decoded(body, name) == CLEAR


@pytest.mark.parametrize("name", ["br", "zstd", "compress", "gzip, br", "gzip, gzip", "\udcff"])
def test_an_unknown_encoding_is_told_apart(name: str) -> None:
    assert decoded(CLEAR, name) is None
    assert not is_readable(name)
    with pytest.raises(UndecodableError, match="cannot be read"):
        stream_decoder(name)(CLEAR)


@pytest.mark.parametrize(
    "body",
    [b"not gzip at all", GZIP[:-1], GZIP[:9]],
    ids=["something else", "without its end", "nothing but a header"],
)
def test_a_broken_or_cut_body_is_not_taken_for_whole(body: bytes) -> None:
    assert decoded(body, "gzip") is None


def test_an_empty_body_is_empty_in_any_encoding() -> None:
    assert decoded(b"", "gzip") == b""


def test_several_members_are_one_body() -> None:
    twice = gzip.compress(b"one ") + gzip.compress(b"two")
    assert decoded(twice, "gzip") == b"one two"
    assert stream_decoder("gzip")(twice) == b"one two"


def test_a_body_that_grows_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "LARGEST", 1_000)
    bomb = gzip.compress(b"0" * 100_000)
    assert decoded(bomb, "gzip") is None
    assert decoded(gzip.compress(b"0" * 600) * 3, "gzip") is None


@given(
    parts=st.lists(st.binary(max_size=200), max_size=6),
    size=st.integers(1, 50),
    deflate=st.booleans(),
)
def test_a_stream_is_decoded_however_it_is_cut(
    parts: list[bytes], size: int, deflate: bool
) -> None:
    encoder = zlib.compressobj(wbits=zlib.MAX_WBITS if deflate else zlib.MAX_WBITS | 16)
    flushed = [encoder.compress(part) + encoder.flush(zlib.Z_SYNC_FLUSH) for part in parts]
    sent = b"".join(flushed) + encoder.flush()
    decode = stream_decoder("deflate" if deflate else "gzip")
    cut = [sent[at : at + size] for at in range(0, len(sent), size)]
    assert b"".join(map(decode, cut)) == b"".join(parts)


def test_each_flushed_event_comes_out_at_once() -> None:
    encoder = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    decode = stream_decoder("gzip")
    for event in (b"data: 1\n\n", b"data: 2\n\n"):
        assert decode(encoder.compress(event) + encoder.flush(zlib.Z_SYNC_FLUSH)) == event


def test_a_stream_that_is_not_what_it_says_is_told() -> None:
    with pytest.raises(UndecodableError, match="no proper gzip"):
        stream_decoder("gzip")(b"data: 1\n\n")


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate"]))
def test_no_body_breaks_it(body: bytes, name: str) -> None:
    clear = decoded(body, name)
    assert clear is None or isinstance(clear, bytes)
