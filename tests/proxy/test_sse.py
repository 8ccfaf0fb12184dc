from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentbox_cli.proxy.sse import EventSplitter, EventTooLargeError, data_of, event_name

PIECES = st.sampled_from(
    [
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"data: a",
        b"data:b",
        b": c",
        b"event: e",
        b"\xef\xbb\xbf",
        b"x",
    ]
)
STREAMS = st.lists(PIECES, max_size=30).map(b"".join)


def split(chunks: list[bytes]) -> tuple[list[bytes], bytes]:
    splitter = EventSplitter()
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    return events, splitter.rest


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


@given(stream=STREAMS | st.binary(), places=st.lists(st.integers(0, 80)))
@example(stream=b"data: a\r\n\r\ndata: b\r\n\r\n", places=[9, 10, 11])
@example(stream=b"data: a\n\ndata: b\r\rx", places=[8, 17])
def test_events_do_not_depend_on_how_the_bytes_arrive(stream: bytes, places: list[int]) -> None:
    whole = split([stream])
    assert split(cut(stream, places)) == whole
    assert split([stream[at : at + 1] for at in range(len(stream))]) == whole
    assert b"".join(whole[0]) + whole[1] == stream


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_kind_of_line_end_ends_an_event(end: bytes) -> None:
    event = b"event: e" + end + b"data: 1" + end + end
    events, rest = split([event * 3 + b"x"])
    assert events == [event] * 3
    assert rest == b"x"
    assert (event_name(event), data_of(event)) == ("e", b"1")


def test_a_cr_may_be_half_a_line_end_and_waits_for_the_next_byte() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: 1\r\n\r") == []
    assert splitter.feed(b"\n") == [b"data: 1\r\n\r\n"]
    assert splitter.rest == b""


def test_an_event_without_an_end_is_bounded() -> None:
    splitter = EventSplitter(largest=10)
    splitter.feed(b"0123456789")
    with pytest.raises(EventTooLargeError, match="10 bytes"):
        splitter.feed(b"x")
    with pytest.raises(EventTooLargeError):
        EventSplitter(largest=10).feed(b"0123456789\n\n")


def test_bytes_that_come_one_by_one_are_not_searched_again_and_again() -> None:
    class Counting(EventSplitter):
        searched = 0

        def _end_of_event(self, start: int) -> int:
            self.searched += len(self.rest) - start
            return super()._end_of_event(start)

    splitter = Counting()
    stream = b"data: " + b"a" * 2_000 + b"\r\n\r\n"
    for at in range(len(stream)):
        splitter.feed(stream[at : at + 1])
    assert splitter.searched < 5 * len(stream)


@pytest.mark.parametrize(
    ("event", "name", "data"),
    [
        (b"data: {}\n\n", "", b"{}"),
        (b"data:{}\n\n", "", b"{}"),
        (b"data:  two\n\n", "", b" two"),
        (b"data: a\ndata: b\n\n", "", b"a\nb"),
        (b"data: a\rdata: b\n\n", "", b"a\nb"),
        (b"data\n\n", "", b""),
        (b": comment\n\n", "", b""),
        (b"\n\n", "", b""),
        (b"id: 1\nretry: 5\nevent: x\ndata: y\n\n", "x", b"y"),
        (b"event: x\nevent: z\ndata: y\n\n", "z", b"y"),
        (b"\xef\xbb\xbfdata: y\n\n", "", b"y"),
        (b"event: \xff\n\n", "\ufffd", b""),
        (b"data: no end", "", b"no end"),
        (b"database: x\n\n", "", b""),
    ],
)
def test_fields_of_an_event(event: bytes, name: str, data: bytes) -> None:
    assert (event_name(event), data_of(event)) == (name, data)
