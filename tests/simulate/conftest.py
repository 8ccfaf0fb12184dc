"""A server of simulated providers, and the real clients that must understand it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic import SecretStr

from agentbox_cli.simulate.app import SimulatedProviders
from agentbox_cli.simulate.control import SECRET_HEADER

SECRET = "for this test only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running server and a plain HTTP client."""

    providers: SimulatedProviders
    base: str
    http: aiohttp.ClientSession

    def chat(self, deployment: str, **fields: Any) -> Any:
        provider, _, model = deployment.partition("/")
        headers = fields.pop("headers", {})
        messages = [{"role": "user", "content": "hi there"}]
        return self.http.post(
            f"{self.base}/{provider}/v1/chat/completions",
            json={"model": model, "messages": messages, **fields},
            headers=headers,
        )

    def messages(self, deployment: str, **fields: Any) -> Any:
        provider, _, model = deployment.partition("/")
        messages = [{"role": "user", "content": "hi there"}]
        return self.http.post(
            f"{self.base}/{provider}/v1/messages",
            json={"model": model, "max_tokens": 9, "messages": messages, **fields},
        )

    def responses(self, deployment: str, **fields: Any) -> Any:
        provider, _, model = deployment.partition("/")
        return self.http.post(
            f"{self.base}/{provider}/v1/responses",
            json={"model": model, "input": "hi there", **fields},
        )

    def control(self, method: str, order: str, secret: str = SECRET, **sent: Any) -> Any:
        url = f"{self.base}/_control/{order}"
        return self.http.request(method, url, headers={SECRET_HEADER: secret}, **sent)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something has become true; a server notices in its own time."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.01)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    providers = SimulatedProviders(
        secret=SecretStr(SECRET), keep=1000, models={"openai": ("gpt-4o", "o1")}
    )
    base = await providers.start()
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        yield Served(providers=providers, base=base, http=http)
        await providers.stop()


@pytest.fixture
async def openai_sdk(served: Served) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=f"{served.base}/simulated/v1", api_key="dummy", max_retries=0
    ) as client:
        yield client


@pytest.fixture
async def anthropic_sdk(served: Served) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(
        base_url=f"{served.base}/simulated", api_key="dummy", max_retries=0
    ) as client:
        yield client
