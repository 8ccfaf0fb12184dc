from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentbox_cli.providers.model import Protocol
from agentbox_cli.providers.pricing import Counts
from agentbox_cli.usage.counting import ABSURD, counts_of, tier_of

CHAT, RESPONSES, MESSAGES = (
    Protocol.OPENAI_CHAT,
    Protocol.OPENAI_RESPONSES,
    Protocol.ANTHROPIC_MESSAGES,
)


@pytest.mark.parametrize(
    ("protocol", "usage", "counts"),
    [
        (CHAT, {"prompt_tokens": 14, "completion_tokens": 3}, Counts(fresh=14, output=3)),
        (
            Protocol.GOOGLE_GENERATE,
            {
                "promptTokenCount": 100,
                "cachedContentTokenCount": 60,
                "toolUsePromptTokenCount": 7,
                "candidatesTokenCount": 5,
                "thoughtsTokenCount": 30,
            },
            Counts(fresh=47, cached=60, output=35, reasoning=30),
        ),
        (Protocol.GOOGLE_GENERATE, {"totalTokenCount": 9}, None),
        (Protocol.OPENAI_EMBEDDINGS, {"prompt_tokens": 8, "total_tokens": 8}, Counts(fresh=8)),
        (
            CHAT,
            {
                "prompt_tokens": 2_006,
                "completion_tokens": 300,
                "total_tokens": 2_306,
                "prompt_tokens_details": {"cached_tokens": 1_920, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 256},
            },
            Counts(fresh=86, cached=1_920, output=300, reasoning=256),
        ),
        (
            CHAT,
            {"prompt_tokens": 100, "completion_tokens": 5, "prompt_cache_hit_tokens": 64},
            Counts(fresh=36, cached=64, output=5),
        ),
        (
            CHAT,
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 115,
                "completion_tokens_details": {"reasoning_tokens": 100},
            },
            Counts(fresh=10, output=105, reasoning=100),
        ),
        (
            CHAT,
            {
                "prompt_tokens": 100,
                "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 70},
            },
            Counts(fresh=10, cached=20, written=70, output=1),
        ),
        (
            RESPONSES,
            {
                "input_tokens": 50,
                "input_tokens_details": {"cached_tokens": 10},
                "output_tokens": 20,
                "output_tokens_details": {"reasoning_tokens": 15},
            },
            Counts(fresh=40, cached=10, output=20, reasoning=15),
        ),
        (
            MESSAGES,
            {
                "input_tokens": 4,
                "cache_read_input_tokens": 9_000,
                "cache_creation_input_tokens": 700,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 500,
                    "ephemeral_1h_input_tokens": 200,
                },
                "output_tokens": 60,
            },
            Counts(fresh=4, cached=9_000, written=500, written_1h=200, output=60),
        ),
        (MESSAGES, {"input_tokens": 4, "output_tokens": 1}, Counts(fresh=4, output=1)),
    ],
)
def test_what_a_provider_reports_is_sorted_by_how_it_is_charged(
    protocol: Protocol, usage: dict[str, Any], counts: Counts
) -> None:
    assert counts_of(protocol, usage) == counts


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"total_tokens": 5},
        {"prompt_tokens": -1, "completion_tokens": -5},
        {"prompt_tokens": ABSURD + 1},
        {"prompt_tokens": "many", "completion_tokens": [3]},
        {"prompt_tokens": True},
        {"prompt_tokens": 1.5},
    ],
)
def test_what_cannot_be_true_is_not_counted(usage: dict[str, Any] | None) -> None:
    assert counts_of(CHAT, usage) is None


def test_a_part_is_never_more_than_the_whole() -> None:
    odd = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 50},
        "completion_tokens_details": {"reasoning_tokens": 50},
    }
    assert counts_of(CHAT, odd) == Counts(fresh=0, cached=50, output=5, reasoning=5)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda below: st.dictionaries(
        st.sampled_from(
            ["prompt_tokens", "input_tokens", "output_tokens", "cache_creation", "cached_tokens"]
        ),
        below,
        max_size=4,
    ),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(list(Protocol)),
    st.dictionaries(
        st.sampled_from(
            [
                "prompt_tokens",
                "completion_tokens",
                "total_tokens",
                "input_tokens",
                "output_tokens",
                "prompt_tokens_details",
                "cache_creation_input_tokens",
                "cache_creation",
                "service_tier",
            ]
        ),
        _ANYTHING,
    ),
)
def test_whatever_a_provider_says_counts_are_sane(
    protocol: Protocol, usage: dict[str, Any]
) -> None:
    counts = counts_of(protocol, usage)
    assert isinstance(tier_of(usage), str)
    if counts is not None:
        assert all(0 <= getattr(counts, name) <= 2 * ABSURD for name in counts.__struct_fields__)
        assert counts.reasoning <= counts.output


@pytest.mark.parametrize(
    ("told", "tier"),
    [("standard", ""), ("default", ""), ("priority", "priority"), ("batch", "batch"), (7, "")],
)
def test_only_an_unusual_service_tier_is_told(told: object, tier: str) -> None:
    assert tier_of({"service_tier": told}) == tier
