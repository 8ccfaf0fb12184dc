import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.mcp.gateway.cutting import cut


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def test_what_fits_passes_as_it_is() -> None:
    result = {"content": [text("a")], "structuredContent": {"n": 1}, "_meta": {"x": 1}}
    assert cut(result, 1_000) is result


def test_a_text_is_cut_and_the_end_says_so() -> None:
    shown = cut({"content": [text("a" * 5_000)]}, 1_000)
    kept, note = shown["content"]
    assert kept["text"] == "a" * len(kept["text"])
    assert 700 < len(kept["text"]) < 1_000
    assert note["text"].startswith("[the answer had 5,0")
    assert shown["isError"] is False


@pytest.mark.parametrize(
    "result",
    [
        {"content": [{"type": "image", "data": "a" * 5_000, "mimeType": "image/png"}]},
        {"content": [text("a" * 5_000)], "structuredContent": {"n": 1}},
        {"content": [text("a" * 5_000)], "isError": True},
        {"content": [{"type": "text", "text": 7, "x": "a" * 5_000}, None, "b"]},
        {"content": "a" * 5_000},
    ],
)
def test_what_is_not_whole_without_the_rest_is_an_error(result: dict[str, Any]) -> None:
    shown = cut(result, 1_000)
    assert shown["isError"] is True
    assert "structuredContent" not in shown


@given(st.lists(st.text(max_size=2_000), max_size=5), st.integers(1_000, 3_000))
def test_no_answer_is_longer_than_allowed(texts: list[str], limit: int) -> None:
    shown = cut({"content": [text(each) for each in texts]}, limit)
    assert len(json.dumps(shown, ensure_ascii=False).encode("utf-8", "replace")) <= limit + 100
