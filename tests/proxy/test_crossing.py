import json
from typing import Any

import pytest

from agentbox_cli.providers.model import ErrorKind, Protocol
from agentbox_cli.proxy.crossing import (
    FOREIGN,
    back_to_anthropic,
    chat_for_anthropic,
    chat_for_openai,
    chat_of_litellm,
    from_anthropic,
    short_id,
    valid_id,
    without_thoughts,
)
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.marking import StreamMarker, marked
from agentbox_cli.proxy.refused import without_what_was_refused
from agentbox_cli.proxy.request import Ask, body_for, read_ask
from tests.proxy.builders import deployment, link

LINK = link(1, deployment("alpha", "m"))
OWN = {"type": "thinking", "thinking": "own", "signature": "Eq=="}
OTHER = {"type": "thinking", "thinking": "other", "signature": FOREIGN}
HIDDEN = {"type": "redacted_thinking", "data": "Em"}
WORDS = {"type": "text", "text": "so", "cache_control": {"type": "ephemeral"}}


def use(name: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": name, "name": "w", "input": {}}


def result(name: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": name, "content": "1"}


def asking(*turns: list[dict[str, Any]], **fields: Any) -> Ask:
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": turn} for n, turn in enumerate(turns)]
    return read_ask(json.dumps({"model": "m", "messages": messages, **fields}).encode())


def turns_of(ask: Ask) -> list[Any]:
    return [message["content"] for message in sent(ask)["messages"]]


def sent(ask: Ask) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(body_for(ask, LINK))
    return body


def test_a_conversation_without_anything_foreign_is_not_touched() -> None:
    ask = asking([WORDS], [OWN, HIDDEN, use("toolu_1")], [result("toolu_1")])
    assert back_to_anthropic(ask) is ask
    assert chat_for_openai(ask) is ask


def test_only_the_thoughts_of_others_stay_behind() -> None:
    ask = asking([WORDS], [OWN, WORDS], [WORDS], [OTHER, WORDS], [WORDS])
    assert turns_of(back_to_anthropic(ask)) == [[WORDS], [OWN, WORDS], [WORDS], [WORDS], [WORDS]]


def test_what_crosses_keeps_its_bytes() -> None:
    odd = b'{ "type":"text", "text":"\\u00e9", "cache_control" : {"type":"ephemeral"}, "x":1.0 }'
    thought = json.dumps(OTHER).encode()
    body = b'{"messages":[{"role":"assistant","content":[%b,%b]}],"model":"m","a": 1.50}'
    told = body_for(back_to_anthropic(read_ask(body % (thought, odd))), LINK)
    assert odd in told
    assert b'"a": 1.50' in told


def test_a_message_of_nothing_but_such_thoughts_is_left_out() -> None:
    assert turns_of(back_to_anthropic(asking([WORDS], [OTHER], [WORDS]))) == [[WORDS], [WORDS]]


@pytest.mark.parametrize("first", [[OTHER], [OTHER, WORDS]])
def test_an_open_call_of_another_model_is_gone_on_with_without_thinking(
    first: list[dict[str, Any]],
) -> None:
    edits = [{"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_2025"}]
    ask = asking(
        [WORDS],
        [*first, use("toolu_1")],
        [result("toolu_1")],
        thinking={"type": "enabled", "budget_tokens": 1024},
        context_management={"edits": edits},
    )
    told = sent(back_to_anthropic(ask))
    assert told["thinking"] == {"type": "disabled"}
    assert told["context_management"] == {"edits": edits[1:]}


@pytest.mark.parametrize(
    "turns",
    [
        ([WORDS], [OTHER, use("toolu_1")], [result("toolu_1")], [OWN, use("t2")], [result("t2")]),
        ([WORDS], [OTHER, WORDS], [WORDS]),
        ([OTHER],),
    ],
)
def test_thinking_stays_on_where_it_may(turns: Any) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    assert sent(back_to_anthropic(asking(*turns, thinking=thinking)))["thinking"] == thinking


def test_adaptive_thinking_needs_no_thought_first() -> None:
    ask = asking([WORDS], [OTHER, use("t")], [result("t")], thinking={"type": "adaptive"})
    assert sent(back_to_anthropic(ask))["thinking"] == {"type": "adaptive"}


def test_ids_fit_where_they_go_and_still_belong_together() -> None:
    odd, long = "functions.w:0", "call_" + "x" * 60
    ask = asking([WORDS], [OTHER, use(odd), use(long)], [result(odd), result(long)])
    for told, fits in ((back_to_anthropic(ask), valid_id), (from_anthropic(ask), short_id)):
        _, used, results = turns_of(told)
        names = [block["id"] for block in used]
        assert names == [block["tool_use_id"] for block in results]
        assert names == [fits(name) for name in names], "nothing is left to be done"
        assert len(set(names)) == 2


@pytest.mark.parametrize("name", ["toolu_01ABC", "call_9-x", "a" * 40])
def test_an_id_that_fits_everywhere_stays(name: str) -> None:
    assert valid_id(name) == short_id(name) == name


def test_no_thoughts_and_no_long_ids_leave_anthropic() -> None:
    ask = asking([WORDS], [OWN, HIDDEN, WORDS], [WORDS])
    assert turns_of(from_anthropic(ask)) == [[WORDS], [WORDS], [WORDS]]


@pytest.mark.parametrize("messages", [None, 7, "x", [7], [{"content": [7]}], [{"content": {}}]])
def test_messages_of_any_shape_are_left_to_the_provider(messages: Any) -> None:
    ask = read_ask(json.dumps({"model": "m", "messages": messages, "x": FOREIGN}).encode())
    for change in (back_to_anthropic, from_anthropic, without_thoughts, chat_for_anthropic):
        assert sent(change(ask))["messages"] == messages


def test_a_chat_loses_what_litellm_had_added() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "w", "arguments": "{}"}}
    message = {
        "role": "assistant",
        "content": "so",
        "tool_calls": [call],
        "thinking_blocks": [OWN],
        "provider_specific_fields": {"x": 1},
        "reasoning_content": "own",
    }
    kept = {"role": "assistant", "content": "hm", "reasoning_content": "of DeepSeek"}
    ask = read_ask(json.dumps({"model": "m", "messages": [message, kept]}).encode())
    plain = {"role": "assistant", "content": "so", "tool_calls": [call]}
    assert sent(chat_for_openai(ask))["messages"] == [plain, kept]


