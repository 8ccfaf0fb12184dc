"""What LiteLLM adds and forgets is mended; what it makes by itself is seen in tests/e2e."""

import json
from typing import Any

from agentbox_cli.providers.model import Protocol
from agentbox_cli.proxy.events import StreamState
from agentbox_cli.proxy.shaping import ChatShaper, ResponsesShaper, shaped
from agentbox_cli.proxy.signed import SignedThoughts

CHAT, RESPONSES = Protocol.OPENAI_CHAT, Protocol.OPENAI_RESPONSES
EMPTY = {"citations": None, "thinking_blocks": None}
USAGE = {
    "prompt_tokens": 2,
    "completion_tokens": 5,
    "total_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 1, "text_tokens": 2, "audio_tokens": None},
    "cost": 0.1,
}
CLEAN_USAGE = {
    "prompt_tokens": 2,
    "completion_tokens": 5,
    "total_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 1},
}


def of(told: object) -> bytes:
    return json.dumps(told).encode()


def stream(*events: object) -> bytes:
    return b"".join(b"data: %b\n\n" % of(each) for each in events)


def signed_thought(text: str, signature: str) -> tuple[object, ...]:
    block = {"type": "thinking", "thinking": text, "signature": ""}
    delta = {"type": "signature_delta", "signature": signature}
    return {"content_block": block}, {"delta": delta}


def told_in(events: bytes) -> list[Any]:
    lines = [line[6:] for line in events.splitlines() if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def test_a_whole_chat_has_what_may_be_null_and_nothing_of_litellms_own() -> None:
    call = {"id": "c", "index": 0, "function": {"name": "look"}}
    message = {"role": "assistant", "tool_calls": [call], "provider_specific_fields": EMPTY}
    body = of({"choices": [{"index": 0, "message": message}], "usage": USAGE, "service_tier": "x"})
    assert json.loads(shaped(body, CHAT)) == {
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "tool_calls": [{"id": "c", "function": {"name": "look"}}],
                    "content": None,
                    "refusal": None,
                },
                "logprobs": None,
            }
        ],
        "usage": CLEAN_USAGE,
        "service_tier": "x",
    }


def test_thoughts_that_go_back_to_their_maker_stay() -> None:
    message = {"content": "x", "provider_specific_fields": {"thinking_blocks": [{"x": 1}]}}
    told = json.loads(shaped(of({"choices": [{"message": message}]}), CHAT))
    assert told["choices"][0]["message"]["provider_specific_fields"]["thinking_blocks"]


def test_who_answered_is_told_in_the_providers_words() -> None:
    """And not as LiteLLM was asked for it, nor with the prefix by which it translates."""
    asked = "saia/llama"
    chunk = {"model": asked, "choices": [{"index": 0, "delta": {"content": "x"}}]}
    told = told_in(ChatShaper(model="llama").take(stream(chunk)))
    assert [each["model"] for each in told] == ["llama"]
    assert json.loads(shaped(of(chunk), CHAT, "llama"))["model"] == "llama"
    assert json.loads(shaped(of(chunk), CHAT))["model"] == asked
    ended = {
        "type": "response.completed",
        "response": {"model": "custom_openai/llama", "output": []},
        "model": asked,
    }
    [event] = told_in(ResponsesShaper(state=StreamState(), model="llama").take(stream(ended)))
    assert (event["response"]["model"], "model" in event) == ("llama", False)


def test_what_is_no_answer_stays_as_it_came() -> None:
    for odd in (b"{", b"[]", b'{ "choices": 7 }', b'{"choices": [7]}', b'{ "output" : [{}] }'):
        assert shaped(odd, CHAT) == odd
        assert shaped(odd, RESPONSES) == odd
    assert shaped(b'{ "choices": [{}] }', Protocol.ANTHROPIC_MESSAGES) == b'{ "choices": [{}] }'


def test_each_chunk_of_a_chat_has_a_reason_or_null_and_counts_come_alone() -> None:
    chunks = stream(
        {"choices": [{"index": 0, "delta": {"content": "a", "provider_specific_fields": EMPTY}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "delta": {}}], "usage": USAGE},
    )
    done = b"data: [DONE]\n\n"
    out = ChatShaper().take(chunks + b": a comment\n\ndata: {oh\n\n" + done)
    assert out.endswith(b": a comment\n\ndata: {oh\n\n" + done)
    assert told_in(out.replace(b"data: {oh\n\n", b"")) == [
        {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": CLEAN_USAGE},
    ]


def test_events_of_a_response_are_named_and_numbered_and_the_state_knows_the_last() -> None:
    state = StreamState(sequence_number=99)
    thought = {"item_id": "rs", "output_index": 0, "delta": "a", "model": "m"}
    events = stream(
        {"type": "response.created", "response": {"id": "r", "output": []}, "model": "m"},
        {"type": "response.reasoning_summary_text.delta", **thought},
        {"type": "response.reasoning_summary_text.delta", **thought},
        {"type": "response.output_text.delta", "delta": "b", "sequence_number": 7},
        {"type": "response.output_item.added", "item": {"id": "f", "type": "x", "name": "look"}},
        {"type": "response.function_call_arguments.done", "item_id": "f"},
    )
    out = ResponsesShaper(state=state).take(events + b"data: [DONE]\n\n")
    told = told_in(out)
    begins = "response.reasoning_summary_part.added"
    kinds = [each["type"] for each in told]
    assert kinds[1:4] == [begins, *["response.reasoning_summary_text.delta"] * 2]
    assert [each["sequence_number"] for each in told] == list(range(7))
    assert state.sequence_number == 6
    names = [line[7:].decode() for line in out.splitlines() if line.startswith(b"event: ")]
    assert names == kinds
    assert not any("model" in each for each in told)
    assert (told[4]["logprobs"], told[6]["name"]) == ([], "look")
    assert b"[DONE]" not in out


def test_a_whole_response_tells_a_thought_as_a_summary_and_counts_all() -> None:
    said = [{"type": "output_text", "text": "a thought", "annotations": []}]
    thought = {
        "type": "reasoning",
        "id": "rs",
        "role": "assistant",
        "content": said,
        "phase": None,
    }
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "cost": 1}
    told = json.loads(shaped(of({"output": [thought], "usage": usage}), RESPONSES))
    summary = [{"type": "summary_text", "text": "a thought"}]
    assert told["output"] == [{"type": "reasoning", "id": "rs", "summary": summary}]
    assert told["usage"] == {
        "input_tokens": 1,
        "output_tokens": 2,
        "total_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    assert {"error", "incomplete_details", "temperature"} <= told.keys()


def test_a_thought_has_its_seal_where_it_ends_and_who_made_it_is_known() -> None:
    state, thoughts = StreamState(), SignedThoughts()
    shaper = ResponsesShaper(state=state, thoughts=thoughts)
    done = {"type": "response.output_item.done", "item": {"type": "reasoning", "id": "rs"}}
    [unsigned] = told_in(shaper.take(stream(done)))
    assert "encrypted_content" not in unsigned["item"]
    thoughts.take(stream(*signed_thought("ü", "sig")))
    other = {"type": "response.output_item.done", "item": {"type": "message", "content": []}}
    sealed, message = told_in(shaper.take(stream(done, other)))
    assert sealed["item"]["encrypted_content"] == thoughts.sealed
    assert state.sealed == [thoughts.sealed]
    assert "encrypted_content" not in message["item"]
    own = {**done, "item": {"type": "reasoning", "encrypted_content": "gAAAA"}}
    [kept] = told_in(shaper.take(stream(own)))
    assert kept["item"]["encrypted_content"] == "gAAAA"
