import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy.cooldown import LONGEST, Cooldowns
from agentbox_cli.proxy.recovery import retry_after
from tests.proxy.builders import deployment

NOW = 1_760_000_000.0  # 2025-10-09 08:53:20 UTC
LINK = deployment()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "12"}, 12.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"Retry-After": "Thu, 09 Oct 2025 08:54:20 GMT"}, 60.0),
        ({"Retry-After": "Thu, 09 Oct 2025 08:54:20 -0000"}, 60.0),
        ({"Retry-After": "Thu, 09 Oct 2025 08:00:00 GMT"}, 0.0),
        ({"Retry-After": "-5"}, 0.0),
        ({"Retry-After": "99999999999"}, 99_999_999_999.0),
        ({"Retry-After": "1" * 400}, None),
        ({"Retry-After": "Thu, 99 Oct 2025"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": ""}, None),
        ({"ratelimit-reset": "33"}, 33.0),
        ({"ratelimit-reset": "33", "ratelimit-remaining": "0"}, 33.0),
        ({"ratelimit-reset": "33", "ratelimit-remaining": "4"}, None),
        ({"X-RateLimit-Reset": "1760000060"}, 60.0),
        ({"X-RateLimit-Reset": "1760000060000", "X-RateLimit-Remaining": "0"}, 60.0),
        ({"x-ratelimit-reset-requests": "6m0s"}, None),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "1"}, None),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0"}, 360.0),
        ({"x-ratelimit-reset-tokens": "20ms", "x-ratelimit-remaining-tokens": "0"}, 0.02),
        ({"x-ratelimit-reset-tokens": "1h2m3s", "x-ratelimit-remaining-tokens": "0"}, 3723.0),
        ({"x-ratelimit-reset-tokens": "later", "x-ratelimit-remaining-tokens": "0"}, None),
        ({"x-ratelimit-remaining-tokens": "0"}, None),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "7.66s",
            },
            7.66,
        ),
        (
            {
                "anthropic-ratelimit-requests-remaining": "49",
                "anthropic-ratelimit-requests-reset": "2025-10-09T09:53:20Z",
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2025-10-09T08:53:50Z",
            },
            30.0,
        ),
        ({"Retry-After": "1760000060"}, 60.0),
        ({"Retry-After": "1759999000"}, 0.0),
        ({"Retry-After": "1m30s"}, 90.0),
        ({"Retry-After": "6ms"}, 0.006),
        ({"Retry-After": "2h"}, 7_200.0),
        ({"Retry-After": "2025-10-09T08:54:20Z"}, 60.0),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1e3"}, None),
        ({"Retry-After": "5, 5"}, None),
        ({"retry-after-ms": "-1"}, 0.0),
        # A provider whose clock is an hour fast or slow means its own.
        (
            {
                "Retry-After": "Thu, 09 Oct 2025 09:54:20 GMT",
                "Date": "Thu, 09 Oct 2025 09:53:20 GMT",
            },
            60.0,
        ),
        (
            {
                "Retry-After": "Thu, 09 Oct 2025 07:54:20 GMT",
                "Date": "Thu, 09 Oct 2025 07:53:20 GMT",
            },
            60.0,
        ),
        ({"Retry-After": "Thu, 09 Oct 2025 08:54:20 GMT", "Date": "yesterday"}, 60.0),
        ({"ratelimit-reset": "1" * 400}, None),
        ({"ratelimit-reset": "20251009"}, 20_251_009.0),
        ({"ratelimit-reset": "2025-10-09"}, None),
        ({"ratelimit-reset": "33", "ratelimit-remaining": "0.0"}, 33.0),
        ({"ratelimit-reset": "33", "ratelimit-remaining": "-1"}, 33.0),
        ({"ratelimit-reset": "33", "ratelimit-remaining": "none"}, None),
        ({"ratelimitbysize-reset": "32", "ratelimitbysize-remaining": "0"}, 32.0),
        ({"ratelimit": '"api";r=0;t=55'}, 55.0),
        ({"ratelimit": '"api";r=7;t=55'}, None),
        ({"RateLimit": "limit=100, remaining=0, reset=50"}, 50.0),
        ({"ratelimit": "t=55"}, None),
        # A window with something left says nothing, however long it lasts.
        (
            {
                "x-ratelimit-remaining-requests-day": "9000",
                "x-ratelimit-reset-requests-day": "70000",
                "x-ratelimit-remaining-tokens-minute": "0",
                "x-ratelimit-reset-tokens-minute": "4.5",
            },
            4.5,
        ),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2025-10-09T08:53:21.250Z",
                "anthropic-ratelimit-tokens-remaining": "12",
                "anthropic-ratelimit-tokens-reset": "2025-10-10T08:53:20Z",
            },
            1.25,
        ),
        (
            {
                "anthropic-ratelimit-unified-status": "rejected",
                "anthropic-ratelimit-unified-reset": "1760003600",
            },
            3_600.0,
        ),
        (
            {
                "anthropic-ratelimit-unified-status": "allowed_warning",
                "anthropic-ratelimit-unified-reset": "1760003600",
            },
            None,
        ),
        ({"llm_provider-retry-after": "37"}, 37.0),
        ({"llm_provider-retry-after": "37", "retry-after": "5"}, 5.0),
        ({}, None),
    ],
)
def test_headers_say_when(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, None, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (b'{"details":[{"@type":"google.rpc.RetryInfo","retryDelay": "34s"}]}', 34.0),
        (b'{"retryDelay":"34.074824224s"}', 34.074824224),
        (b"Please try again in 1.2s. Visit", 1.2),
        (b"Please try again in 20ms.", 0.02),
        (b"Please try again in 6m0s.", 360.0),
        (b"Please retry in 34.07s.", 34.07),
        (b"Please retry after 20 seconds.", 20.0),
        (b"Your quota will reset after 1h5m", 3900.0),
        (b"try again in about 2 minutes", 120.0),
        (b"try again in 3 milliseconds", 0.003),
        (b"try again in 1 day", 86_400.0),
        (b"retry in 5 machines", None),
        (b"Please wait 20 seconds before you ask again", 20.0),
        (b"available in 5 minutes", 300.0),
        (b'{"error":{"message":"{\\\\n \\\\"retryDelay\\\\": \\\\"45s\\\\"}"}}', 45.0),
        (b"{'retryDelay': '45s'}", 45.0),
        (b'{"error":{"resets_at":1760013872,"resets_in_seconds":13872}}', 13_872.0),
        (b'{"retry_after": 3.5}', 3.5),
        (b'{"retry_after_seconds":"12"}', 12.0),
        (b'{"metadata":{"headers":{"X-RateLimit-Reset":"1760000042000"}}}', 42.0),
        (b'{"retry_after": -3}', None),
        (b'{"retry_after": null}', None),
        (b'{"retryDelay": "soon"}', None),
        (b"try again later", None),
        (b"", None),
        (b"\xff try again in 2s", 2.0),
        (b" " * 70_000 + b"try again in 2s", None),
    ],
)
def test_words_say_when(body: bytes, seconds: float | None) -> None:
    assert retry_after({}, body, NOW) == pytest.approx(seconds)