def test_a_chat_that_litellm_made_has_no_numbers_on_its_calls() -> None:
    call = {"id": "c", "function": {"name": "w", "arguments": '{"index": 1}'}}
    numbered = {"role": "assistant", "tool_calls": [{**call, "index": 0}]}
    words = {"role": "user", "content": 'what is "index"?'}
    ask = read_ask(json.dumps({"model": "m", "messages": [words, numbered]}).encode())
    told = sent(chat_of_litellm(ask))["messages"]
    assert told == [words, {"role": "assistant", "tool_calls": [call]}]
    plain = read_ask(json.dumps({"model": "m", "messages": [words, words]}).encode())
    assert chat_of_litellm(plain) is plain


def test_a_pdf_that_litellm_takes_for_a_picture_becomes_a_file() -> None:
    pdf = "data:application/pdf;base64,JVBERi0="
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    words = {"type": "text", "text": pdf}
    parts = [words, picture, {"type": "image_url", "image_url": {"url": pdf}}]
    messages = [{"role": "user", "content": parts}, {"role": "user", "content": pdf}]
    ask = read_ask(json.dumps({"model": "m", "messages": messages}).encode())
    file = {"type": "file", "file": {"filename": "document.pdf", "file_data": pdf}}
    assert sent(chat_of_litellm(ask))["messages"] == [
        {"role": "user", "content": [words, picture, file]},
        messages[1],
    ]


def test_calls_of_a_chat_get_ids_that_anthropic_takes() -> None:
    odd = "functions.w:0"
    call = {"id": odd, "type": "function", "function": {"name": "w", "arguments": "{}"}}
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": odd, "content": "1"},
        {"role": "assistant", "content": "so", "tool_calls": None},
    ]
    ask = read_ask(json.dumps({"model": "m", "messages": messages}).encode())
    told = sent(chat_for_anthropic(ask))["messages"]
    assert told[0]["tool_calls"][0]["id"] == told[1]["tool_call_id"] == valid_id(odd)
    assert told[2] == messages[2]


def test_a_whole_answer_is_marked() -> None:
    content = [OWN, WORDS, use("functions.w:0"), use("toolu_1")]
    told = json.loads(marked(json.dumps({"content": content, "x": 1}).encode()))
    assert told["content"] == [OWN | {"signature": FOREIGN}, WORDS, *told["content"][2:]]
    assert [each["id"] for each in told["content"][2:]] == [valid_id("functions.w:0"), "toolu_1"]
    for body in (b"{", b"[]", b'{"content": null}', b'{ "content": [] }', b'{"content": 7}'):
        assert marked(body) == body


