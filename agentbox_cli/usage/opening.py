"""Opening the store of a config: where it is, and what its deployments cost."""

from agentbox_cli.paths import Paths
from agentbox_cli.providers.catalog import read_catalog
from agentbox_cli.providers.resolved import Resolved
from agentbox_cli.usage.database import place_of
from agentbox_cli.usage.prices import known, price_all
from agentbox_cli.usage.writer import StoreWriter


def open_writer(resolved: Resolved, paths: Paths) -> StoreWriter:
    """What writes the requests of a config."""
    return StoreWriter(
        lambda: place_of(resolved.config.usage.database, paths.usage_database),
        paths.usage_journal,
        lambda: known(price_all(resolved, read_catalog())),
    )
