"""How many tokens a prompt has at the very least, counted from its bytes as they came.

Nothing is parsed: a prompt of 4 MB in 100,000 parts takes milliseconds. Every figure errs on the
low side, because a link that is passed over wrongly is worse than a call that is refused.
"""

import re
from collections.abc import Iterator

# Written English has up to 4.9 characters for a token in any encoding that was tried.
CHARACTERS_PER_TOKEN = 5
# What the smallest image or document counts; its size in bytes says nothing.
TOKENS_PER_FILE = 85

# In a request of many short strings, what quotes, braces, keys like "type" and names like "text"
# come to for each quote. Providers write these things in fewer tokens, or not at all.
_BYTES_OF_SYNTAX_PER_QUOTE = 4
_BYTES_OF_A_CODE_POINT = len(rb"u0041")
# What is no text, by its key. Quotes inside of strings are escaped, so text is not mistaken.
_OPAQUE = re.compile(
    rb'"(?P<key>data|url|image_url|file_data|signature|thinking|encrypted_content)"\s*:\s*"',
    re.ASCII,
)
_FILE_KEYS = frozenset({b"data", b"url", b"image_url", b"file_data"})


def least_tokens(json: bytes) -> int:
    """The least number of tokens in the texts of a JSON value."""
    return max(_characters(json) - sum(_excess(json)), 0) // CHARACTERS_PER_TOKEN


def _characters(json: bytes) -> int:
    """About how many characters its strings have, runs of blanks left out."""
    whole = len(json) if json.isascii() else len(json.decode(errors="replace"))
    return (
        whole
        - _BYTES_OF_SYNTAX_PER_QUOTE * json.count(b'"')
        # Of an escape one character remains, whatever its length.
        - json.count(b"\\")
        - (_BYTES_OF_A_CODE_POINT - 1) * json.count(b"\\u")
        # A run of blanks is one token, however long.
        - 2 * json.count(b"  ")
    )


def _excess(json: bytes) -> Iterator[int]:
    """By how much each string that is no text is longer than what it counts.

    Files count a fixed figure; earlier thoughts of a model are not part of its prompt.
    """
    for found in _OPAQUE.finditer(json):
        counted = TOKENS_PER_FILE * CHARACTERS_PER_TOKEN if found["key"] in _FILE_KEYS else 0
        yield max(_end_of_string(json, found.end()) - found.end() - counted, 0)


def _end_of_string(json: bytes, start: int) -> int:
    end = json.find(b'"', start)
    while end > start and json[end - 1] == ord("\\"):
        end = json.find(b'"', end + 1)
    return end if end >= 0 else len(json)
