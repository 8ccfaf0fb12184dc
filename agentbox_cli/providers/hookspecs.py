"""The hooks that a plugin may implement."""

import pluggy

from agentbox_cli.providers.agent import AgentSpec
from agentbox_cli.providers.model import ProviderSpec

PROJECT = "agentbox"
ENTRY_POINT_GROUP = "agentbox.plugins"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def agentbox_providers() -> list[ProviderSpec]:  # type: ignore[empty-body] # a specification
    """Return the providers that this plugin describes.

    Called once per command and once by the daemon. It returns data and does nothing else: no
    network, no files, no environment.
    """


@hookspec
def agentbox_agents() -> list[AgentSpec]:  # type: ignore[empty-body] # a specification
    """Return the coding agents that this plugin describes.

    Called as `agentbox_providers` is. The functions of an `AgentSpec` are pure: they make values
    of the values they are given.
    """
