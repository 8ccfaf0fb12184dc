"""`agentbox litellm status`: the daemon, the engine, every link."""

import time
from typing import Annotated, Any

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.litellm.limit_tables import cooling_table
from agentbox_cli.cli.output import emit_json, notice, say, table
from agentbox_cli.errors import Exit
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell how the proxy and each link are.

    Exit code 1 unless it serves.

    Example: agentbox litellm status --json
    """
    from agentbox_cli.daemon.probe import probe
    from agentbox_cli.daemon.states import SERVES
    from agentbox_cli.daemon.telling import status_document

    seen = probe(standard_paths())
    document = status_document(seen)
    if as_json:
        emit_json("status", document)
    else:
        _tell(document)
    raise typer.Exit(Exit.OK if seen.state in SERVES else Exit.NO)


def _tell(document: dict[str, Any]) -> None:
    if not document["ready"]:
        say(f"the proxy is {document['state']}")
    else:
        engine = document["engine"]
        say(f"the proxy is {document['state']} on {document['url']} (pid {document['pid']})")
        say(
            f"config {document['config_file']}, up {document['uptime_s']:.0f} s, "
            f"{document['rss_mb']:.0f} MB, engine {engine['state']}, callers: {document['auth']}"
        )
        table(
            ["ALIAS", "LINK", "PROVIDER", "MODEL", "STATE", "FOR", "LAST ERROR"], _rows(document)
        )
        if skipped := _skipped(document):
            say()
            cooling_table(skipped)
        if document["budgets"]:
            say()
            _tell_budgets(document["budgets"])
        if document["gateway"]["state"] != "off":
            say()
            _tell_gateway(document["gateway"])
        if document["sockets"]:
            say()
            table(
                ["CONTAINER", "SOCKET"],
                [[each["name"], each["path"]] for each in document["sockets"]],
            )
    for warning in document["warnings"]:
        notice(f"warning: {warning}")


def _tell_gateway(gateway: dict[str, Any]) -> None:
    told = f"MCP gateway {gateway['state']}"
    if gateway["pid"]:
        told += f" (pid {gateway['pid']}, {gateway['rss_mb'] or 0:.0f} MB)"
    say(f"{told}: {gateway['last_error']}" if gateway["last_error"] else told)
    if gateway["servers"]:
        table(
            ["MCP SERVER", "STATE", "TOOLS", "WHY"], [_server(each) for each in gateway["servers"]]
        )


def _server(each: dict[str, Any]) -> list[str]:
    from agentbox_cli.config.excerpts import printable

    waiting = f"{each['withheld']} withheld: agentbox litellm mcp accept {each['server']}"
    why = each["reason"] or (waiting if each["withheld"] else "")
    return [each["server"], each["state"], str(each["tools"]), printable(why)]


def _tell_budgets(budgets: list[dict[str, Any]]) -> None:
    table(["BUDGET", "SPENT", "OF", "", "UNTIL"], map(_budget_row, budgets))


def _budget_row(budget: dict[str, Any]) -> list[str]:
    from agentbox_cli.cli.spending import bar, dollars

    spent, limit = budget["spent_usd"], budget["limit_usd"]
    return [
        f"{budget['scope']} {budget['name'] or ''}".strip() + f" by {budget['period']}",
        "?" if spent is None else dollars(spent),
        dollars(limit),
        "" if spent is None else bar(spent / limit if limit else 1.0),
        time.strftime("%Y-%m-%d %H:%M", time.localtime(budget["resets_at"])),
    ]


def _skipped(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Why links are passed over, each reason once; a proxy of an older version does not say."""
    links = (link for alias in document["aliases"] for link in alias["links"])
    reasons = (link.get("skipped") for link in links)
    return list({(each["name"], each["kind"]): each for each in reasons if each}.values())


def _rows(document: dict[str, Any]) -> list[list[str]]:
    return [
        [
            alias["alias"] if link["link"] == 1 else "",
            f"{link['link']}/{len(alias['links'])}",
            link["provider"],
            link["model"],
            link["state"],
            f"{link['cooldown_s']:.0f} s" if link["cooldown_s"] is not None else "",
            link["last_error"] or "",
        ]
        for alias in document["aliases"]
        for link in alias["links"]
    ]
