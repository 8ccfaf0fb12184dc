"""A text that is not what its format says."""


class BrokenTextError(Exception):
    """The text cannot be read.

    Args:
        message: what is wrong.
        line, column: where, both counted from 1.
    """

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def broken_at(text: str, index: int, message: str) -> BrokenTextError:
    """The error at an index of a text."""
    line = text.count("\n", 0, index) + 1
    return BrokenTextError(message, line, index - text.rfind("\n", 0, index))