def test_a_header_is_believed_before_the_words() -> None:
    assert retry_after({"Retry-After": "3"}, b"try again in 9s", NOW) == 3.0


NAMES = st.sampled_from(
    [
        "Date",
        "ratelimit",
        "ratelimitbysize-reset",
        "anthropic-ratelimit-unified-status",
        "anthropic-ratelimit-unified-reset",
        "x-ratelimit-reset-requests-1d",
        "x-ratelimit-remaining-requests-1d",
        "Retry-After",
        "retry-after-ms",
        "ratelimit-reset",
        "x-ratelimit-reset",
        "x-ratelimit-reset-tokens",
        "x-ratelimit-remaining-tokens",
        "anthropic-ratelimit-tokens-reset",
        "anthropic-ratelimit-tokens-remaining",
        "llm_provider-retry-after",
    ]
)
VALUES = (
    st.text(max_size=30)
    | st.just("0")
    | st.integers().map(str)
    | st.floats().map(str)
    | st.sampled_from(["rejected", "r=0;t=9", "1m30s", "6ms", "2h", "nan", "-inf", "1e309"])
    | st.from_regex(r"[0-9]{1,20}(ms|s|m|h|d)?", fullmatch=True)
    | st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat())
    | st.datetimes().map(lambda moment: moment.isoformat())
    | st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))
)


@given(headers=st.dictionaries(NAMES, VALUES), body=st.binary(), now=st.floats(0, 1e11))
def test_whatever_a_provider_says_it_is_no_error_and_never_in_the_past(
    headers: dict[str, str], body: bytes, now: float
) -> None:
    seconds = retry_after(headers, body, now)
    assert seconds is None or 0 <= seconds < float("inf")
    cooldowns = Cooldowns(60.0)
    cooldowns.failed(LINK, ErrorKind.THROTTLE, 0.0, retry_after=seconds)
    pause = cooldowns.pause(LINK, 0.0)
    assert pause is None or 0 <= pause.remaining <= LONGEST


@given(
    body=st.lists(
        st.sampled_from(
            [
                "try again in ",
                "retry after ",
                '"retryDelay"',
                '"retry_after"',
                "\\",
                '"',
                ":",
                " ",
                "ms",
                "s",
                "m",
                "999999999999999",
                "0",
                "1.5",
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_whatever_the_words_are_they_are_no_error(body: str) -> None:
    seconds = retry_after({}, body.encode(), NOW)
    assert seconds is None or 0 <= seconds < float("inf")
