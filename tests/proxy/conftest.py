"""The proxy at work, for every test that asks for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.scripted import Script, ScriptedProvider, scripted_provider
from tests.fakes.stand import Plan, Stand, open_stand

MakeStand = Callable[..., Awaitable[Stand]]
MakeScripted = Callable[..., Awaitable[ScriptedProvider]]


@pytest.fixture
async def make_stand(tmp_path: Path) -> AsyncIterator[MakeStand]:
    """Starts a proxy with simulated providers; takes what `Plan` takes."""
    async with AsyncExitStack() as stack:

        async def make(**plan: Any) -> Stand:
            return await stack.enter_async_context(open_stand(Plan(**plan), tmp_path))

        yield make


@pytest.fixture
async def stand(make_stand: MakeStand) -> Stand:
    """The usual one."""
    return await make_stand()


@pytest.fixture
async def make_scripted() -> AsyncIterator[MakeScripted]:
    """Starts a provider that sends the bytes of its scripts."""
    async with AsyncExitStack() as stack:

        async def make(*scripts: Script) -> ScriptedProvider:
            return await stack.enter_async_context(scripted_provider(*scripts))

        yield make
