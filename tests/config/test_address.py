import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.config.address import format_address, parse_address
from agentbox_cli.errors import UsageError

PARTS = st.one_of(st.integers(0, 10**8), st.text(max_size=80))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("litellm", ("litellm",)),
        ("litellm.models.default[1].model", ("litellm", "models", "default", 1, "model")),
        ('litellm.model_patterns."claude-3.5*"', ("litellm", "model_patterns", "claude-3.5*")),
        ('litellm.model_patterns["gpt-*"]', ("litellm", "model_patterns", "gpt-*")),
        ("a[0][12]", ("a", 0, 12)),
        (r'"a \"b\" \\ c".d', ('a "b" \\ c', "d")),
    ],
)
def test_an_address_names_a_path(text: str, path: tuple[str | int, ...]) -> None:
    assert parse_address(text) == path


@pytest.mark.parametrize(
    ("text", "column"),
    [("", 1), (".a", 1), ("a..b", 2), ("a b", 2), ("a]", 2), ('"x"y', 4), ("a.", 2), ("a[x]", 2)],
)
def test_what_is_no_address_is_marked(text: str, column: int) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(text)
    assert f"from column {column} on" in caught.value.message
    assert caught.value.hint


@given(st.lists(PARTS, min_size=1, max_size=6).map(tuple))
def test_what_is_written_reads_back(path: tuple[str | int, ...]) -> None:
    if isinstance(path[0], int):
        path = ("root", *path)
    assert parse_address(format_address(path)) == path


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_usage_error(text: str) -> None:
    try:
        path = parse_address(text)
    except UsageError:
        return
    assert parse_address(format_address(path)) == path
