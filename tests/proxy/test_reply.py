import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from aiohttp import web

from agentbox_cli.providers.model import ErrorKind, Protocol
from agentbox_cli.providers.resolved import KeyState
from agentbox_cli.proxy.endpoints import CHAT, MESSAGES, RESPONSES, Endpoint
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.reply import attempts_header, refusal, summary, verdict_reply
from agentbox_cli.proxy.verdict import Verdict
from tests.proxy.builders import CHAT as CHAT_NEEDS
from tests.proxy.builders import Scene, chain, deployment, failure, link

HEADERS = {"x-agentbox-alias": "default", "x-agentbox-request-id": "req_1"}
HINT = " (`agentbox litellm explain req_1`)"
BODY = b'{ "error": {"message":"no such model"} }'
OWN = replace(
    failure(ErrorKind.NOT_FOUND),
    body=BODY,
    content_type="application/problem+json",
    headers={
        "Content-Type": "application/problem+json",
        "Content-Encoding": "gzip",
        "Content-Length": "9",
        "Set-Cookie": "a=b",
        "Retry-After": "7",
        "X-Request-Id": "up_1",
    },
)


def reply(verdict: Verdict, endpoint: Endpoint = CHAT) -> web.Response:
    return verdict_reply(endpoint, "default", verdict, HEADERS)


def said(response: web.Response) -> dict[str, Any]:
    assert isinstance(response.body, bytes)
    body: dict[str, Any] = json.loads(response.body)
    return body


def passed_on(told: Failure, endpoint: Endpoint = CHAT) -> web.Response:
    verdict = Verdict(passed_on=told, rate_limited=False, retry_after=None, outcomes=())
    return reply(verdict, endpoint)


def end(*kinds: ErrorKind, retry_after: float | None = None) -> Verdict:
    scene = Scene(chain(*(f"p{number}" for number in range(1, len(kinds) + 1))))
    how = {
        number: failure(kind, retry_after=retry_after)
        for number, kind in enumerate(kinds, start=1)
    }
    return scene.ask(how).end


# A link's own error.


def test_a_links_own_error_is_passed_on_with_status_and_body_unchanged() -> None:
    response = passed_on(OWN)
    assert (response.status, response.body) == (404, BODY)
    assert dict(response.headers) == HEADERS | {
        "content-type": "application/problem+json",
        "retry-after": "7",
        "x-request-id": "up_1",
    }


def test_an_error_in_another_protocol_is_worded_anew() -> None:
    response = passed_on(OWN, MESSAGES)
    assert response.status == 404
    assert said(response) == {
        "type": "error",
        "error": {"type": "not_found_error", "message": f"it failed{HINT}"},
    }


@pytest.mark.parametrize(
    ("kind", "status"), [(ErrorKind.TIMEOUT, 504), (ErrorKind.CONNECTION, 502)]
)
def test_a_link_that_gave_no_answer_is_a_bad_gateway(kind: ErrorKind, status: int) -> None:
    assert passed_on(failure(kind)).status == status


@pytest.mark.parametrize("status", [204, 202, 302, 307])
def test_an_answer_that_is_no_error_is_not_passed_on_as_one(status: int) -> None:
    told = replace(failure(ErrorKind.SERVER, status=status), body=b"")
    response = passed_on(told)
    assert response.status == 502
    assert said(response)["error"]["message"] == f"it failed{HINT}"


# The chain's own word.


