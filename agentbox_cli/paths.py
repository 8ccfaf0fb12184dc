"""Every file name of agentbox, once.

State lives below `$XDG_STATE_HOME/agentbox`, the config below `$XDG_CONFIG_HOME/agentbox`.
There is no runtime directory: containers usually have none.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agentbox_cli.errors import ProxyError

APP = "agentbox"

# The mount of the host's configuration inside Agentbox containers.
HOST_CONFIG = Path("/host-config/agentbox/config.yml")

# The JSON Schema, beside the config.yml that names it: a relative name holds on every machine.
SCHEMA_NAME = "config.schema.json"

# What a socket for a container is called in its directory, and where that is mounted inside.
SOCKET_NAME = "litellm.sock"
CONTAINER_SOCKET = Path("/run/agentbox") / SOCKET_NAME

# sockaddr_un.sun_path holds 108 bytes, the last one NUL (unix(7)).
SOCKET_PATH_LIMIT = 107


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where one user's agentbox keeps its files.

    Attributes:
        stand_in: the directory that stands in for a home that is missing or cannot be written;
            what is kept there is lost with the container.
    """

    config_dir: Path
    state_dir: Path
    cache_dir: Path
    data_dir: Path
    stand_in: Path | None = None

    @property
    def config_file(self) -> Path:
        """The user's config.yml, when nothing else names one."""
        return self.config_dir / "config.yml"

    @property
    def pid_file(self) -> Path:
        """The daemon's pid in plain text; its flock is the truth about who runs."""
        return self.state_dir / "litellm.pid"

    @property
    def state_file(self) -> Path:
        """What the running daemon says of itself, JSON."""
        return self.state_dir / "litellm.state.json"

    @property
    def rendered_config(self) -> Path:
        """LiteLLM's config as we render it: derived, disposable."""
        return self.state_dir / "litellm.rendered.yml"

    @property
    def log_file(self) -> Path:
        """The log of the daemon and of the LiteLLM behind it."""
        return self.state_dir / "litellm.log"

    @property
    def limits_file(self) -> Path:
        """The quota windows and long cooldowns that a restart must not forget, JSON."""
        return self.state_dir / "litellm.limits.json"

    @property
    def spent_file(self) -> Path:
        """What the budgets have counted, for when the usage database is lost, JSON."""
        return self.state_dir / "litellm.spent.json"

    @property
    def pins_file(self) -> Path:
        """Which link made which response, file or conversation, one JSON array a line."""
        return self.state_dir / "litellm.pins.jsonl"

    @property
    def key_file(self) -> Path:
        """The install's key for callers that the kernel cannot vouch for."""
        return self.state_dir / "key"

    @property
    def client_tokens(self) -> Path:
        """The hashes of the tokens of named callers, JSON."""
        return self.state_dir / "client-tokens.json"

    @property
    def keyring_names(self) -> Path:
        """The variables whose keys stand in the desktop's keyring, one a line; no key."""
        return self.state_dir / "keyring-names"

    @property
    def backup_dir(self) -> Path:
        """The copies of config.yml before each write of ours."""
        return self.state_dir / "backups"

    @property
    def agents_dir(self) -> Path:
        """What was written into agents' configs, and the private ones that `run` makes."""
        return self.state_dir / "agents"

    @property
    def agent_versions(self) -> Path:
        """The versions that agents told of themselves, JSON."""
        return self.cache_dir / "agents.json"

    @property
    def config_lock(self) -> Path:
        """Held while config.yml is changed."""
        return self.state_dir / "config.lock"

    @property
    def bug_file(self) -> Path:
        """The last traceback of an error that is ours."""
        return self.state_dir / "bug.log"

    @property
    def sockets_dir(self) -> Path:
        """A directory for each container, with the proxy's socket for it; 0700."""
        return self.state_dir / "sockets"

    @property
    def usage_database(self) -> Path:
        """What was used, where the config names no other database."""
        return self.data_dir / "usage.db"

    @property
    def usage_journal(self) -> Path:
        """Where requests wait while the usage database cannot be written."""
        return self.state_dir / "usage.journal"

    @property
    def usage_recent(self) -> Path:
        """The requests of the last moment, in two files by turns, of which this is the name."""
        return self.state_dir / "usage.recent"

    @property
    def engine_dir(self) -> Path:
        """LiteLLM's private working directory."""
        return self.state_dir / "engine"

    @property
    def engine_socket(self) -> Path:
        """The unix socket LiteLLM listens on, in a directory of mode 0700.

        LiteLLM leaves the socket file open to everyone (0666, measured), so the directory guards
        it.
        """
        return self._socket(self.engine_dir, "engine.sock")

    @property
    def gateway_dir(self) -> Path:
        """The MCP gateway's private working directory."""
        return self.state_dir / "mcp"

    @property
    def gateway_socket(self) -> Path:
        """The unix socket the MCP gateway listens on, in a directory of mode 0700."""
        return self._socket(self.gateway_dir, "mcp.sock")

    def _socket(self, directory: Path, name: str) -> Path:
        # A state path too long for a socket address gets a short stand-in below the temporary
        # directory, the same one each time.
        natural = directory / name
        if len(os.fsencode(natural)) <= SOCKET_PATH_LIMIT:
            return natural
        digest = hashlib.sha256(os.fsencode(self.state_dir)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"{APP}-{os.getuid()}-{digest}" / name


def standard_paths() -> Paths:
    """The paths of the current user, from the XDG variables.

    In a container there may be no home, or one on a read-only file system. Then a private
    directory below the temporary one stands in for it, the same one each time.

    Raises:
        ProxyError: it is needed, and is somebody else's or cannot be made.
    """
    from platformdirs import PlatformDirs  # noqa: PLC0415 - most commands print without it

    dirs = PlatformDirs(APP)
    homeless = _home() is None
    place: Path | None = None
    found = {}
    for kind in ("config", "state", "cache", "data"):
        chosen = bool(os.environ.get(f"XDG_{kind.upper()}_HOME"))
        usual = Path(getattr(dirs, f"user_{kind}_dir")) if chosen or not homeless else None
        # A config need only be read.
        if usual is None or (not chosen and kind != "config" and _is_read_only(usual)):
            place = place or _stand_in()
            usual = place / kind / APP
        found[f"{kind}_dir"] = usual
    return Paths(stand_in=place, **found)


def _home() -> Path | None:
    """The user's home; None if there is none that the user can be at home in.

    A uid without an entry in passwd has none, and Docker says `/` then.
    """
    home = Path(os.environ["HOME"]) if os.environ.get("HOME") else _home_by_passwd()
    try:
        found = home.stat() if home else None
    except OSError:
        return None
    own = found is not None and found.st_uid == os.geteuid()
    return home if own or (home and os.access(home, os.W_OK)) else None


def _home_by_passwd() -> Path | None:
    import pwd  # noqa: PLC0415 - where HOME is not set

    if "HOME" in os.environ:
        return None  # set and empty: whoever asks for `~` gets `/`
    with suppress(KeyError):
        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    return None


def _is_read_only(directory: Path) -> bool:
    for place in (directory, *directory.parents):
        try:
            return bool(os.statvfs(place).f_flag & os.ST_RDONLY)
        except OSError:
            continue
    return False


def _stand_in() -> Path:
    """A private directory of this uid: anybody may have taken its name first."""
    hint = "set HOME or XDG_STATE_HOME to a directory that you can write to"
    try:
        place = Path(tempfile.gettempdir()) / f"{APP}-{os.geteuid()}"
        place.mkdir(mode=0o700, exist_ok=True)
        found = place.lstat()
    except OSError as error:
        said = error.strerror or error
        raise ProxyError(
            f"there is no home, and nothing to stand in: {said}", hint=hint
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise ProxyError(f"there is no home, and {place} is not yours alone", hint=hint)
    return place


def config_candidates(paths: Paths, environ: Mapping[str, str]) -> list[Path]:
    """The places where config.yml is looked for, in order; `--config` comes before all of them."""
    named = environ.get("AGENTBOX_CONFIG")
    if named:
        return [Path(named)]
    return [HOST_CONFIG, paths.config_file]
