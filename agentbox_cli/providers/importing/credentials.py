"""Keys of foreign configs as `${NAME}` references; a key itself is never taken over."""

import re
from collections.abc import Iterable

from agentbox_cli.config.redaction import redact
from agentbox_cli.config.references import PLACEHOLDERS

_CREDENTIAL = re.compile(r"auth|key|token|secret|cookie|password|credential", re.IGNORECASE)


class Credentials:
    """Gives each key of a source a variable, the same one each time.

    Args:
        taken: the variables that the source itself refers to, which hold other keys.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.in_source: set[str] = set()
        self._taken = set(taken)
        self._by_key: dict[str, str] = {}

    def variable_for(self, key: str, proposed: str) -> str:
        """The variable that stands for a key which the source holds in clear."""
        if key not in self._by_key:
            self._by_key[key] = self._free(_legal(proposed))
            self.in_source.add(self._by_key[key])
        return self._by_key[key]

    def _free(self, proposed: str) -> str:
        name, number = proposed, 1
        while name in self._taken:
            number += 1
            name = f"{proposed}_{number}"
        self._taken.add(name)
        return name


def is_placeholder(key: str) -> bool:
    """Whether a key is what people write for servers that check none."""
    return not key.strip() or key.strip().lower() in PLACEHOLDERS


def may_be_secret(header: str, value: str) -> bool:
    """Whether a header holds something that must not be copied."""
    return bool(_CREDENTIAL.search(header)) or redact(value, ()) != value


def usual_variable(provider: str) -> str:
    """The variable that a provider's key would usually be in."""
    return _legal(f"{provider}_API_KEY")


def _legal(name: str) -> str:
    upper = re.sub(r"\W", "_", name, flags=re.ASCII).upper()
    return upper if re.match(r"[A-Z_]", upper) else f"_{upper}"
