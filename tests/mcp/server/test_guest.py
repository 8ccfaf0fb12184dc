"""The server where only the host's socket is mounted: the real proxy behind the real bridge."""

import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from agentbox_cli.errors import ProxyError
from agentbox_cli.fallback.place import private_paths
from agentbox_cli.fallback.stage import Cast
from agentbox_cli.mcp.calls.elsewhere import Elsewhere
from agentbox_cli.mcp.calls.home import Home
from agentbox_cli.mcp.calls.proxy import Proxy
from agentbox_cli.mcp.server import documents
from tests.e2e.conftest import KEYS, User, processes_of, section
from tests.mcp.conftest import MODELS, SERVE, AnyClient, connected, failure

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

CORE = ("--toolset", "core")


@contextlib.contextmanager
def bridged(socket: Path) -> Iterator[str]:
    """A bridge to a socket; gives its port."""
    process = subprocess.Popen(
        [*SERVE, "litellm", "bridge", "--socket", str(socket), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        told = process.stdout.readline()
        try:
            yield str(urlsplit(told.split()[0]).port)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def socket_dir() -> Iterator[Path]:
    # The folders of tests have names too long for the path of a socket.
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, cast: Cast, socket_dir: Path) -> Iterator[User]:
    somebody = User(tmp_path_factory.mktemp("host"), dict(KEYS))
    more = {"socket": ["web"], "socket_dir": str(socket_dir), "engine": {"mode": "off"}}
    somebody.writes(section(cast, MODELS, **more))
    started = somebody.runs("litellm", "start")
    assert started.returncode == 0, started.stderr
    yield somebody
    assert somebody.runs("litellm", "stop", "--force").returncode == 0
    assert processes_of(somebody.home) == []


@pytest.fixture(scope="module")
def guest(
    tmp_path_factory: pytest.TempPathFactory, host: User, socket_dir: Path
) -> Iterator[User]:
    """Somebody in a container of that host: no config, no files, a socket and a bridge."""
    socket = socket_dir / "web" / "litellm.sock"
    with bridged(socket) as port:
        environ = {"AGENTBOX_SOCKET": str(socket), "LITELLM_PORT": port}
        somebody = User(tmp_path_factory.mktemp("guest"), environ)
        yield somebody
        assert processes_of(somebody.home) == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(guest: User) -> AsyncIterator[AnyClient]:
    async with connected(guest) as one:
        yield one


async def test_models_of_the_host_answer(client: AnyClient) -> None:
    told = await client.call_tool("complete", {"prompt": "hi there"})
    answer = told.structured_content
    assert answer["text"] == "[openai/gpt-4o] you said: hi there"
    assert (answer["served_by"], answer["input_tokens"]) == ("openai/gpt-4o", 2)
    assert answer["cost_usd"] is None  # the prices are in the config of the host
    messages = [{"role": "user", "content": "and again"}]
    told = await client.call_tool("chat", {"messages": messages})
    assert told.structured_content["text"] == "[openai/gpt-4o] you said: and again"


async def test_an_alias_of_the_host_embeds(client: AnyClient) -> None:
    told = await client.call_tool("embed", {"texts": ["one", "two"]})
    assert told.structured_content["model"] == "vectors"
    assert len(told.structured_content["vectors"]) == 2


async def test_the_aliases_are_those_of_the_host(client: AnyClient, host: User) -> None:
    told = (await client.call_tool("list_models", {})).structured_content
    known = host.reads("litellm", "models")
    for each in known["aliases"]:
        each["source"] = None
    assert told == {"schema": known["schema"], "aliases": known["aliases"]}
    (read,) = await client.read_resource("agentbox://models")
    assert json.loads(read.text) == told


async def test_the_state_is_that_of_the_host(client: AnyClient, guest: User) -> None:
    told = (await client.call_tool("status", {})).structured_content
    assert (told["state"], told["ready"], told["pid"]) == ("running", True, None)
    assert told["url"] == f"http://127.0.0.1:{guest.environ['LITELLM_PORT']}"
    assert {row["alias"] for row in told["aliases"]} >= set(MODELS)


async def test_usage_is_asked_of_the_host(client: AnyClient, host: User) -> None:
    await client.call_tool("complete", {"prompt": "counted"})
    asked, told = {"since": "1h", "by": "caller"}, dict[str, Any]()
    for _ in range(50):  # what was used is written a moment later
        told = (await client.call_tool("usage", asked)).structured_content
        if "web" in [row["key"] for row in told["rows"]]:
            break
        await asyncio.sleep(0.1)
    (row,) = told["rows"]
    assert row["key"] == "web"
    known = host.reads("litellm", "usage", "--since", "1h", "--by", "caller")
    assert set(told) == set(known)
    assert set(row) == set(known["rows"][0])
    assert "'some day' is no time" in await failure(client, "usage", since="some day")


async def test_proofs_of_chains_are_the_hosts(client: AnyClient) -> None:
    told = await failure(client, "test_fallback", alias="default")
    assert "that is the host's" in told
    assert "on the host run: agentbox litellm test-fallback default" in told


async def test_files_of_the_container_are_analysed_by_the_host(
    client: AnyClient, guest: User
) -> None:
    place = guest.home / "work"
    place.mkdir()
    (place / "a.py").write_text("print('a line of the container')\n")
    async with connected(guest, "--workspace", str(place)) as one:
        asked = {"subject": "a.py", "question": "what is printed?"}
        told = await one.call_tool("quick_check", asked)
        assert "a line of the container" in told.structured_content["text"]
        assert told.structured_content["files_read"] == ["a.py"]
        assert "no usable alias" in await failure(one, "quick_check", **asked, model="nobody")
        vectors = await failure(one, "quick_check", **asked, model="vectors")
        assert "no usable alias" in vectors


@pytest.mark.parametrize(
    "ask", [documents.status, documents.models, lambda home: Proxy(home)._find()]
)
async def test_a_host_that_is_gone_is_told_and_no_proxy_is_started(
    tmp_path: Path, ask: Callable[[Home], object]
) -> None:
    with pytest.raises(ProxyError, match="the host's proxy does not answer here") as told:
        ask(guest_home(tmp_path / "guest", lambda: None))
    assert told.value.hint is not None
    assert "on the host run: agentbox litellm start" in told.value.hint
    assert "guest" not in os.listdir(tmp_path)  # noqa: PTH208 - pathlib blocks, too


async def test_a_token_is_for_whom_it_was_named_and_the_key_of_here_for_nobody_else(
    tmp_path: Path,
) -> None:
    there = Elsewhere(port=4000, token=None, status={"state": "running"})
    home = guest_home(tmp_path, lambda: there)
    home.paths.key_file.parent.mkdir(parents=True)
    home.paths.key_file.write_text("the-key-of-here")
    proxy = Proxy(home)
    found = await proxy.found()
    assert (found.url, found.config_file) == ("http://127.0.0.1:4000", None)
    assert "authorization" not in proxy._headers(found)
    await proxy.close()


def guest_home(place: Path, seek: Callable[[], Elsewhere | None]) -> Home:
    paths = private_paths(place)
    return Home(paths=paths, named=None, environ={}, working_dir=place, seek=seek, is_guest=True)


async def test_a_port_alone_says_nothing_of_who_listens(guest: User) -> None:
    nowhere = {"AGENTBOX_SOCKET": "/nowhere/at/all/litellm.sock"}
    async with connected(guest, *CORE, "--no-start", environ=nowhere) as one:
        assert "told not to start it" in await failure(one, "complete", prompt="secret")
        told = await one.call_tool("status", {})
        assert told.structured_content["state"] == "stopped"


async def test_where_the_host_wants_a_key_the_token_is_shown(
    tmp_path_factory: pytest.TempPathFactory, cast: Cast
) -> None:
    somebody = User(tmp_path_factory.mktemp("keyed"), dict(KEYS))
    guest = User(tmp_path_factory.mktemp("guest-of-keyed"))
    with tempfile.TemporaryDirectory() as place:
        more = {"socket": ["web"], "socket_dir": place, "engine": {"mode": "off"}, "auth": "key"}
        somebody.writes(section(cast, MODELS, **more))
        assert somebody.runs("litellm", "start").returncode == 0
        socket = Path(place) / "web" / "litellm.sock"
        try:
            token = somebody.runs("litellm", "key", "add", "night").stdout.strip()
            with bridged(socket) as port:
                here = {"AGENTBOX_SOCKET": str(socket), "LITELLM_PORT": port}
                await _refused(guest, here, "wants a key")
                async with connected(guest, *CORE, environ={**here, "AGENTBOX_KEY": token}) as one:
                    told = await one.call_tool("complete", {"prompt": "hi"})
                    assert told.structured_content["served_by"] == "openai/gpt-4o"
                    told = await one.call_tool("list_models", {})
                    assert told.structured_content["aliases"]
        finally:
            assert somebody.runs("litellm", "stop", "--force").returncode == 0


async def _refused(guest: User, environ: dict[str, str], why: str) -> None:
    async with connected(guest, *CORE, environ=environ) as one:
        told = await failure(one, "complete", prompt="hi")
        assert why in told
        assert "set AGENTBOX_KEY to what its owner gets from" in told
