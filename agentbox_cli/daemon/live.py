"""What goes on in the running proxy, asked again and again; links that are paused there."""

from dataclasses import dataclass, field
from typing import Any

from agentbox_cli.daemon.client import Answer, get, is_serving, post
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.daemon.probe import probe
from agentbox_cli.daemon.states import SERVES, DaemonState
from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import Paths

PATH = "/agentbox/live"
PAUSE = "/agentbox/links/pause"
# A proxy of an older version knows no such page.
NO_PAGE = "not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What goes on at one moment.

    Args:
        state: of the proxy.
        instance: the one that tells; None if none does.
        document: what it tells; None if nothing.
    """

    state: DaemonState
    instance: Instance | None = None
    document: dict[str, Any] | None = None


@dataclass(slots=True)
class Watch:
    """Looks at one proxy, and finds the next one when it is started anew.

    Args:
        paths: where the proxy's files are.
    """

    paths: Paths
    _instance: Instance | None = field(default=None, init=False)

    def look(self) -> Seen:
        """What goes on now.

        Raises:
            ProxyError: the proxy is older than this command, or refuses to tell.
        """
        if self._instance is not None:
            seen = self._ask(self._instance)
            if seen is not None:
                return seen
            self._instance = None
        found = probe(self.paths)
        if found.state not in SERVES or found.instance is None:
            return Seen(state=found.state)
        return self._ask(found.instance) or Seen(state=found.state)

    def pause(self, link: str, *, paused: bool) -> None:
        """Pause a link, or let it go on.

        Raises:
            ProxyError: the proxy is gone, or refuses.
        """
        if self._instance is None or not is_serving(self._instance):
            raise ProxyError("the proxy went away")
        asked = {"link": link, "paused": paused}
        answer = post(self._instance, PAUSE, asked, key_file=self.paths.key_file)
        if answer is None:
            raise ProxyError("the proxy went away")
        _told(answer, self._instance)

    def _ask(self, instance: Instance) -> Seen | None:
        # Each time anew: the port may have changed hands, and the key goes to nobody else.
        if not is_serving(instance):
            return None
        answer = get(instance, PATH, key_file=self.paths.key_file)
        if answer is None:
            return None
        document = _told(answer, instance)
        self._instance = instance
        return Seen(state=DaemonState(document["state"]), instance=instance, document=document)


def _told(answer: Answer, instance: Instance) -> dict[str, Any]:
    if answer.status == 200:  # noqa: PLR2004 - HTTP's OK
        return answer.body
    error = answer.body.get("error", {})
    if error.get("code") == NO_PAGE:
        raise ProxyError(
            f"the proxy that runs has version {instance.version}, which does not tell that",
            hint="agentbox litellm restart",
        )
    raise ProxyError(str(error.get("message", f"the proxy answered {answer.status}")))
