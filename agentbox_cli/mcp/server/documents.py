"""What the proxy and its store tell, as the JSON documents of the commands."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from agentbox_cli.errors import ConfigError, ProxyError
from agentbox_cli.mcp.calls.home import Home
from agentbox_cli.mcp.server import asked
from agentbox_cli.usage.by import By

Progress = Callable[[str, int, int], None]


def models(home: Home) -> dict[str, Any]:
    """As `models --json`.

    Raises:
        ConfigError: there is no config, or it cannot be used.
        ProxyError: the config is the host's, whose proxy does not tell.
    """
    from agentbox_cli.providers.listing import models_document  # noqa: PLC0415 - when asked

    if (hosted := home.hosted()) is not None:
        return _named("models", asked.models(hosted))
    return _named("models", models_document(home.setup().resolved))


def status(home: Home) -> dict[str, Any]:
    """As `status --json`; nothing is started for it.

    Raises:
        ProxyError: the proxy is the host's, and does not answer or take our token.
    """
    from agentbox_cli.daemon.probe import probe  # noqa: PLC0415 - when asked
    from agentbox_cli.daemon.telling import status_document  # noqa: PLC0415 - when asked

    if (other := home.elsewhere()) is not None:
        return _named("status", asked.status(other))
    return _named("status", status_document(probe(home.paths)))


def usage(home: Home, since: str, by: By) -> dict[str, Any]:
    """As `usage --json`.

    Raises:
        UsageError: nobody can tell what time is meant.
        UsageStoreError: the store cannot be read.
        ProxyError: the store is that of another's proxy, which does not tell.
    """
    from agentbox_cli.usage.asking import report_at  # noqa: PLC0415 - SQLAlchemy, when asked
    from agentbox_cli.usage.when import moment  # noqa: PLC0415 - when asked

    begin = moment(since)
    if (other := home.elsewhere()) is not None:
        return _named("usage", asked.usage(other, since, by))
    return _named("usage", report_at(_database(home), home.paths, begin, by))


def fallback(home: Home, alias: str | None, progress: Progress) -> dict[str, Any]:
    """As `test-fallback --json`, without the checks that hold: they would fill many pages.

    Raises:
        UsageError: there is no such alias.
        ConfigError: there is no config, or no valid one.
        ProxyError: the drill's own daemon cannot be started, or the config is the host's.
    """
    from agentbox_cli.fallback.choosing import wanted  # noqa: PLC0415 - when asked
    from agentbox_cli.fallback.document import report_document  # noqa: PLC0415 - when asked
    from agentbox_cli.fallback.matrix import run  # noqa: PLC0415 - when asked
    from agentbox_cli.fallback.verdicts import Outcome  # noqa: PLC0415 - when asked
    from agentbox_cli.providers.load import load_for_drill  # noqa: PLC0415 - when asked

    if home.is_guest and not home.has_config():
        raise ProxyError(
            "chains are proven where their config is, and that is the host's",
            hint=f"on the host run: agentbox litellm test-fallback {alias or ''}".rstrip(),
        )
    setup = load_for_drill(home.config_file(), home.environ)
    chains, broken = wanted(setup, [alias] if alias else [])
    report = run(setup.resolved, chains, broken, progress)
    told = [row for row in report.rows if not row.ok or row.outcome is Outcome.REMARK]
    document = report_document(replace(report, rows=tuple(told)), ok=report.ok)
    return _named("test-fallback", {**document, "held": len(report.rows) - len(told)})


def _database(home: Home) -> str | None:
    """The database that the config names; the usual one if the config cannot be read."""
    from agentbox_cli.config.store import load  # noqa: PLC0415 - when asked

    try:
        host = load(home.config_file()).host
    except ConfigError:
        return None
    return host.litellm.usage.database if host else None


def _named(name: str, document: dict[str, Any]) -> dict[str, Any]:
    return {"schema": f"agentbox.{name}/1", **document}
