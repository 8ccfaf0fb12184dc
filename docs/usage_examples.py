"""What the commands of docs/usage.md print, run on a small store of fixed requests."""

import io
import os
import shlex
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from agentbox_cli.front import main as agentbox
from agentbox_cli.providers.pricing import Counts, PriceList, Rates, Variant
from agentbox_cli.usage.database import open_for_writing, place_of
from agentbox_cli.usage.record import CallRecord, RequestRecord
from agentbox_cli.usage.store import add, price_version

_SPAN = "--since=2026-11-01 --until=2026-12-01"
COMMANDS: Mapping[str, str] = {
    "usage/alias": f"usage {_SPAN}",
    "usage/model": f"usage --by=model {_SPAN}",
    "usage/caller": f"usage --by=caller {_SPAN}",
    "usage/day": f"usage --by=day {_SPAN}",
    "usage/class": f"usage --by=class {_SPAN}",
    "usage/csv": f"usage --by=project --csv {_SPAN}",
    "usage/plot": "usage --plot --since=2026-11-23 --until=2026-11-28",
    "usage/errors": f"usage errors {_SPAN}",
    "usage/prune": "usage prune --before=2026-11-25 --dry-run",
}

_CONFIG = """\
litellm:
  providers:
    openai: {api_key: "${OPENAI_API_KEY}"}
    gwdg_saia: {api_key: "${GWDG_API_KEY}"}
  models:
    default:
      - {provider: openai, model: gpt-4o}
      - {provider: gwdg_saia, model: llama-3.3-70b}
  usage:
    prices:
      openai/gpt-4o: {input_usd: 2.5, output_usd: 10, cached_usd: 1.25}
      gwdg_saia/llama-3.3-70b: {input_usd: 0, output_usd: 0}
"""
_MONDAY = 1_795_424_400.0  # 2026-11-23, 09:00 UTC
_DEAR = PriceList(variants=(Variant(rates=Rates(input=2.5e-6, output=1e-5, cached=1.25e-6)),))
_FREE = PriceList(variants=(Variant(rates=Rates(input=0.0, output=0.0)),))
_PRICES = {"openai/gpt-4o": _DEAR, "gwdg_saia/llama-3.3-70b": _FREE}
_VARIABLES = ("CONFIG", "STATE", "CACHE", "DATA")


def usage_examples() -> dict[str, Callable[[], str]]:
    """The blocks of the page, by name."""
    return {name: lambda line=line: _shown(line) for name, line in COMMANDS.items()}


def _shown(line: str) -> str:
    with _store(), redirect_stdout(io.StringIO()) as told, redirect_stderr(io.StringIO()):
        agentbox(["litellm", *shlex.split(line)])
    lines = "\n".join(row.rstrip() for row in told.getvalue().rstrip().splitlines())
    return f"```console\n$ agentbox litellm {line}\n{lines}\n```\n"


@contextmanager
def _store() -> Iterator[None]:
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {f"XDG_{kind}_HOME": f"{home}/{kind.lower()}" for kind in _VARIABLES}
        os.environ |= {"TZ": "UTC", "OPENAI_API_KEY": "dummy", "GWDG_API_KEY": "dummy"}
        os.environ.pop("AGENTBOX_CONFIG", None)
        time.tzset()
        file = Path(home, "config", "agentbox", "config.yml")
        file.parent.mkdir(parents=True)
        file.write_text(_CONFIG, encoding="utf-8")
        _fill(Path(home, "data", "agentbox", "usage.db"))
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
            time.tzset()


def _fill(file: Path) -> None:
    engine = open_for_writing(place_of(None, file)).engine
    add(engine, [_request(number) for number in range(120)], price_version(engine, _PRICES))
    engine.dispose()


def _request(number: int) -> RequestRecord:
    """One of a week's requests; every eighth finds the first link rate limited."""
    at = _MONDAY + number % 5 * 86_400 + number * 120
    limited = number % 8 == 0
    calls = (_call(1, at, limited=limited), *([_call(2, at + 0.2)] if limited else []))
    served = calls[-1]
    return RequestRecord(
        request_id=f"req_{number:024x}",
        at=at,
        alias="default",
        asked="default",
        endpoint="/v1/chat/completions",
        stream=True,
        status=200,
        outcome="answered",
        served_by=f"{served.provider}/{served.model}",
        first_link="openai/gpt-4o",
        fell_back=limited,
        elapsed_ms=900.0,
        first_content_ms=300.0,
        caller=("claude-code", "openai-python", "codex")[number % 3],
        project=("thesis", "")[number % 2],
        pid=None,
        process=None,
        calls=calls,
    )


def _call(link: int, at: float, *, limited: bool = False) -> CallRecord:
    provider, model = (("openai", "gpt-4o"), ("gwdg_saia", "llama-3.3-70b"))[link - 1]
    counts = Counts() if limited else Counts(fresh=2_000, cached=1_500, output=400)
    return CallRecord(
        attempt=link,
        at=at,
        link=link,
        provider=provider,
        model=model,
        lane="direct",
        status=429 if limited else 200,
        kind="throttle" if limited else "",
        complete=not limited,
        cancelled=False,
        maybe_charged=False,
        elapsed_ms=800.0,
        first_content_ms=None if limited else 250.0,
        counts=counts,
        counted=not limited,
        tier="",
        raw_usage=None,
    )
