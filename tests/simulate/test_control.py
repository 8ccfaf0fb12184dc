from dataclasses import asdict
from typing import Any

import aiohttp
import pytest

from agentbox_cli.simulate.app import CHECK_HEADER, SimulatedProviders
from agentbox_cli.simulate.control import SECRET_HEADER
from agentbox_cli.simulate.faults import Fault, FaultKind
from tests.simulate.conftest import Served

LINK = "openai/gpt-4o"


def order(fault: Fault, check: str | None = None) -> dict[str, Any]:
    return {"deployment": LINK, "faults": [asdict(fault)], "check": check}


async def test_another_process_sets_faults_and_reads_counts(served: Served) -> None:
    orders = [order(Fault(status=429, times=1), check="one")]
    async with served.control("POST", "faults", json=orders) as response:
        assert response.status == 200
    for check, status in (("two", 200), ("one", 429), ("one", 200)):
        async with served.chat(LINK, headers={CHECK_HEADER: check}) as response:
            assert response.status == status
    async with served.control("GET", "calls") as response:
        assert (await response.json())["calls"] == [
            {"check": "two", "deployment": LINK, "calls": 1, "cancelled": 0},
            {"check": "one", "deployment": LINK, "calls": 2, "cancelled": 0},
        ]


async def test_reset_forgets_one_check_or_all(served: Served) -> None:
    orders = [order(Fault(), check=check) for check in ("one", "two")]
    async with served.control("POST", "faults", json=orders) as response:
        assert response.status == 200
    async with served.chat(LINK, headers={CHECK_HEADER: "two"}):
        pass
    async with served.control("POST", "reset", json={"check": "one"}):
        pass
    assert served.providers.faults.take(LINK, "one") is None
    assert served.providers.faults.take(LINK, "two") is not None
    assert served.providers.journal.count(LINK, check="two") == 1
    async with served.control("POST", "reset"):
        pass
    assert served.providers.faults.take(LINK, "two") is None
    assert served.providers.journal.count(LINK, check="two") == 0


@pytest.mark.parametrize("secret", ["", "wrong", "f\u00fcr"])
async def test_without_the_secret_nothing_happens(served: Served, secret: str) -> None:
    orders = [order(Fault(kind=FaultKind.HANG))]
    async with served.control("POST", "faults", secret, json=orders) as response:
        assert response.status == 403
    assert served.providers.faults.take(LINK, None) is None


async def test_what_is_not_understood_is_a_400(served: Served) -> None:
    for body in (b"", b"{}", b'[{"deployment":"a/m","faults":[{"kind":"odd"}]}]', b"\xff"):
        async with served.control("POST", "faults", data=body) as response:
            assert response.status == 400
    async with served.control("POST", "nothing") as response:
        assert response.status == 404


async def test_a_server_without_a_secret_has_no_control() -> None:
    providers = SimulatedProviders()
    base = await providers.start()
    url = f"{base}/_control/calls"
    async with aiohttp.request("GET", url, headers={SECRET_HEADER: ""}) as response:
        assert response.status == 404
    await providers.stop()
