"""What of a response only its maker can read, found in its bytes."""

import re

MARK = b'"encrypted_content"'
_SEALED = re.compile(rb'"encrypted_content"\s*:\s*"([^"\\]+)"')


def sealed_in(text: bytes) -> list[str]:
    """What of an answer only its maker can read."""
    if MARK not in text:
        return []
    return [found.decode("ascii", "replace") for found in _SEALED.findall(text)]
