"""What of a response only its maker can read, found in its bytes."""

import re

import msgspec

MARK = b'"encrypted_content"'
# LiteLLM keeps Anthropic's signed thoughts there as JSON, with escaped quotes.
_SEALED = re.compile(rb'"encrypted_content"\s*:\s*("(?:[^"\\]|\\.)+")')


def sealed_in(text: bytes) -> list[str]:
    """What of an answer only its maker can read."""
    if MARK not in text:
        return []
    return [told for each in _SEALED.findall(text) if (told := _decoded(each))]


def _decoded(text: bytes) -> str:
    try:
        return msgspec.json.decode(text, type=str)
    except ValueError:
        return ""
