"""`agentbox litellm start`: one daemon, ready when the command ends."""

import os
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import notice, say
from agentbox_cli.cli.setting import config_file, named_config
from agentbox_cli.errors import ConfigError
from agentbox_cli.paths import standard_paths

if TYPE_CHECKING:
    from agentbox_cli.providers.load import Setup

app = command()

INIT_SECONDS = 10.0
_PAUSE = 0.1


class Wait(StrEnum):
    """What `start` waits for."""

    PORT = "port"
    ENGINE = "engine"
    NONE = "none"


@app.command()
def start(
    ctx: typer.Context,
    *,
    port: Annotated[
        int | None,
        typer.Option(help="Listen here instead of litellm.port; 0 for any.", show_default=False),
    ] = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay attached; ^C stops it.")
    ] = False,
    wait: Annotated[Wait, typer.Option(help="What to wait for.")] = Wait.PORT,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Same as --wait none.")] = False,
    if_enabled: Annotated[
        bool,
        typer.Option(
            "--if-enabled", help="Do nothing if the config says enabled: false, or there is none."
        ),
    ] = False,
) -> None:
    """Start the proxy; fine if it runs already.

    It is ready when the command ends. Exit code 5 if it runs already, but not as asked.

    Example: agentbox litellm start --port 4001
    """
    from agentbox_cli.daemon.startup import chosen_port, launch_of
    from agentbox_cli.providers.load import load_setup

    if if_enabled and (why := why_not_enabled(ctx)):
        notice(f"no proxy is started: {why}")
        return
    file = config_file(ctx)
    setup = load_setup(file, os.environ, Path.cwd())
    if not setup.resolved.config.enabled:
        raise ConfigError(
            f"{file}: litellm.enabled is false", hint="set it to true, or use --if-enabled"
        )
    tell_problems(setup)
    tell_stand_in()
    chosen = chosen_port(port, setup, os.environ)
    if foreground:
        from agentbox_cli.daemon.foreground import become

        become(standard_paths(), launch_of(file, setup, chosen, os.environ, Path.cwd()))
    if init_brought_one(chosen):
        say(f"the proxy already runs on http://127.0.0.1:{chosen}, started with the container")
        return
    begin(file, setup, chosen, Wait.NONE if no_wait else wait)


def init_brought_one(port: int) -> bool:
    """Wait for what the container's init script starts, and tell whether another user has it."""
    from agentbox_cli.cli.container import init_starts
    from agentbox_cli.daemon.probe import probe
    from agentbox_cli.deploy.health import at_port

    if not init_starts():
        return False
    deadline = time.monotonic() + INIT_SECONDS
    while init_starts() and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return at_port(port) is not None and probe(standard_paths()).instance is None


def why_not_enabled(ctx: typer.Context) -> str | None:
    """Why no proxy is wanted here, as far as a config says so; None if one is.

    A config that cannot be read or is wrong says nothing.
    """
    from agentbox_cli.config.store import NoConfigFileError, load
    from agentbox_cli.config.tree import OUR_SECTION

    try:
        file = config_file(ctx)
    except NoConfigFileError as error:
        named = named_config(ctx) is not None or os.environ.get("AGENTBOX_CONFIG")
        if named:
            raise
        return error.message
    loaded = load(file)
    if loaded.host is None:
        missing = not loaded.document.faults and loaded.document.data.get(OUR_SECTION) is None
        return f"{file} has no {OUR_SECTION} section" if missing else None
    return None if loaded.host.litellm.enabled else f"{file} says litellm.enabled: false"


def tell_stand_in() -> None:
    """Say where things are kept that have no home."""
    place = standard_paths().stand_in
    if place is not None:
        notice(f"no home can be written to: state, key and usage are in {place}, and go with it")


def begin(file: Path, setup: "Setup", port: int, wait: Wait) -> None:
    """Start the daemon in the background and say where it is."""
    from agentbox_cli.daemon import lifecycle
    from agentbox_cli.daemon.startup import launch_of

    launch = launch_of(file, setup, port, os.environ, Path.cwd())
    started = lifecycle.start(standard_paths(), launch)
    found = started.instance
    word = "already runs" if started.already else "runs"
    if wait is Wait.ENGINE:
        from agentbox_cli.daemon.engine_wait import await_engine

        await_engine(standard_paths(), found)
    say(f"the proxy {word} on {found.url} (pid {found.pid})")


def tell_problems(setup: "Setup") -> None:
    """Warn of what leaves other links working; refuse a config in which no alias works."""
    from agentbox_cli.daemon.startup import refuse_without_aliases

    for problem in setup.problems:
        notice(f"warning: {problem.message}")
    refuse_without_aliases(setup)
