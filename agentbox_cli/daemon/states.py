"""The states of the proxy daemon, as data. Imports nothing of ours."""

from enum import StrEnum


class DaemonState(StrEnum):
    """What `status` says of the proxy."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    DEGRADED = "degraded"  # it serves without its engine, or does not answer
    DRAINING = "draining"  # asked to stop, open streams are finishing
    STALE = "stale"  # a state file of a proxy that is gone
    FOREIGN = "foreign"  # the lock is held by a process that cannot be identified from here


# The states in which agents are answered, and `status` exits with 0.
SERVES = frozenset({DaemonState.RUNNING, DaemonState.DEGRADED})

# The states in which nothing runs and nothing has to be waited for.
ABSENT = frozenset({DaemonState.STOPPED, DaemonState.STALE})

# What a living proxy may say of itself.
SELF_REPORTED = frozenset({DaemonState.RUNNING, DaemonState.DEGRADED, DaemonState.DRAINING})
