"""Files by which agentbox runs elsewhere: for images, containers, systemd and launchd."""

import hashlib
import plistlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentbox_cli import __version__
from agentbox_cli.errors import UsageError
from agentbox_cli.paths import CONTAINER_SOCKET, Paths

PREFIX = "/opt/agentbox"
LABEL = "agentbox.litellm"

_HERE = Path(__file__).parent
_LOCK = "requirements.lock"
_WHEEL = re.compile(r"agentbox_cli-[A-Za-z0-9.+!_]+-py3-none-any\.whl")
# What names the user's folders and config goes along: a service manager has none of it.
CARRIED = (
    "AGENTBOX_CONFIG",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How a service manager starts agentbox.

    Args:
        words: the command line that starts the proxy in the foreground.
        environ: the caller's environment; only names of folders are taken from it.
    """

    words: tuple[str, ...]
    environ: Mapping[str, str]

    def carried(self) -> dict[str, str]:
        """The variables that the service needs to find the same files."""
        return {name: self.environ[name] for name in CARRIED if self.environ.get(name)}


def lock() -> str:
    """The versions and hashes of everything that agentbox needs, as pip reads them."""
    packed = _HERE / _LOCK
    # A checkout has it at its top.
    return (packed if packed.exists() else _HERE.parents[1] / _LOCK).read_text("utf-8")


def dockerfile(wheel: Path | None = None) -> str:
    """The part of a Dockerfile that brings agentbox into an image.

    Args:
        wheel: agentbox's own package, copied from the build's context and checked by its hash;
            None takes this version from the package index.

    Raises:
        UsageError: that is no wheel of agentbox.
    """
    if wheel is None:
        copied = ""
        install = (
            f"    $pip install --no-deps --only-binary=:all: agentbox-cli=={__version__}; \\\n"
        )
    else:
        copied = f"COPY {wheel.name} /tmp/agentbox/\n"
        install = _INSTALL_WHEEL.format(name=wheel.name, hash=_hash(wheel))
    text = (_HERE / "Dockerfile.part").read_text("utf-8")
    filled = {"VERSION": __version__, "COPY": copied, "INSTALL": install, "PREFIX": PREFIX}
    return _filled(text, filled)


def container_init() -> str:
    """The script that starts the proxy, or the bridge, in a container."""
    text = (_HERE / "container_init.sh").read_text("utf-8")
    return _filled(text, {"PREFIX": PREFIX, "SOCKET": str(CONTAINER_SOCKET)})


def systemd(program: Program) -> str:
    """A unit for systemd's user manager."""
    # systemd takes no odd sign in the name of the program itself (measured), env does.
    odd = re.search(r"[^A-Za-z0-9_@+=:,./ -]", program.words[0])
    words = " ".join(map(_systemd_word, (("/usr/bin/env",) if odd else ()) + program.words))
    environment = "".join(
        f"Environment={_systemd_word(f'{name}={value}')}\n"
        for name, value in program.carried().items()
    )
    text = (_HERE / "agentbox.service.part").read_text("utf-8")
    return _filled(text, {"COMMAND": words, "ENVIRONMENT": environment})


def launchd(program: Program, paths: Paths) -> str:
    """A property list for launchd."""
    log = str(paths.log_file)
    job = {
        "Label": LABEL,
        "ProgramArguments": list(program.words),
        "EnvironmentVariables": program.carried(),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 30,
        "ExitTimeOut": 45,
        "ProcessType": "Interactive",
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }
    return plistlib.dumps(job, sort_keys=False).decode("utf-8")


_INSTALL_WHEEL = """\
    printf '%s\\n' 'agentbox-cli @ file:///tmp/agentbox/{name} --hash=sha256:{hash}' \\
        >/tmp/agentbox/own.txt; \\
    $pip install --no-deps --require-hashes -r /tmp/agentbox/own.txt; \\
    rm -r /tmp/agentbox; \\
"""


def _hash(wheel: Path) -> str:
    if not _WHEEL.fullmatch(wheel.name):
        raise UsageError(f"{wheel.name} is not a wheel of agentbox-cli")
    try:
        return hashlib.sha256(wheel.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"cannot read {wheel}: {error.strerror}") from error


def _systemd_word(word: str) -> str:
    """A word as systemd reads it back: quoted, and without its `%` and `$` (systemd.syntax(7))."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if re.search(r"[^A-Za-z0-9_@%+=:,./$-]", word) else escaped


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"@([A-Z]+)@", lambda found: values[found[1]], text)
