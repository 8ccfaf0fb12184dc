"""Edits of TOML: tomlkit keeps comments, order and blanks of all that is not ours."""

import re
import tomllib
from typing import Any

from agentbox_cli.agents.formats.broken import BrokenTextError, broken_at

Path = tuple[str, ...]


def data(text: str) -> Any:
    """The text as plain data.

    Raises:
        BrokenTextError: it is no TOML.
    """
    return _document(text).unwrap()


def put(text: str, path: Path, value: Any) -> str:
    """Set the key at a path; tables that are missing on the way are made.

    Raises:
        BrokenTextError: the text is broken, or something else than a table is in the way.
    """
    document = _document(text)
    if isinstance(value, dict) and not _stands(document, path):
        # A table goes to the end of the text, where it disturbs nothing.
        appended = _with_block(text, path, value)
        if _is_toml(appended):
            return appended
    return _placed(text, document, path, value)


def drop(text: str, path: Path) -> str:
    """Remove the key at a path; what is not there is no error.

    Raises:
        BrokenTextError: the text is broken.
    """
    import tomlkit  # noqa: PLC0415 - 60 ms that only editing costs

    document = _document(text)
    place: Any = document
    for name in path[:-1]:
        if not isinstance(place, dict) or name not in place:
            return text
        place = place[name]
    if path[-1] not in place:
        return text
    if cut := _without_block(text, path):
        return cut
    del place[path[-1]]
    return tomlkit.dumps(document)


def _stands(document: Any, path: Path) -> bool:
    place = document
    for name in path:
        if not isinstance(place, dict) or name not in place:
            return False
        place = place[name]
    return True


def _with_block(text: str, path: Path, value: dict[str, Any]) -> str:
    import tomlkit  # noqa: PLC0415 - 60 ms that only editing costs

    header = f"[{tomlkit.key(path).as_string()}]\n"
    gap = "\n" if text.strip() else ""
    ended = text if text.endswith("\n") or not text else text + "\n"
    return ended + gap + header + "".join(_pair(*each) for each in value.items())


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _placed(text: str, document: Any, path: Path, value: Any) -> str:
    import tomlkit  # noqa: PLC0415 - 60 ms that only editing costs

    place = document
    for name in path[:-1]:
        if name not in place:
            place[name] = tomlkit.table(is_super_table=True)
        place = place[name]
        if not isinstance(place, dict):
            raise broken_at(text, max(text.find(name), 0), f"{name!r} must be a table")
    place[path[-1]] = value
    return tomlkit.dumps(document)


def _pair(key: str, value: Any) -> str:
    import tomlkit  # noqa: PLC0415 - 60 ms that only editing costs

    if isinstance(value, dict):
        inline = tomlkit.inline_table()
        inline.update(value)
        value = inline
    return tomlkit.dumps({key: value})


def _without_block(text: str, path: Path) -> str | None:
    """The text without the lines of a table that has a header of its own."""
    header = re.escape(".".join(path))
    found = re.search(rf"^\[{header}\][^\n]*\n(?:[^\[\n][^\n]*\n?|\n)*", text, re.MULTILINE)
    if found is None:
        return None
    block = re.sub(r"(?:[^\S\n]*(?:#[^\n]*)?\n)*\Z", "", found[0])  # comments of what follows stay
    start, end = found.start(), found.start() + len(block)
    end += text[end : end + 1] == "\n"
    start -= text[start - 2 : start] == "\n\n"
    cut = text[:start] + text[end:]
    return cut if _same_but(text, cut, path) else None


def _same_but(text: str, cut: str, path: Path) -> bool:
    before, after = (tomllib.loads(each) for each in (text, cut))
    del _parent(before, path)[path[-1]]
    for depth in range(len(path) - 1, 0, -1):
        if not _parent(before, path[:depth])[path[depth - 1]]:
            del _parent(before, path[:depth])[path[depth - 1]]
    return before == after


def _parent(data: Any, path: Path) -> Any:
    for name in path[:-1]:
        data = data[name]
    return data


def _document(text: str) -> Any:
    import tomlkit  # noqa: PLC0415 - 60 ms that only editing costs
    from tomlkit.exceptions import ParseError, TOMLKitError  # noqa: PLC0415 - as above

    try:
        tomllib.loads(text)  # the standard library's rules are the strict ones
        return tomlkit.parse(text)
    except ParseError as error:
        raise BrokenTextError(_sentence(str(error)), error.line, error.col + 1) from error
    except tomllib.TOMLDecodeError as error:
        raise _located(error) from error
    except TOMLKitError as error:
        raise BrokenTextError(_sentence(str(error)), 1, 1) from error


def _located(error: tomllib.TOMLDecodeError) -> BrokenTextError:
    """The error with its place, which Python tells in its message before version 3.14."""
    message, _, place = str(error).partition(" (at ")
    numbers = [
        int(word) for word in place.replace(",", " ").replace(")", " ").split() if word.isdecimal()
    ]
    line, column = numbers if len(numbers) == 2 else (1, 1)  # noqa: PLR2004 - line and column
    return BrokenTextError(_sentence(message), line, column)


def _sentence(message: str) -> str:
    return f"this is not TOML: {message.partition(' at line ')[0]}"
