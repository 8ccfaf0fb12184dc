"""The contract that every provider plugin holds."""

from agentbox_cli.testing import PluginContract


class TestAcme(PluginContract):
    """Inherits the tests."""

    module = "agentbox_acme"
