"""Whose proxy is called: the user's files, config and environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

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
    """

    paths: Paths
    named: Path | None
    environ: Mapping[str, str] = field(repr=False)
    working_dir: Path
    starts: bool = True

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