@pytest.mark.parametrize(
    ("endpoint", "kinds", "status"),
    [
        (CHAT, (ErrorKind.THROTTLE, ErrorKind.SERVER), 429),
        (CHAT, (ErrorKind.SERVER, ErrorKind.TIMEOUT), 503),
        (RESPONSES, (ErrorKind.SERVER,), 503),
        (MESSAGES, (ErrorKind.THROTTLE,), 429),
        (MESSAGES, (ErrorKind.SERVER,), 529),
    ],
)
def test_a_chain_that_cannot_answer_now_says_when_it_can(
    endpoint: Endpoint, kinds: tuple[ErrorKind, ...], status: int
) -> None:
    response = reply(end(*kinds, retry_after=7.2), endpoint)
    assert response.status == status
    assert 1 <= int(response.headers["retry-after"]) <= 8
    assert response.headers["x-agentbox-alias"] == "default"
    message = said(response)["error"]["message"]
    assert all(f"p{number}/one" in message for number in range(1, len(kinds) + 1))


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.0, "1"), (0.2, "1"), (7.01, "8"), (600.0, "600")]
)
def test_retry_after_is_whole_seconds_and_never_too_early(seconds: float, told: str) -> None:
    verdict = replace(end(ErrorKind.THROTTLE), retry_after=seconds)
    assert reply(verdict).headers["retry-after"] == told


def test_the_body_names_each_link_its_class_and_what_is_left_of_its_cooldown() -> None:
    scene = Scene(chain("openai", "saia", deployment("late", key=KeyState.MISSING)))
    scene.ask({1: failure(ErrorKind.THROTTLE, retry_after=30.0), 2: ErrorKind.TIMEOUT})
    verdict = scene.ask({2: ErrorKind.TIMEOUT}).end
    assert summary("default", verdict) == (
        "no link of 'default' can answer now: openai/one skipped-cooling after rate_limit (30 s), "
        "saia/one timeout (10 s), late/one skipped-key-missing"
    )


def test_a_link_that_is_too_small_is_named_with_the_reason() -> None:
    scene = Scene(chain(link(1, max_input_tokens=1_000), "second"))
    verdict = scene.ask(
        {2: ErrorKind.THROTTLE}, msgspec.structs.replace(CHAT_NEEDS, input_tokens=2_000)
    ).end
    assert summary("default", verdict) == (
        "no link of 'default' can answer now: "
        "p1/one skipped-unfit for context_window, second/one rate_limit (60 s)"
    )


@pytest.mark.parametrize(
    ("kind", "status", "code", "anthropic", "next_step"),
    [
        (ErrorKind.AUTH, 401, "invalid_api_key", "authentication_error", "providers login p1"),
        (ErrorKind.PAYMENT, 402, "payment_required", "billing_error", "limits reset p1"),
        (ErrorKind.QUOTA, 429, "insufficient_quota", "rate_limit_error", "limits reset p1"),
        (ErrorKind.FORBIDDEN, 403, "permission_denied", "permission_error", "reset p1/one"),
        (
            ErrorKind.NOT_FOUND,
            404,
            "model_not_found",
            "not_found_error",
            "agentbox litellm restart",
        ),
    ],
)
def test_a_chain_that_somebody_has_to_mend_says_what_and_promises_no_time(
    kind: ErrorKind, status: int, code: str, anthropic: str, next_step: str
) -> None:
    scene = Scene(chain("p1", "p2"))
    scene.ask({1: kind, 2: kind})
    end = scene.ask().end
    chat, messages = reply(end), reply(end, MESSAGES)
    assert (chat.status, messages.status) == (status, status)
    assert "retry-after" not in chat.headers
    assert "retry-after" not in messages.headers
    told = said(chat)["error"]
    assert told["code"] == code
    assert said(messages)["error"]["type"] == anthropic
    assert "p1/one skipped-cooling" in told["message"]
    assert "p2/one skipped-cooling" in told["message"]
    assert next_step in told["message"]


def test_a_200_that_was_filtered_is_an_error_where_it_is_worded_anew() -> None:
    filtered = Failure(
        kind=ErrorKind.CONTENT_POLICY,
        status=200,
        message="it said nothing",
        body=b"{}",
        protocol=Protocol.OPENAI_CHAT,
    )
    assert passed_on(filtered).status == 200
    response = passed_on(filtered, MESSAGES)
    assert (response.status, said(response)["type"]) == (400, "error")


