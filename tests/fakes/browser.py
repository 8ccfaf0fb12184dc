"""A real browser without a window: what a page becomes in it, and what it complains of."""

import asyncio
import re
import shutil
import tempfile
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

PATIENCE_S = 100
# Seconds of the page's own clock, which does not wait for real ones.
VIRTUAL_MS = 5_000
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
)
CONSOLE = re.compile(r"CONSOLE[(:]\d+[)\]] ?\"?(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A page as it has become.

    Args:
        html: its elements.
        console: what was written to the console, errors and refusals among it.
    """

    html: str
    console: list[str]

    @property
    def tables(self) -> dict[str, list[list[str]]]:
        """The rows of each table by its caption, the titles first."""
        reader = _Tables()
        reader.feed(self.html)
        return reader.tables

    def text_of(self, name: str) -> str:
        """The text of the element with this id."""
        found = re.search(rf'id="{name}"[^>]*>([^<]*)<', self.html)
        return found[1] if found else ""


async def browse(url: str) -> Seen:
    """Open a page in Chromium, and wait until its scripts have run for a while."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            chromium,
            *FLAGS,
            f"--user-data-dir={profile}",
            f"--virtual-time-budget={VIRTUAL_MS}",
            "--dump-dom",
            url,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"HOME": profile, "PATH": str(Path(chromium).parent) + ":/usr/bin:/bin"},
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                shown, said = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
    return Seen(html=shown.decode(), console=CONSOLE.findall(said.decode(errors="replace")))


class _Tables(HTMLParser):
    """Reads captions and cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in {"caption", "td", "th"}:
            self._text = []

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "caption" and self._text is not None:
            self.tables["".join(self._text)] = self._rows
        elif tag in {"td", "th"} and self._text is not None:
            self._rows[-1].append("".join(self._text))
        if tag in {"caption", "td", "th"}:
            self._text = None
