"""The page at /agentbox/: its files, its guard, and what a real browser makes of it."""

import json
import re
from pathlib import Path

import pytest

from agentbox_cli.proxy.web_page import PATHS
from agentbox_cli.simulate.faults import Fault, FaultKind
from tests.fakes.browser import browse
from tests.fakes.clients import CHAT
from tests.fakes.stand import INSTALL_KEY, Stand
from tests.proxy.conftest import MakeStand

FILES = sorted(PATHS - {"/agentbox"})
SAIA = "gwdg_saia/llama-3.3-70b"
HOSTILE = "<img src=x onerror=console.error(666)>"
LEFT = {"x-ratelimit-limit-hour": "200", "x-ratelimit-remaining-hour": "50"}


@pytest.mark.parametrize("path", FILES)
async def test_every_file_is_served_and_asked_for_again_by_its_tag(
    stand: Stand, path: str
) -> None:
    async with stand.http.get(f"{stand.url}{path}") as answer:
        assert answer.status == 200
        body = await answer.read()
        tag = answer.headers["etag"]
        ending = path.rpartition(".")[2]
        kind = {"js": "text/javascript", "css": "text/css"}.get(ending, "text/html")
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
    assert len(body) > 500
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    async with stand.http.get(f"{stand.url}{path}", headers={"if-none-match": tag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")


async def test_the_address_without_a_slash_leads_to_the_page(stand: Stand) -> None:
    async with stand.http.get(f"{stand.url}/agentbox", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["location"]) == (308, "/agentbox/")


@pytest.mark.parametrize(
    "path", ["/agentbox/x", "/agentbox/../agentbox_cli", "/agentbox/web/live.js"]
)
async def test_nothing_else_of_the_package_is_served(stand: Stand, path: str) -> None:
    async with stand.connected() as (reader, writer):
        writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        assert b" 404 " in await reader.readline()


def test_the_page_has_no_script_of_its_own_and_fetches_nothing_from_elsewhere() -> None:
    import agentbox_cli

    package = Path(agentbox_cli.__file__).parent
    page = (package / "proxy/web/index.html").read_text()
    assert re.findall(r"<script(?! src=\"[\w.]+\" defer></script>)", page) == []
    assert not re.search(r"\son\w+=", page)
    for file in (*package.glob("proxy/web/*"), *package.glob("usage/web/*")):
        text = file.read_text()
        assert "http:" not in text
        assert "https:" not in text
        assert "innerHTML" not in text


@pytest.mark.parametrize("path", FILES)
async def test_with_auth_key_it_says_in_plain_text_how_to_get_in(
    make_stand: MakeStand, path: str
) -> None:
    stand = await make_stand(section={"auth": "key"})
    async with stand.http.get(f"{stand.url}{path}") as answer:
        assert answer.status == 401
        assert answer.content_type == "text/plain"
        text = await answer.text()
    assert "agentbox litellm key" in text
    assert "agentbox litellm top" in text
    headers = {"x-api-key": INSTALL_KEY}
    async with stand.http.get(f"{stand.url}{path}", headers=headers) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("site", [{"sec-fetch-site": "cross-site"}, {"origin": "null"}])
async def test_other_sites_may_not_have_it(stand: Stand, site: dict[str, str]) -> None:
    async with stand.http.get(f"{stand.url}/agentbox/", headers=site) as answer:
        assert answer.status == 403


@pytest.mark.e2e
async def test_a_browser_shows_links_failovers_budgets_and_usage(make_stand: MakeStand) -> None:
    section = {"usage": {"enabled": True}, "budgets": {"daily_usd": 5}}
    chains = {"default": [CHAT.first, SAIA], "plain": ["openai/gpt-4o-mini"]}
    stand = await make_stand(chains=chains, section=section)
    said = json.dumps({"error": {"message": HOSTILE}})
    stand.fault(CHAT.first, Fault(status=429, headers={"retry-after": "300"}, body=said))
    stand.fault(SAIA, Fault(kind=FaultKind.NONE, headers=LEFT))
    for model in ("default", "plain"):
        headers = {"x-agentbox-project": HOSTILE}
        async with stand.post(
            "/v1/chat/completions",
            headers,
            model=model,
            messages=[{"role": "user", "content": "hi"}],
        ) as answer:
            assert answer.status == 200
    await _counted(stand)

    seen = await browse(f"{stand.url}/agentbox/")
    assert seen.console == []
    tables = seen.tables
    links = {row[0]: row for row in tables["Links, of the last minute"]}
    assert links[CHAT.first][1].startswith("cooling")
    assert links[CHAT.first][1].endswith(f"throttle: {HOSTILE}")
    assert "hour: 50/200 left" in links[SAIA][2]
    assert 'data-title="tokens/s"' in seen.html, "small screens title each value"
    [_, failover] = tables["Latest failovers"]
    assert failover[1:4] == ["default", f"{CHAT.first}: rate_limit", SAIA]
    assert tables["Budgets"][1][0] == "by day"
    used = {row[0]: row for row in tables["Used, by model"]}
    assert used["openai/gpt-4o-mini"][1] == "1"
    assert used["openai/gpt-4o-mini"][-1].startswith(("$0.0", "<$0.0001"))
    assert seen.text_of("state").startswith("running")
    assert seen.html.count('class="main-svg"') >= 3, "three charts are drawn"


async def _counted(stand: Stand) -> None:
    """Wait until the store knows both requests."""
    total = 0
    while total < 2:
        async with stand.http.get(f"{stand.url}/agentbox/usage") as answer:
            total = (await answer.json())["total"]["requests"]
