"""What a provider keeps is asked of that provider, and of no other."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.fakes.clients import anthropic_sdk, openai_sdk
from tests.fakes.keeping import keeping_provider
from tests.fakes.stand import Plan, Stand, eventually, open_stand

FIRST, SECOND = "openai/gpt-4.1", "simulated/echo"
ANTHROPIC = {"anthropic-version": "2023-06-01", "anthropic-beta": "files-api-2025-04-14"}
STATE = "state_of_another_link"


class Scene:
    """Two providers that keep things, and proxies before them, one after the other."""

    def __init__(self, stack: AsyncExitStack, directory: Path) -> None:
        self._stack, self._directory = stack, directory

    async def begin(self) -> None:
        enter = self._stack.enter_async_context
        self.first = await enter(keeping_provider("first"))
        self.second = await enter(keeping_provider("second"))
        self.claude = await enter(keeping_provider("claude"))

    def plan(self) -> Plan:
        bases = {
            "openai": f"{self.first.base}/v1",
            "simulated": f"{self.second.base}/v1",
            "anthropic": self.claude.base,
        }
        chains = {
            "default": (FIRST, SECOND),
            "other": ("openai/gpt-4o-mini",),
            "claude": ("anthropic/claude-sonnet-4-5",),
        }
        return Plan(chains=chains, bases=bases, section={"router": {"num_retries": 0}})

    async def stand(self) -> Stand:
        return await self._stack.enter_async_context(open_stand(self.plan(), self._directory))


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        made = Scene(stack, tmp_path)
        await made.begin()
        yield made


@pytest.fixture
async def stand(scene: Scene) -> Stand:
    return await scene.stand()


async def respond(stand: Stand, status: int = 200, **fields: object) -> dict[str, object]:
    body = {"model": "default", "input": "hi", **fields}
    async with stand.http.post(f"{stand.url}/v1/responses", json=body) as answer:
        assert answer.status == status, await answer.text()
        told: dict[str, object] = await answer.json()
        told["served_by"] = answer.headers.get("x-agentbox-served-by")
        told["attempts"] = answer.headers.get("x-agentbox-attempts")
        told["retry-after"] = answer.headers.get("retry-after")
        return told


async def made_by_second(scene: Scene, stand: Stand) -> str:
    scene.first.failing = [400]  # it takes the request for malformed, and does not cool
    told = await respond(stand)
    assert told["served_by"] == SECOND
    return str(told["id"])


async def test_a_conversation_goes_on_at_the_link_that_began_it(
    scene: Scene, stand: Stand
) -> None:
    name = await made_by_second(scene, stand)
    told = await respond(stand, previous_response_id=name)
    assert (told["served_by"], told["attempts"]) == (SECOND, f"{FIRST}=skipped-pinned")
    assert len(scene.first.seen) == 1
    assert (await respond(stand))["served_by"] == FIRST, "others are free"


async def test_a_restart_does_not_forget_who_made_what(scene: Scene, tmp_path: Path) -> None:
    async with open_stand(scene.plan(), tmp_path) as stand:
        name = await made_by_second(scene, stand)
    file = tmp_path / "litellm.pins.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600
    with file.open("ab") as torn:
        torn.write(b'["resp_half')
    async with open_stand(scene.plan(), tmp_path) as stand:
        told = await respond(stand, previous_response_id=name)
        assert told["served_by"] == SECOND
    assert b"half" not in file.read_bytes()


async def test_a_link_that_is_left_alone_is_a_409_with_the_time(
    scene: Scene, stand: Stand
) -> None:
    name = str((await respond(stand))["id"])
    scene.first.failing = [429]
    await respond(stand)
    calls = len(scene.second.seen)
    told = await respond(stand, 409, previous_response_id=name)
    error = told["error"]
    assert isinstance(error, dict)
    assert error["code"] == STATE
    assert f"'{name}' can only be used by {FIRST}" in error["message"]
    assert "skipped-cooling after rate_limit" in error["message"]
    assert told["retry-after"]
    assert len(scene.second.seen) == calls, "never silently another link"


async def test_the_failure_of_the_link_itself_is_its_own(scene: Scene, stand: Stand) -> None:
    name = str((await respond(stand))["id"])
    scene.first.failing = [400]
    told = await respond(stand, 400, previous_response_id=name)
    assert told["error"] == {"message": "failing", "type": "x"}
    assert scene.second.seen == []


@pytest.mark.parametrize(
    "fields",
    [
        {"previous_response_id": "resp_elsewhere"},
        {"conversation": "conv_elsewhere"},
        {"conversation": {"id": "conv_elsewhere"}},
        {"tools": [{"type": "code_interpreter", "container": "cntr_elsewhere"}]},
        {"tools": [{"type": "file_search", "vector_store_ids": ["vs_elsewhere"]}]},
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-x"}]}]},
        {"input": [{"type": "item_reference", "id": "rs_elsewhere"}]},
    ],
)
async def test_what_nobody_here_made_is_a_409_that_says_what_to_do(
    scene: Scene, stand: Stand, fields: dict[str, object]
) -> None:
    told = await respond(stand, 409, **fields)
    error = told["error"]
    assert isinstance(error, dict)
    assert error["code"] == STATE
    assert f"name the link itself as the model, such as '{FIRST}'" in error["message"]
    assert scene.first.seen == scene.second.seen == []


async def test_a_link_that_is_named_itself_gets_what_nobody_here_made(
    scene: Scene, stand: Stand
) -> None:
    told = await respond(stand, 400, model=FIRST, previous_response_id="resp_elsewhere")
    assert "not found" in str(told["error"])
    assert len(scene.first.seen) == 1


async def test_another_alias_of_the_same_provider_knows_it_too(scene: Scene, stand: Stand) -> None:
    name = str((await respond(stand))["id"])
    told = await respond(stand, model="other", previous_response_id=name)
    assert told["served_by"] == "openai/gpt-4o-mini"


async def test_an_alias_without_the_maker_is_a_409(scene: Scene, stand: Stand) -> None:
    name = await made_by_second(scene, stand)
    told = await respond(stand, 409, model="other", previous_response_id=name)
    assert f"was made by {SECOND}, which is no link of 'other'" in str(told["error"])


async def test_things_of_different_links_cannot_be_used_together(
    scene: Scene, stand: Stand
) -> None:
    other = await made_by_second(scene, stand)
    async with openai_sdk(stand) as sdk:
        file = await sdk.files.create(file=("a", b"x"), purpose="assistants")
    parts = [{"type": "input_file", "file_id": file.id}]
    asked = [{"role": "user", "content": parts}]
    told = await respond(stand, 409, previous_response_id=other, input=asked)
    assert "were made by different links" in str(told["error"])


async def test_a_file_is_used_at_the_link_that_has_it(scene: Scene, stand: Stand) -> None:
    async with openai_sdk(stand) as sdk:
        file = await sdk.files.create(
            file=("a", b"x"), purpose="assistants", extra_query={"model": SECOND}
        )
    parts = [{"type": "input_file", "file_id": file.id}]
    told = await respond(stand, input=[{"role": "user", "content": parts}])
    assert told["served_by"] == SECOND


async def test_a_response_that_is_not_kept_is_not_remembered(scene: Scene, stand: Stand) -> None:
    name = str((await respond(stand, store=False))["id"])
    await respond(stand, 409, previous_response_id=name)


async def test_a_streamed_response_is_remembered_too(scene: Scene, stand: Stand) -> None:
    async with openai_sdk(stand) as sdk:
        events = await sdk.responses.create(model="default", input="hi", stream=True)
        made = [event.response.id async for event in events if event.type == "response.completed"]
    told = await respond(stand, previous_response_id=made[0])
    assert told["served_by"] == FIRST


async def test_a_response_is_read_cancelled_and_deleted_where_it_was_made(
    scene: Scene, stand: Stand
) -> None:
    name = await made_by_second(scene, stand)
    async with openai_sdk(stand) as sdk:
        assert (await sdk.responses.retrieve(name, include=["reasoning.encrypted_content"])).id
        await sdk.responses.input_items.list(name, limit=7)
        await sdk.responses.cancel(name)
        await sdk.responses.delete(name)
    assert [(method, path) for method, path, _ in scene.second.seen[1:]] == [
        ("GET", f"/v1/responses/{name}?include%5B%5D=reasoning.encrypted_content"),
        ("GET", f"/v1/responses/{name}/input_items?limit=7"),
        ("POST", f"/v1/responses/{name}/cancel"),
        ("DELETE", f"/v1/responses/{name}"),
    ]
    assert len(scene.first.seen) == 1
    story = next(iter(stand.proxy.stories.latest()))
    assert (story.endpoint.path, story.status) == ("/v1/responses/{id}", 200)
    assert story.attempts[0].call.link.deployment.name == SECOND


async def test_a_response_of_which_nobody_knows_is_a_404_that_says_what_to_do(
    scene: Scene, stand: Stand
) -> None:
    url = f"{stand.url}/v1/responses/resp_elsewhere"
    async with stand.http.get(url) as answer:
        assert answer.status == 404
        assert "?model=" in (await answer.json())["error"]["message"]
    assert scene.first.seen == scene.second.seen == []
    async with stand.http.get(f"{url}?model=default&x=1") as answer:
        assert (await answer.json())["error"]["message"] == "No such responses: resp_elsewhere"
    assert scene.first.seen[0][1] == "/v1/responses/resp_elsewhere?x=1"


async def test_files_and_batches_go_to_the_first_link_of_the_default_alias(
    scene: Scene, stand: Stand
) -> None:
    async with openai_sdk(stand) as sdk:
        file = await sdk.files.create(file=("a.jsonl", b"{}"), purpose="batch")
        assert (await sdk.files.content(file.id)).content == bytes(range(256))
        batch = await sdk.batches.create(
            input_file_id=file.id, endpoint="/v1/responses", completion_window="24h"
        )
        await sdk.batches.retrieve(batch.id)
        await sdk.files.delete(file.id)
        with pytest.raises(Exception, match="unknown model"):
            await sdk.files.list(extra_query={"model": "nobody"})
        await sdk.conversations.create()
    assert [(m, path.partition("_")[0]) for m, path, _ in scene.first.seen] == [
        ("POST", "/v1/files"),
        ("GET", "/v1/files/files"),
        ("POST", "/v1/batches"),
        ("GET", "/v1/batches/batches"),
        ("DELETE", "/v1/files/files"),
        ("POST", "/v1/conversations"),
    ]
    assert b"a.jsonl" in scene.first.seen[0][2]
    assert scene.first.headers[0]["content-type"].startswith("multipart/form-data; boundary=")
    assert scene.first.headers[0]["authorization"] == "Bearer sk-dummy-openai"


async def test_anthropics_batches_and_files_go_to_anthropic(scene: Scene, stand: Stand) -> None:
    async with anthropic_sdk(stand) as sdk:
        to_claude = sdk.with_options(default_query={"model": "claude"})
        batch = await to_claude.messages.batches.create(requests=[])
        assert batch.id
    async with stand.http.get(f"{stand.url}/v1/files?model=claude", headers=ANTHROPIC) as answer:
        assert answer.status == 200
    assert [path for _, path, _ in scene.claude.seen] == ["/v1/messages/batches", "/v1/files"]
    assert scene.claude.headers[1]["anthropic-beta"] == ANTHROPIC["anthropic-beta"]
    assert scene.claude.headers[1]["x-api-key"] == "sk-dummy-anthropic"


async def test_a_first_link_that_speaks_another_protocol_is_a_501(stand: Stand) -> None:
    async with stand.http.get(f"{stand.url}/v1/files?model=claude") as answer:
        assert answer.status == 501
        assert (await answer.json())["error"]["code"] == "not_direct"
    async with stand.http.get(f"{stand.url}/v1/messages/batches") as answer:
        assert answer.status == 501
        assert (await answer.json())["type"] == "error"


async def test_what_a_provider_says_of_a_thing_passes(scene: Scene, stand: Stand) -> None:
    scene.first.failing = [429]
    async with stand.http.get(f"{stand.url}/v1/files") as answer:
        assert (answer.status, (await answer.json())["error"]["message"]) == (429, "failing")
    async with stand.http.put(f"{stand.url}/v1/files") as answer:
        assert answer.status == 405


async def test_usage_of_a_thing_is_nothing_and_is_counted(scene: Scene, stand: Stand) -> None:
    async with stand.http.get(f"{stand.url}/v1/files") as answer:
        assert answer.status == 200
    await eventually(lambda: bool(stand.records))
    assert (stand.records[0].endpoint, stand.records[0].tokens.input) == ("/v1/files", 0)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files/..%2fadmin",
        "/v1/files/%2e%2e/admin",
        "/v1/files/a/../../admin",
        "/v1/files/a%2fcontent",
        "/v1/files/a%5c..%5cadmin",
        "/v1/files/a%3fadmin",
        "/v1/files/a%0d%0aadmin",
        "/v1/files/a//b",
        "/v1/responses/a/b",
        "/v1/responses/a%2Fcancel",
        "/v1/containers/a/../admin",
    ],
)
async def test_no_path_leads_elsewhere(scene: Scene, stand: Stand, path: str) -> None:
    async with stand.connected() as (reader, writer):
        writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 404 ")
    assert scene.first.seen == []
