"""What an import gives: a section, the keys it needs, and what could not be taken over."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from agentbox_cli.config.document import Path
from agentbox_cli.config.excerpts import printable
from agentbox_cli.config.names import dotted
from agentbox_cli.config.redaction import redact

Speaks = Literal["openai", "anthropic"]


class Source(StrEnum):
    """The programs whose config can be imported."""

    LITELLM = "litellm"
    CCR = "ccr"
    LLM = "llm"

    @property
    def described(self) -> str:
        """The file as people know it."""
        return _TITLES[self]


_TITLES = {
    Source.LITELLM: "a LiteLLM config.yaml",
    Source.CCR: "a claude-code-router config.json",
    Source.LLM: "an extra-openai-models.yaml of llm",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something of the source that the section does not hold as it was.

    Args:
        path: where it stands in the source, from its root.
        what: a few words for it; never a value that may be a key.
        why: what becomes of it, or why nothing does.
    """

    path: Path
    what: str
    why: str

    @property
    def where(self) -> str:
        """The path as text, without anything that looks like a key."""
        return printable(redact(dotted(self.path), ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyToSet:
    """A variable that the section refers to.

    Args:
        variable: its name.
        provider: the provider of the section that it belongs to.
        in_source: whether the source holds the key itself, which was not copied.
    """

    variable: str
    provider: str
    in_source: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a source.

    Args:
        source: what kind of file it was.
        section: the `litellm` section as plain data; it validates and resolves.
        keys: the variables to set.
        notes: what has no counterpart, or became something else.
    """

    source: Source
    section: dict[str, Any]
    keys: tuple[KeyToSet, ...]
    notes: tuple[Note, ...]