def test_a_message_says_who_answered_in_the_providers_words() -> None:
    begun = {"type": "message_start", "message": {"model": "saia/llama"}}
    block = use("a") | {"input": {"model": "saia/llama"}}
    call = {"type": "content_block_start", "index": 0, "content_block": block}
    events = b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in (begun, call))
    told = [
        json.loads(line[6:])
        for line in StreamMarker(model="llama").take(events).splitlines()
        if line.startswith(b"data: ")
    ]
    assert told == [{**begun, "message": {"model": "llama"}}, call]
    whole = json.dumps({"model": "saia/llama", "content": [block]}).encode()
    named = {"model": "llama", "content": [block]}
    assert json.loads(marked(whole, "llama")) == named


@pytest.mark.parametrize(
    ("told", "given"),
    [("chatcmpl-7a-b", "msg_7a-b"), ("gen-1", "msg_gen-1"), ("msg_01", "msg_01")],
)
def test_a_message_has_an_id_as_anthropics_are(told: str, given: str) -> None:
    body = json.dumps({"id": told, "content": []}).encode()
    assert json.loads(marked(body))["id"] == given
    begun = {"type": "message_start", "message": {"id": told}}
    events = StreamMarker().take(b"data: %b\n\n" % json.dumps(begun).encode())
    assert f'"id":"{given}"' in events.decode().replace('"id": "', '"id":"')


def test_a_stream_is_marked_wherever_it_is_cut() -> None:
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {}},
        {"type": "content_block_start", "index": 0, "content_block": OWN | {"signature": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta"}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "signature_delta", "signature": "theirs"},
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": use("functions.w:0")},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_stop"},
    ]
    stream = b"".join(
        f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in events
    )
    whole = StreamMarker().take(stream)
    marker = StreamMarker()
    assert b"".join(marker.take(stream[n : n + 7]) for n in range(0, len(stream), 7)) == whole
    told = [json.loads(line[6:]) for line in whole.splitlines() if line.startswith(b"data: ")]
    assert [each["type"] for each in told] == [each["type"] for each in events]
    assert told[1]["content_block"]["signature"] == told[3]["delta"]["signature"] == FOREIGN
    assert told[5]["content_block"]["id"] == valid_id("functions.w:0")
    assert b"theirs" not in whole


def refusal(message: str, code: str | None = None, status: int = 400) -> Failure:
    return Failure(kind=ErrorKind.BAD_REQUEST, status=status, message=message, code=code)


@pytest.mark.parametrize(
    "message",
    [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`",
        "`thinking` or `redacted_thinking` blocks in the latest message cannot be modified",
    ],
)
def test_thoughts_that_anthropic_refuses_are_left_out(message: str) -> None:
    ask = asking([WORDS], [OWN, WORDS], [WORDS])
    told = without_what_was_refused(ask, Protocol.ANTHROPIC_MESSAGES, refusal(message))
    assert told is not None
    assert turns_of(told) == [[WORDS], [WORDS], [WORDS]]
    assert without_what_was_refused(told, Protocol.ANTHROPIC_MESSAGES, refusal(message)) is None


def test_sealed_thoughts_that_a_provider_cannot_read_are_left_out() -> None:
    items: list[dict[str, Any]] = [
        {"type": "reasoning", "id": "rs_1", "encrypted_content": "gA", "summary": []},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "w", "arguments": "{}"},
        {"role": "user", "content": "hi"},
    ]
    ask = read_ask(json.dumps({"model": "m", "input": items}).encode())
    refused = refusal("The encrypted content could not be verified", "invalid_encrypted_content")
    told = without_what_was_refused(ask, Protocol.OPENAI_RESPONSES, refused)
    assert told is not None
    call = {name: value for name, value in items[1].items() if name != "id"}
    assert sent(told)["input"] == [call, items[2]]


@pytest.mark.parametrize(
    ("protocol", "failure"),
    [
        (Protocol.ANTHROPIC_MESSAGES, refusal("max_tokens: Field required")),
        (Protocol.ANTHROPIC_MESSAGES, refusal("Invalid `signature`", status=500)),
        (Protocol.OPENAI_CHAT, refusal("Invalid `signature` in `thinking` block")),
        (Protocol.OPENAI_RESPONSES, refusal("encrypted content of another")),
    ],
)
def test_anything_else_is_not_sent_again(protocol: Protocol, failure: Failure) -> None:
    assert without_what_was_refused(asking([WORDS], [OWN]), protocol, failure) is None
