"""What a command line of agentbox ended with."""

import json
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Exit code and text of one command line."""

    exit_code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON on stdout."""
        return json.loads(self.out)


class Agentbox(Protocol):
    """Runs `agentbox *arguments` in this process."""

    def __call__(self, *arguments: str) -> Result: ...
