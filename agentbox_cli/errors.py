"""Every error that is meant for people, and the exit code it ends with.

AgentboxError             what went wrong, and what to do next
├── NotSo            1    the answer to the question is no
├── UsageError       2    the arguments do not fit
├── ConfigError      3    config.yml does not say what is needed
├── ProviderError    4    a provider or plugin failed, or no link answered
├── ProxyError       5    the daemon cannot be reached, started or stopped
└── UsageStoreError  6    the usage store cannot be read or written

Anything else that reaches the boundary in `cli` is our bug and ends with 70.
"""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    NO = 1
    USAGE = 2
    CONFIG = 3
    PROVIDER = 4
    PROXY = 5
    USAGE_STORE = 6
    BUG = 70
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class AgentboxError(Exception):
    """An error whose message is written for the person at the keyboard.

    Args:
        message: what went wrong, and where.
        hint: what to do next, when it is known.
    """

    exit_code = Exit.BUG

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotSo(AgentboxError):  # noqa: N818 - it is an answer rather than an error
    """The answer is no: not running, a chain breaks."""

    exit_code = Exit.NO


class UsageError(AgentboxError):
    """The arguments do not fit together."""

    exit_code = Exit.USAGE


class ConfigError(AgentboxError):
    """The config is missing, unreadable or wrong."""

    exit_code = Exit.CONFIG


class ProviderError(AgentboxError):
    """A provider or a plugin failed, or no link of a chain answered."""

    exit_code = Exit.PROVIDER


class ProxyError(AgentboxError):
    """The proxy daemon cannot be started, reached or stopped."""

    exit_code = Exit.PROXY


class UsageStoreError(AgentboxError):
    """The usage store cannot be read or written."""

    exit_code = Exit.USAGE_STORE