def test_a_chain_without_keys_cannot_say_when() -> None:
    missing = deployment("late", key=KeyState.MISSING)
    response = reply(Scene(chain(missing)).ask().end)
    assert response.status == 503
    assert "retry-after" not in response.headers
    assert said(response)["error"]["code"] == "no_link_available"


def test_what_no_link_can_do_is_the_clients_error() -> None:
    messages = msgspec.structs.replace(CHAT_NEEDS, protocol=Protocol.ANTHROPIC_MESSAGES)
    response = reply(Scene(chain("openai")).ask(needs=messages).end, MESSAGES)
    assert response.status == 400
    assert said(response)["error"]["type"] == "invalid_request_error"
    assert "openai/one skipped-unfit" in said(response)["error"]["message"]


@pytest.mark.parametrize("endpoint", [CHAT, MESSAGES])
def test_a_prompt_too_long_for_all_is_told_so_that_agents_shorten_it(endpoint: Endpoint) -> None:
    long = msgspec.structs.replace(CHAT_NEEDS, input_tokens=2_000)
    response = reply(Scene(chain(link(1, max_input_tokens=1_000))).ask(needs=long).end, endpoint)
    error = said(response)["error"]
    assert response.status == 400
    assert error["type"] == "invalid_request_error"
    assert error["message"].startswith("prompt is too long: 2000 tokens > 1000 maximum")
    assert error.get("code", "context_length_exceeded") == "context_length_exceeded"


def test_every_window_is_named_where_all_are_too_small() -> None:
    links = [link(number, max_input_tokens=size) for number, size in ((1, 1_000), (2, 3_000))]
    long = msgspec.structs.replace(CHAT_NEEDS, input_tokens=4_000)
    response = reply(Scene(chain(*links)).ask(needs=long).end, CHAT)
    assert response.status == 400
    assert said(response)["error"]["message"] == (
        "prompt is too long: 4000 tokens > 3000 maximum (a low estimate; "
        f"the maximum context length is 1000 for p1/one, 3000 for p2/one){HINT}"
    )


def test_a_provider_that_has_counted_knows_better_than_an_estimate() -> None:
    own = failure(ErrorKind.CONTEXT_WINDOW, message="2100 tokens, 2000 at most")
    scene = Scene(chain(link(1, max_input_tokens=1_000), "second"))
    end = scene.ask({2: own}, msgspec.structs.replace(CHAT_NEEDS, input_tokens=2_000)).end
    assert end.passed_on is own


def test_a_context_error_of_another_protocol_is_told_so_that_agents_know_it() -> None:
    openai = failure(ErrorKind.CONTEXT_WINDOW, message="maximum context length is 9 tokens")
    told = said(passed_on(openai, MESSAGES))["error"]
    assert told["message"] == f"prompt is too long: maximum context length is 9 tokens{HINT}"
    own = replace(
        failure(ErrorKind.CONTEXT_WINDOW, message="Prompt is too long: 10 tokens > 9 maximum"),
        protocol=Protocol.ANTHROPIC_MESSAGES,
    )
    told = said(passed_on(own))["error"]
    assert told["code"] == "context_length_exceeded"
    assert told["message"] == f"Prompt is too long: 10 tokens > 9 maximum{HINT}"


# Smaller things.


def test_attempts_name_each_link_that_did_not_answer() -> None:
    scene = Scene(chain("a", "b", deployment("c", key=KeyState.MISSING), "d"))
    story = scene.ask({1: ErrorKind.QUOTA, 2: ErrorKind.SERVER})
    assert attempts_header(story.walk.outcomes) == (
        "a/one=rate_limit,b/one=server,c/one=skipped-key-missing"
    )
    assert attempts_header(()) == ""


def test_a_refusal_is_worded_in_the_clients_protocol() -> None:
    response = refusal(CHAT, 405, "takes POST", headers={"allow": "POST"})
    assert response.headers["allow"] == "POST"
    assert response.content_type == "application/json"
    assert said(response)["error"]["message"] == "takes POST"
    assert said(refusal(MESSAGES, 405, "takes POST"))["type"] == "error"
