"""Which parameter takes which values: what a completion script offers in its place."""

from collections.abc import Mapping
from dataclasses import dataclass

from agentbox_cli.providers.words import WordKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What a parameter takes: at most one of these; nothing at all for free text.

    Args:
        choices: fixed words.
        words: words that depend on the config, from the cache.
        files: names of files.
    """

    choices: tuple[str, ...] = ()
    words: WordKind | None = None
    files: bool = False


ANYTHING = Values()
# The agents that agentbox itself describes; a test holds them equal.
AGENTS = Values(
    choices=("claude", "codex", "gemini", "opencode", "qwen", "aider", "llm", "goose", "crush")
)
FILES = Values(files=True)

# By the words of the command and the parameter's name; without a command, for all others.
TABLE: Mapping[tuple[str, str], Values | WordKind] = {
    ("litellm ask", "model"): WordKind.ALIAS,
    ("litellm run", "model"): WordKind.ALIAS,
    ("litellm env", "model"): WordKind.ALIAS,
    ("litellm connect", "model"): WordKind.ALIAS,
    ("litellm key remove", "name"): WordKind.CLIENT,
    ("config set", "value"): WordKind.VALUE,
    ("", "agent"): AGENTS,
    ("", "config"): FILES,
    ("", "env"): FILES,
    ("", "file"): FILES,
    ("", "alias"): WordKind.ALIAS,
    ("", "aliases"): WordKind.ALIAS,
    ("", "provider"): WordKind.PROVIDER,
    ("", "model"): WordKind.MODEL,
    ("", "link"): WordKind.LINK,
    ("", "links"): WordKind.LINK,
    ("", "server"): WordKind.SERVER,
    ("", "socket"): FILES,
    ("", "wheel"): FILES,
    ("", "path"): WordKind.PATH,
}


def values_of(command: str, parameter: str, choices: tuple[str, ...]) -> Values:
    """The values of a parameter.

    Args:
        command: the words of its command, without `agentbox`.
        parameter: its name in the code.
        choices: the values that its type allows; empty for other types.
    """
    if choices:
        return Values(choices=choices)
    found = TABLE.get((command, parameter)) or TABLE.get(("", parameter), ANYTHING)
    return Values(words=found) if isinstance(found, WordKind) else found
