"""The one hook that a provider plugin implements."""

import pluggy

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
