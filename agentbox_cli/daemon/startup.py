"""From a config to a running daemon, the same for every command that starts one."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from agentbox_cli.daemon import lifecycle
from agentbox_cli.daemon.launch import Launch, daemon_argv, log_level
from agentbox_cli.daemon.lifecycle import Started
from agentbox_cli.errors import ConfigError, UsageError
from agentbox_cli.paths import Paths
from agentbox_cli.providers.load import Setup, load_setup

PORT_VARIABLE = "LITELLM_PORT"
HIGHEST_PORT = 65_535


def ensure_running(
    paths: Paths, file: Path, environ: Mapping[str, str], working_dir: Path
) -> Started:
    """Have the proxy of a config serve, as `agentbox litellm start` does.

    Args:
        paths: where lock, state and log are.
        file: the config.yml.
        environ: the daemon's environment; keys may be in it.
        working_dir: whose `.agentbox/.env` may hold keys.

    Raises:
        ConfigError: the config cannot be used, is switched off, or has no usable link.
        ProxyError: the proxy runs with another config or port, or cannot be started.
    """
    setup = load_setup(file, environ, working_dir)
    if not setup.resolved.config.enabled:
        raise ConfigError(f"{file}: litellm.enabled is false", hint="set it to true")
    refuse_without_aliases(setup)
    port = chosen_port(None, setup, environ)
    return lifecycle.start(paths, launch_of(file, setup, port, environ, working_dir))


def refuse_without_aliases(setup: Setup) -> None:
    """Refuse a config in which no alias works.

    Raises:
        ConfigError: there is no alias, or none has a usable link.
    """
    chains = setup.resolved.chains.values()
    if not chains:
        raise ConfigError(
            f"{setup.loaded.path}: there is no alias to serve",
            hint="add one under litellm.models, or run: agentbox litellm init",
        )
    if not any(chain.usable for chain in chains):
        raise ConfigError(
            f"{setup.loaded.path}: no alias has a usable link",
            hint="agentbox config check tells which keys are missing",
        )


def chosen_port(option: int | None, setup: Setup, environ: Mapping[str, str]) -> int:
    """The port by `--port`, else `LITELLM_PORT`, else the config.

    Raises:
        UsageError: there is no such port.
    """
    if option is not None:
        return _checked(option, "--port")
    named = port_named(environ)
    return setup.resolved.config.port if named is None else named


def port_named(environ: Mapping[str, str]) -> int | None:
    """The port that `LITELLM_PORT` names; None if it names none.

    Raises:
        UsageError: it is no port.
    """
    text = environ.get(PORT_VARIABLE)
    if not text:
        return None
    if not text.isdecimal():
        raise UsageError(f"{PORT_VARIABLE}={text!r} is not a port number")
    return _checked(int(text), PORT_VARIABLE)


def launch_of(
    file: Path, setup: Setup, port: int, environ: Mapping[str, str], working_dir: Path
) -> Launch:
    """How the daemon of a config is started.

    Raises:
        UsageError: `LITELLM_LOG_LEVEL` names no level; told here rather than in the daemon's log.
    """
    log_level(environ)
    return Launch(
        argv=daemon_argv(file.absolute(), port, working_dir),
        env=environ,
        host=setup.resolved.config.bind or "127.0.0.1",
        port=port,
        config_file=file.absolute(),
        token=secrets.token_hex(16),
    )


def _checked(port: int, name: str) -> int:
    if not 0 <= port <= HIGHEST_PORT:
        raise UsageError(f"{name}: {port} is not between 0 and {HIGHEST_PORT}")
    return port
