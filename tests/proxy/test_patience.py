import asyncio

import pytest

from agentbox_cli.proxy.patience import Within


async def test_what_takes_too_long_ends_with_a_timeout() -> None:
    with pytest.raises(TimeoutError), Within(0.01):
        await asyncio.sleep(30)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)  # nothing of it is left


async def test_what_ends_in_time_is_not_disturbed_later() -> None:
    with Within(0.01):
        await asyncio.sleep(0)
    await asyncio.sleep(0.03)


async def test_a_failure_within_the_time_stays_what_it_is() -> None:
    with pytest.raises(LookupError), Within(0.01):
        raise LookupError


async def test_who_is_cancelled_by_somebody_else_stays_cancelled() -> None:
    async def wait() -> None:
        with Within(30):
            await asyncio.sleep(30)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_in_the_same_moment_is_no_timeout() -> None:
    async def wait() -> None:
        with Within(0):
            await asyncio.sleep(30)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_one_limit_within_another_ends_the_inner_block_alone() -> None:
    with Within(30):
        with pytest.raises(TimeoutError), Within(0.01):
            await asyncio.sleep(30)
        await asyncio.sleep(0)
