import io

from agentbox_cli.simulate import journal as room
from agentbox_cli.simulate.journal import Journal
from tests.simulate.conftest import Served


async def test_what_was_sent_upstream_can_be_read(served: Served) -> None:
    async with served.chat("openai/gpt-4o", stream=True, headers={"X-Odd": "Yes"}):
        pass
    call = served.providers.journal.recent[-1]
    assert (call.method, call.path) == ("POST", "/openai/v1/chat/completions")
    assert (call.deployment, call.stream, call.check) == ("openai/gpt-4o", True, None)
    assert call.headers["x-odd"] == "Yes"
    assert call.document["messages"] == [{"role": "user", "content": "hi there"}]


async def test_a_malformed_call_is_noted_too(served: Served) -> None:
    async with served.http.post(f"{served.base}/openai/v1/embeddings", data=b"{") as response:
        assert response.status == 400
    assert served.providers.journal.recent[-1].body == b"{"
    assert served.providers.journal.count("openai/*") == 1


async def test_only_the_first_mib_of_a_body_is_kept(served: Served) -> None:
    body = b'{"model":"m","input":"' + b"x" * room.KEPT_BODY + b'"}'
    async with served.http.post(f"{served.base}/a/v1/responses", data=io.BytesIO(body)):
        pass
    assert len(served.providers.journal.recent[-1].body) == room.KEPT_BODY


def test_only_so_many_calls_are_kept() -> None:
    assert Journal().recent.maxlen == 0
    assert Journal(keep=3).recent.maxlen == 3


def test_names_from_requests_cannot_fill_the_memory() -> None:
    journal = Journal()
    for number in range(room.MAX_KEYS + 9):
        journal.arrived((None, f"a/{number}"))
        journal.gave_up((None, f"a/{number}"))
    assert len(journal.calls) == len(journal.cancelled) == room.MAX_KEYS
    journal.arrived((None, "a/0"))
    assert journal.count("a/0") == 2
