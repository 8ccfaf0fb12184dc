"""A report as one file, and what a real browser makes of it without a network."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from agentbox_cli.usage.page import usage_page
from agentbox_cli.usage.store import add, price_version
from tests.fakes.browser import browse
from tests.usage.builders import DEAR, FREE, NOON, call, failed_call, request

HOSTILE = "</script><script>console.error('666')</script><!--<b>\u2028&"
SAIA = {"provider": "gwdg_saia", "model": "llama", "link": 2}


@pytest.fixture
def used(database: Engine) -> Engine:
    """A store in which a free link stood in once, and names are not kind."""
    version = price_version(database, {"openai/gpt-4o": DEAR, "gwdg_saia/llama": FREE})
    records = [
        request(1, call(), project=HOSTILE, caller=HOSTILE),
        request(2, failed_call(), call(**SAIA, attempt=2)),
        request(3, call(provider="lab", model="mine"), alias="fast"),
        request(4, failed_call("server", status=500)),
    ]
    add(database, records, version)
    return database


def data_of(page: str) -> dict[str, object]:
    [text] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    told: dict[str, object] = json.loads(text)
    return told


def test_names_end_no_script_and_come_back_as_they_are(used: Engine) -> None:
    page = usage_page(used, None, None)
    assert HOSTILE not in page
    assert "</script><script>console" not in page
    assert page.count("</script>") == 4, "data, Plotly, and two of ours"
    reports = data_of(page)["reports"]
    assert isinstance(reports, list)
    by_project = next(report for report in reports if report["by"] == "project")
    assert HOSTILE in {row["key"] for row in by_project["rows"]}


def test_everything_stands_in_the_page_and_nothing_is_asked_for(used: Engine) -> None:
    page = usage_page(used, None, None)
    assert "default-src 'none'" in page
    assert "plotly" in page
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", page[:20_000])
    assert not re.search(r"@[a-z.]+@", page.replace("plotly", "")[:20_000])


@pytest.mark.e2e
async def test_a_browser_shows_it_from_the_file(used: Engine, tmp_path: Path) -> None:
    file = tmp_path / "usage.html"
    file.write_text(usage_page(used, NOON - 86_400, NOON + 86_400))
    seen = await browse(file.as_uri())
    assert seen.console == []
    tables = seen.tables
    aliases = {row[0]: row for row in tables["By alias"]}
    assert aliases["default"][1:4] == ["3", "1", "1"]
    assert aliases["fast"][-1] == "?", "what has no price is not free"
    models = {row[0]: row for row in tables["By model"]}
    assert models["openai/gpt-4o"][-1] == "$0.0028"
    assert HOSTILE in {row[0] for row in tables["By project"]}
    assert HOSTILE in {row[0] for row in tables["By caller"]}
    assert {row[0] for row in tables["By class"]} >= {"answered", "rate_limit", "server"}
    errors = tables["What failed, and who answered instead"]
    assert sorted(row[5] for row in errors[1:]) == ["answered by gwdg_saia/llama", "failed"]
    tiles = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", seen.html))
    assert tiles["requests"] == "4"
    assert tiles["saved by free links"] == "$0.0028"
    assert tiles["calls without a price"] == "1"
    assert seen.html.count('class="main-svg"') >= 3, "three charts are drawn"
