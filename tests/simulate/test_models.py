from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from agentbox_cli.simulate.faults import Fault
from tests.simulate.conftest import Served


async def test_both_sdks_list_the_built_in_models(
    openai_sdk: AsyncOpenAI, anthropic_sdk: AsyncAnthropic
) -> None:
    names = ["echo", "rate-limited", "down", "hang"]
    assert [model.id async for model in openai_sdk.models.list()] == names
    assert [model.id async for model in anthropic_sdk.models.list()] == names


async def test_a_provider_lists_what_it_was_given(served: Served) -> None:
    async with served.http.get(f"{served.base}/openai/v1/models") as response:
        listed = await response.json()
    assert [model["id"] for model in listed["data"]] == ["gpt-4o", "o1"]


async def test_a_fault_of_the_whole_provider_meets_the_list_too(served: Served) -> None:
    served.providers.faults.put("openai/*", Fault(status=401))
    async with served.http.get(f"{served.base}/openai/v1/models") as response:
        assert response.status == 401
    async with served.chat("openai/gpt-4o") as response:
        assert response.status == 401
    async with served.chat("mistral/large") as response:
        assert response.status == 200
