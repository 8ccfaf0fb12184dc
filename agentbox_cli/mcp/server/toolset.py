"""The tools that go together."""

from enum import StrEnum


class Toolset(StrEnum):
    """What a client may be given.

    - CORE: ask models, and ask how the proxy is.
    - ANALYST: analyse files and commits of the workspace.
    """

    CORE = "core"
    ANALYST = "analyst"
