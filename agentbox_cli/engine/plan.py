"""What an engine runs on: its config, its place, and the command that starts it."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from agentbox_cli.engine import runner
from agentbox_cli.engine.installed import find_litellm
from agentbox_cli.supervise.health import Question

# How long open answers may go on when the engine is told to end.
DRAIN_SECONDS = 10


def litellm_command(socket: Path) -> list[str]:
    """The command that serves LiteLLM's proxy on a unix socket."""
    # -P: the directory of the runner is no place to import from.
    return [
        *(sys.executable, "-P", runner.__file__, "litellm.proxy.proxy_server:app"),
        *("--uds", str(socket), "--no-access-log", "--no-use-colors"),
        # Nobody but the proxy is there to be told of, and nobody reads these headers.
        *("--no-proxy-headers", "--no-server-header", "--no-date-header"),
        *("--timeout-graceful-shutdown", str(DRAIN_SECONDS)),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePlan:
    """What an engine runs on.

    Args:
        rendered: LiteLLM's config.
        egress_secret: what LiteLLM shows at the egress.
        directory: its private working directory.
        socket: where it listens; its directory becomes private too.
        config_file: where `rendered` is written.
        mode: started at once, with the first call that needs it, or never.
        warm_up: asked once after a start, so that no caller pays for what the first call imports.
        command: how it is started.
        check: gives its version, or refuses it.
    """

    rendered: str
    egress_secret: SecretStr
    directory: Path
    socket: Path
    config_file: Path
    mode: Literal["eager", "lazy", "off"] = "eager"
    warm_up: Sequence[Question] = ()
    command: Callable[[Path], Sequence[str]] = litellm_command
    check: Callable[[], str] = find_litellm
