"""Ask the running proxy what became of recent requests."""

from typing import Any
from urllib.parse import quote

from agentbox_cli.daemon.client import Answer, get
from agentbox_cli.daemon.probe import Probe, probe
from agentbox_cli.daemon.states import SERVES
from agentbox_cli.errors import NotSo, ProxyError
from agentbox_cli.paths import Paths

PATH = "/agentbox/requests"
# A proxy of an older version knows no such page.
NO_PAGE = "not_found"


def latest(paths: Paths, *, limit: int, only_failed: bool) -> list[dict[str, Any]]:
    """The rows of the latest requests, the newest first.

    Raises:
        ProxyError: the proxy does not run, or is older than this command.
    """
    failed = "&failed=true" if only_failed else ""
    answer = _ask(paths, _serving(paths), f"{PATH}?limit={limit}{failed}")
    rows: list[dict[str, Any]] = answer.body["requests"]
    return rows


def story(paths: Paths, name: str) -> dict[str, Any]:
    """The story of a request, and how its links are by now.

    Args:
        paths: where the proxy's files are.
        name: its id, or the unique beginning of it.

    Raises:
        NotSo: no request, or more than one, is called so.
        ProxyError: the proxy does not run, or is older than this command.
    """
    seen = _serving(paths)
    told = _ask(paths, seen, f"{PATH}/{quote(name, safe='')}").body
    links = [link | _state(seen, link) for link in told["links"]]
    return told | {"links": links}


def _serving(paths: Paths) -> Probe:
    seen = probe(paths)
    if seen.state not in SERVES or seen.instance is None:
        raise ProxyError(f"the proxy is {seen.state}", hint="agentbox litellm start")
    return seen


def _ask(paths: Paths, seen: Probe, path: str) -> Answer:
    if seen.instance is None:
        raise ProxyError(f"the proxy is {seen.state}", hint="agentbox litellm start")
    answer = get(seen.instance, path, key_file=paths.key_file)
    if answer is None:
        raise ProxyError(f"the proxy on {seen.instance.url} went away")
    if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
        raise _refused(answer, seen.instance.version)
    return answer


def _refused(answer: Answer, version: str) -> NotSo | ProxyError:
    error = answer.body.get("error", {})
    message = str(error.get("message", f"the proxy answered {answer.status}"))
    if error.get("code") == NO_PAGE:
        message = f"the proxy that runs has version {version}, which tells no stories"
        return ProxyError(message, hint="agentbox litellm restart")
    return NotSo(message, hint="agentbox litellm explain")


def _state(seen: Probe, link: dict[str, Any]) -> dict[str, Any]:
    for alias in (seen.status or {}).get("aliases", []):
        for row in alias["links"]:
            if (row["provider"], row["model"]) == (link["provider"], link["model"]):
                return {"state": row["state"], "cooldown_s": row["cooldown_s"]}
    return {"state": None, "cooldown_s": None}
