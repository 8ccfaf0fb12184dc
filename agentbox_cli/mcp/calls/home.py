"""Whose proxy is called: the user's files, config and environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agentbox_cli.errors import ConfigError, ProxyError
from agentbox_cli.mcp.calls.elsewhere import Elsewhere
from agentbox_cli.paths import Paths

if TYPE_CHECKING:
    from agentbox_cli.providers.load import Setup


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Everything about a user that calls need to know.

    Args:
        paths: where the proxy's files are.
        named: the config.yml that was named on the command line.
        environ: the environment; keys may be in it, so it is never shown.
        working_dir: whose `.agentbox/.env` may hold keys.
        starts: whether a proxy that does not run is started.
        seek: finds the proxy of this container whoever runs it; None outside of containers.
        is_guest: whether that is the host's: its config and its files are not here.
    """

    paths: Paths
    named: Path | None
    environ: Mapping[str, str] = field(repr=False)
    working_dir: Path
    starts: bool = True
    seek: Callable[[], Elsewhere | None] | None = None
    is_guest: bool = False

    def elsewhere(self) -> Elsewhere | None:
        """The proxy that serves here without being this user's; None if there is none.

        Raises:
            ProxyError: it does not take our token; or it is the host's, and does not answer.
        """
        if self.seek is None or self._runs():
            return None
        found = self.seek()
        if found is None and self.is_guest and not self.has_config():
            raise ProxyError(
                "the host's proxy does not answer here",
                hint="on the host run: agentbox litellm start;"
                " in the container, if nothing bridges to it: agentbox litellm bridge",
            )
        return found

    def hosted(self) -> Elsewhere | None:
        """The proxy that serves here, if its config is the host's and not to be read.

        Raises:
            ProxyError: as `elsewhere`.
        """
        return self.elsewhere() if self.is_guest else None

    def has_config(self) -> bool:
        """Whether there is a config.yml."""
        try:
            self.config_file()
        except ConfigError:
            return False
        return True

    def _runs(self) -> bool:
        from agentbox_cli.daemon.probe import probe  # noqa: PLC0415 - when asked
        from agentbox_cli.daemon.states import SERVES  # noqa: PLC0415 - when asked

        own = probe(self.paths)
        return own.state in SERVES and own.status is not None

    def config_file(self) -> Path:
        """The config.yml as it is now.

        Raises:
            ConfigError: there is none.
        """
        from agentbox_cli.config.store import find  # noqa: PLC0415 - YAML, when asked

        return find(self.named, self.paths, self.environ)

    def setup(self, file: Path | None = None) -> "Setup":
        """A config, resolved.

        Args:
            file: the config.yml; the user's own by default.

        Raises:
            ConfigError: there is none, or it cannot be used.
        """
        from agentbox_cli.providers.load import load_setup  # noqa: PLC0415 - YAML, when asked

        return load_setup(file or self.config_file(), self.environ, self.working_dir)
