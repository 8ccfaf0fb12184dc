"""Other characters for U+0085, U+2028 and U+2029 while a text is parsed.

They are line ends in YAML 1.1 and text like any other in YAML 1.2. ruamel takes them for line ends
in some places (a comment ends there) and for text in others (its columns run on), so that a
comment with one in it would be an error.
"""

from collections.abc import Mapping

_ODD = "\x85\u2028\u2029"
_PRIVATE_USE = range(0xE000, 0xF900)

StandIns = Mapping[int, str]


def stand_ins(text: str) -> StandIns:
    """A table for `str.translate`, one character for one; empty for almost every text."""
    odd = [character for character in _ODD if character in text]
    free = (chr(code) for code in _PRIVATE_USE if chr(code) not in text)
    return {ord(character): other for character, other in zip(odd, free, strict=False)}


def reverse(table: StandIns) -> StandIns:
    """The table that takes the characters back."""
    return {ord(other): chr(code) for code, other in table.items()}
