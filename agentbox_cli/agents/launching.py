"""How an agent is started against the proxy: its whole command line and environment."""

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from agentbox_cli.agents.private import mirror, write_files
from agentbox_cli.errors import NotSo
from agentbox_cli.paths import Paths
from agentbox_cli.providers.agent import PRIVATE, AgentSpec, Connection, Launch

_LOOPBACK = "127.0.0.1,localhost,::1"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What to set before an agent, and behind its name.

    Args:
        env: variables to set; a key may be among them.
        unset: variables to remove.
        args: arguments before the user's own.
        shell_args: whether a shell needs the arguments too.
    """

    env: Mapping[str, str] = field(repr=False)
    unset: tuple[str, ...]
    args: tuple[str, ...]
    shell_args: bool

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """A whole environment with the changes."""
        kept = {name: value for name, value in environ.items() if name not in self.unset}
        return kept | dict(self.env)


def prepare(agent: AgentSpec, to: Connection, paths: Paths, environ: Mapping[str, str]) -> Start:
    """Write the private files that an agent needs, and say how it is started.

    Raises:
        NotSo: it cannot be pointed at the proxy.
        ConfigError: a private file cannot be written, or the agent's own config is broken.
    """
    launch = refuse_without_launch(agent)(to)
    private = str(_private_directory(agent, launch, to, paths, environ))
    env = {name: value.replace(PRIVATE, private) for name, value in launch.env.items()}
    return Start(
        env=env | _past_proxies(environ),
        unset=launch.unset,
        args=tuple(arg.replace(PRIVATE, private) for arg in launch.args),
        shell_args=launch.shell_args,
    )


def refuse_without_launch(agent: AgentSpec) -> Callable[[Connection], Launch]:
    """How an agent is pointed at the proxy.

    Raises:
        NotSo: it cannot be.
    """
    if agent.launch is None:
        reason = agent.note or "it cannot be pointed there"
        raise NotSo(f"{agent.title} cannot use the proxy: {reason}", hint=_tools_hint(agent))
    return agent.launch


def _tools_hint(agent: AgentSpec) -> str | None:
    return f"for its tools: agentbox litellm mcp connect {agent.name}" if agent.tools else None


def _private_directory(
    agent: AgentSpec, launch: Launch, to: Connection, paths: Paths, environ: Mapping[str, str]
) -> Path:
    home = paths.agents_dir / agent.name
    if launch.overlay is not None:
        settings = agent.settings(to) if agent.settings else ()
        mirror(launch.overlay, home, settings, environ)
        return home
    if not launch.files:
        return home
    # By its content, so that an agent that runs keeps its own when another is started.
    text = "\0".join(part for each in sorted(launch.files.items()) for part in each)
    home /= sha256(text.encode()).hexdigest()[:12]
    write_files(home, launch.files)
    return home


def _past_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Where a proxy of the network is set, this machine must be left out of it."""
    if not any(environ.get(name) or environ.get(name.lower()) for name in _PROXIES):
        return {}
    known = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    value = ",".join(part for part in (known, _LOOPBACK) if part)
    return {"NO_PROXY": value, "no_proxy": value}


def become(program: Path, start: Start, args: tuple[str, ...], environ: Mapping[str, str]) -> None:
    """Turn this process into the agent: no other is left between it and the terminal.

    Raises:
        NotSo: it cannot be run.
    """
    argv = [str(program), *start.args, *args]
    env = start.environment(environ)
    try:
        os.execve(program, argv, env)  # noqa: S606 - no shell, as meant
    except OSError as error:
        if error.errno == errno.ENOEXEC:
            # A script without `#!`; shells run it so, and it may say what is wrong.
            os.execve("/bin/sh", ["sh", *argv], env)  # noqa: S606 - as above
        raise NotSo(f"cannot run {program}: {error.strerror}") from error
