from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.simulate.answer import named_event, pieces


@given(st.text())
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


def test_an_event_is_named_after_its_type() -> None:
    assert named_event({"type": "ping"}) == b'event: ping\ndata: {"type":"ping"}\n\n'
