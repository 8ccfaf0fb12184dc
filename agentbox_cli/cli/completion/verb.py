"""`agentbox __complete KIND FILE`: what the scripts ask when their words are out of date."""

import sys

from agentbox_cli.errors import Exit


def answer(arguments: list[str]) -> int:
    """Write the words of the config FILE anew and print those of KIND; silent when it fails."""
    try:
        kind, named = arguments
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr] # a stream that is no file fails silently
        sys.stdout.write(_words(kind, named))
        sys.stdout.flush()
    except Exception:  # noqa: BLE001 - a message would stand in the middle of what is typed
        return Exit.NO
    return Exit.OK


def _words(kind: str, named: str) -> str:
    from agentbox_cli.paths import standard_paths
    from agentbox_cli.providers.words import WordKind, write_words

    wanted = WordKind(kind)
    return write_words(standard_paths(), named)[wanted]
