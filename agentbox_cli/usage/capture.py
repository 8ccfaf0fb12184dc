"""The queue through which a proxy's requests come into the store of its config."""

from agentbox_cli.paths import Paths
from agentbox_cli.providers.resolved import Resolved
from agentbox_cli.usage.budgets import TellSpent, budgets_of
from agentbox_cli.usage.prices import TellPrices
from agentbox_cli.usage.queue import Later, UsageQueue, Writer


def usage_queue(
    resolved: Resolved,
    paths: Paths,
    *,
    tell_prices: TellPrices,
    tell_spent: TellSpent,
    later: Later,
) -> UsageQueue:
    """The queue of a config's requests, not started yet.

    The database, and all that it takes to speak to it, is imported when something is written, or
    at once if there are budgets, which have to be read, or old requests to be forgotten.

    Args:
        resolved: the config.
        paths: where the database is if the config names none, and the journal.
        tell_prices: told what the deployments cost, in a thread of the queue.
        tell_spent: told what was spent of each budget, in a thread of the queue.
        later: how the making of records is put off.
    """

    def opened() -> Writer:
        # SQLAlchemy costs a quarter of a second and 16 MB (measured): not before it is wanted.
        from agentbox_cli.usage.opening import open_writer  # noqa: PLC0415

        return open_writer(resolved, paths, tell_prices, tell_spent)

    limited = bool(budgets_of(resolved.config.budgets))
    forgets = resolved.config.usage.retention_days is not None
    return UsageQueue(
        opened, paths.usage_journal, paths.usage_recent, waiting=limited or forgets, later=later
    )


def usage_warnings(queue: UsageQueue | None) -> list[str]:
    """What people should know of it."""
    if queue is None:
        return []
    told = [queue.trouble] if queue.trouble else []
    if queue.moved:
        told.append(f"the usage database was damaged: it is now {queue.moved}, a new one is begun")
    if queue.lost:
        told.append(
            f"{queue.lost} requests were not counted: neither database nor journal took them"
        )
    return told
