"""The estimate against real encodings: a link must never be passed over that could have served."""

import importlib.util
import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from agentbox_cli.proxy.estimate import CHARACTERS_PER_TOKEN, TOKENS_PER_FILE, least_tokens
from agentbox_cli.proxy.obstacles import SURELY

ROOT = Path(__file__).parents[2]
Count = Callable[[str], int]


def encodings() -> Iterator[Count]:
    """Encodings that LiteLLM brings as files; nothing is fetched."""
    found = importlib.util.find_spec("litellm")
    assert found is not None
    assert found.origin is not None
    directory = Path(found.origin).parent / "litellm_core_utils" / "tokenizers"
    os.environ["TIKTOKEN_CACHE_DIR"] = str(directory)
    for name in ("o200k_base", "cl100k_base"):
        encoding = tiktoken.get_encoding(name)
        yield partial(_count, encoding)
    own = Tokenizer.from_file(str(directory / "anthropic_tokenizer.json"))
    yield lambda text: len(own.encode(text).ids)


def _count(encoding: tiktoken.Encoding, text: str) -> int:
    return len(encoding.encode(text, disallowed_special=()))


@pytest.fixture(scope="module")
def counts() -> Iterator[list[Count]]:
    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    yield list(encodings())
    del os.environ["TIKTOKEN_CACHE_DIR"]
    if before is not None:
        os.environ["TIKTOKEN_CACHE_DIR"] = before


# Prose that is as easy on tokens as it gets, tables, code, JSON, other scripts.
TEXTS = [
    *((ROOT / name).read_text("utf-8") for name in ("LICENSE", "README.md", "CONTRIBUTING.md")),
    *(page.read_text("utf-8") for page in sorted((ROOT / "docs").glob("*.md"))),
    *(file.read_text("utf-8") for file in sorted((ROOT / "agentbox_cli/proxy").glob("*.py"))),
    (ROOT / "docs/config.schema.json").read_text("utf-8"),
    "Der Vertrag über die Zusammenarbeit der Universitäten wurde einstimmig angenommen. " * 9,
    "Правительство сообщило, что образовательные учреждения откроются в сентябре. " * 9,
    "政府宣布,所有教育机构将于九月重新开放,请各位家长做好准备。" * 9,
    "حكومة البلاد تعلن أن المؤسسات التعليمية ستفتح أبوابها من جديد في سبتمبر. " * 9,
    "🎉🚀👩‍👩‍👧 " * 30,
]


@st.composite
def passages(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(TEXTS))
    start = draw(st.integers(0, max(len(text) - 200, 0)))
    return text[start : start + draw(st.integers(1, 5_000))]


@st.composite
def prompts(draw: st.DrawFn) -> tuple[Any, list[str]]:
    """A prompt in a protocol's form, and the texts in it that a model reads."""
    texts = draw(st.lists(passages(), min_size=1, max_size=12))
    form = draw(st.sampled_from(["parts", "messages", "tools", "calls", "responses"]))
    if form == "parts":
        return [{"role": "user", "content": [{"type": "text", "text": t} for t in texts]}], texts
    if form == "messages":
        return [{"role": "assistant", "content": text} for text in texts], texts
    if form == "responses":
        return [{"type": "message", "role": "user", "content": t} for t in texts], texts
    if form == "calls":
        calls = [
            {"type": "tool_use", "id": f"toolu_{n:024}", "name": "edit", "input": {"new": text}}
            for n, text in enumerate(texts)
        ]
        return [{"role": "assistant", "content": calls}], texts
    tools = [
        {
            "type": "function",
            "function": {
                "name": "edit_file",
                "description": text,
                "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
            },
        }
        for text in texts
    ]
    return tools, texts


@given(prompt=prompts(), escaped=st.booleans(), indent=st.sampled_from([None, 2]))
@settings(max_examples=150, deadline=None)
def test_an_estimate_is_never_surely_above_the_true_count(
    counts: list[Count], prompt: tuple[Any, list[str]], escaped: bool, indent: int | None
) -> None:
    value, texts = prompt
    body = json.dumps(value, ensure_ascii=escaped, indent=indent).encode()
    true = min(sum(map(count, texts)) for count in counts)
    # What a window of exactly this prompt would have to be passed over for.
    assert least_tokens(body) <= SURELY * true + 10 * len(texts)


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_a_long_text_of_one_kind_is_not_overestimated(counts: list[Count], number: int) -> None:
    text = TEXTS[number]
    for escaped in (True, False):
        body = json.dumps(text, ensure_ascii=escaped).encode()
        assert least_tokens(body) <= SURELY * min(count(text) for count in counts)


def test_prose_and_code_are_estimated_at_half_their_tokens_at_least(counts: list[Count]) -> None:
    for text in (*TEXTS[:3], (ROOT / "agentbox_cli/proxy/chain.py").read_text("utf-8")):
        true = max(count(text) for count in counts)
        assert least_tokens(json.dumps(text).encode()) >= true / 2


def test_a_prompt_of_very_many_tiny_parts_is_not_all_syntax(counts: list[Count]) -> None:
    parts = [{"type": "text", "text": "ok"} for _ in range(20_000)]
    assert least_tokens(json.dumps(parts).encode()) <= SURELY * 20_000
    long = [{"type": "text", "text": "a few words more"} for _ in range(20_000)]
    assert least_tokens(json.dumps(long).encode()) >= 20_000


@pytest.mark.parametrize("key", ["signature", "thinking", "encrypted_content"])
def test_earlier_thoughts_are_no_part_of_the_prompt(key: str) -> None:
    for thought in ("x" * 50_000, 'he said "no" \\ "yes"\n' * 3_000):
        part = {"type": "thinking", key: thought}
        assert least_tokens(json.dumps([part, part]).encode()) < 50


def test_words_about_opaque_fields_are_text() -> None:
    told = json.dumps({"data": "x" * 5_000, "thinking": "x" * 5_000})
    tokens = least_tokens(json.dumps([{"type": "text", "text": told}]).encode())
    assert tokens >= 9_900 / CHARACTERS_PER_TOKEN


def test_many_small_images_are_not_taken_for_large_ones() -> None:
    image = {"type": "image", "source": {"type": "base64", "data": "A" * 200_000}}
    assert least_tokens(json.dumps([image] * 100).encode()) <= 100 * (TOKENS_PER_FILE + 5)


@given(st.binary(max_size=300))
def test_anything_can_be_measured(garbage: bytes) -> None:
    assert least_tokens(garbage) >= 0
    assert least_tokens(b'{"data":"' + garbage) >= 0
