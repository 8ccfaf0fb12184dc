"""What Google's clients say, as the messages of a chat."""

from typing import Any

from agentbox_cli.proxy.google.conversation import messages_of


def said(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "parts": list(parts)}


def messages(*turns: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return list(messages_of({"contents": list(turns), **more}))


def call(name: str, *, given: str | None = None, **args: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args, **({"id": given} if given else {})}}


def result(name: str, output: Any, *, given: str | None = None) -> dict[str, Any]:
    told = {"name": name, "response": {"output": output}, **({"id": given} if given else {})}
    return {"functionResponse": told}


def test_texts_of_both_sides_are_messages() -> None:
    assert messages(said("user", {"text": "hi"}), said("model", {"text": "a"}, {"text": "b"})) == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "ab"},
    ]


def test_every_part_of_a_system_prompt_is_told_first() -> None:
    parts = [{"text": "be good"}, {"text": "be brief"}]
    told = {"role": "system", "content": "be good\n\nbe brief"}
    turn = said("user", {"text": "hi"})
    assert messages(turn, systemInstruction={"parts": parts})[0] == told
    assert messages(turn, system_instruction={"parts": parts})[0] == told
    assert messages(turn, systemInstruction="be good")[0]["content"] == "be good"


def test_two_calls_of_one_tool_keep_their_own_results() -> None:
    told = messages(
        said("model", call("look", path="x"), call("look", path="y")),
        said("user", result("look", "X"), result("look", "Y")),
    )
    made = told[0]["tool_calls"]
    assert [each["function"]["arguments"] for each in made] == ['{"path": "x"}', '{"path": "y"}']
    assert len({each["id"] for each in made}) == 2
    assert [(each["tool_call_id"], each["content"]) for each in told[1:]] == [
        (made[0]["id"], "X"),
        (made[1]["id"], "Y"),
    ]


def test_results_find_their_calls_by_the_ids_that_the_client_gives() -> None:
    told = messages(
        said("model", call("look", given="a"), call("look", given="b")),
        said("user", result("look", "B", given="b"), result("look", "A", given="a")),
    )
    assert [each["tool_call_id"] for each in told[1:]] == ["b", "a"]


def test_an_id_that_is_too_long_for_openai_is_shortened_at_both_ends() -> None:
    long = "read_file_1764093600000_0_" + "f" * 30
    told = messages(
        said("model", call("look", given=long)), said("user", result("look", "x", given=long))
    )
    assert told[0]["tool_calls"][0]["id"] == told[1]["tool_call_id"]
    assert len(told[1]["tool_call_id"]) <= 40


def test_results_stand_right_behind_their_calls_whatever_is_said_with_them() -> None:
    told = messages(
        said("model", call("look")), said("user", {"text": "go on"}, result("look", {"a": 1}))
    )
    assert [each["role"] for each in told] == ["assistant", "tool", "user"]
    assert told[1]["content"] == '{"output": {"a": 1}}'


def test_a_result_without_a_call_is_told_as_text() -> None:
    assert messages(said("user", result("look", "x"))) == [{"role": "user", "content": "look: x"}]


def test_thoughts_do_not_cross() -> None:
    thought = {"text": "hmm", "thought": True, "thoughtSignature": "c2ln"}
    assert messages(said("model", thought, {"text": "yes"})) == [
        {"role": "assistant", "content": "yes"}
    ]
    assert messages(said("model", thought)) == []


def test_files_cross_in_the_form_of_their_kind() -> None:
    def data(kind: str, text: str = "aGk_") -> dict[str, Any]:
        return {"inlineData": {"mimeType": kind, "data": text}}

    parts = [
        data("image/png"),
        data("audio/wav"),
        data("application/pdf"),
        data("text/plain", "aGk="),
        {"fileData": {"fileUri": "https://x.example/a.png", "mimeType": "image/png"}},
    ]
    (message,) = messages(said("user", *parts))
    assert message["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk/"}},
        {"type": "input_audio", "input_audio": {"data": "aGk/", "format": "wav"}},
        {
            "type": "file",
            "file": {"filename": "file", "file_data": "data:application/pdf;base64,aGk/"},
        },
        {"type": "text", "text": "hi"},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
    ]


def test_a_picture_that_a_tool_gave_follows_its_result() -> None:
    answer = result("look", "a picture")
    answer["functionResponse"]["parts"] = [{"inlineData": {"mimeType": "image/png", "data": "aa"}}]
    told = messages(said("model", call("look")), said("user", answer))
    assert [each["role"] for each in told] == ["assistant", "tool", "user"]
    assert told[2]["content"][0]["type"] == "image_url"


def test_odd_shapes_are_read_as_far_as_they_can_be() -> None:
    assert messages({"parts": {"text": "hi"}}) == [{"role": "user", "content": "hi"}]
    assert list(messages_of({"contents": {"parts": [{"text": "hi"}, 3, None]}})) == [
        {"role": "user", "content": "hi"}
    ]
    assert list(messages_of({"contents": 3})) == []
