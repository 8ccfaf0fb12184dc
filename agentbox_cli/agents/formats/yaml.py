"""Edits of YAML, by the editor that config.yml is edited with."""

from collections.abc import Callable
from typing import Any

from agentbox_cli.agents.formats.broken import BrokenTextError, broken_at
from agentbox_cli.config import edit
from agentbox_cli.config.document import Document, parse

Path = tuple[str, ...]

# A list at the top of a file is edited below a key of our own.
_HEAD = "items:\n"
_ID = "model_id"


def data(text: str) -> Any:
    """The text as plain data.

    Raises:
        BrokenTextError: it is no YAML with keys.
    """
    return _document(text).data


def put(text: str, path: Path, value: Any) -> str:
    """Set the key at a path; sections that are missing on the way are made.

    Raises:
        BrokenTextError: the text is broken, or cannot be edited safely.
    """
    return _edited(text, lambda document: edit.set_value(document, path, value))


def drop(text: str, path: Path) -> str:
    """Remove the key at a path; what is not there is no error.

    Raises:
        BrokenTextError: the text is broken, or cannot be edited safely.
    """
    return _edited(text, lambda document: edit.delete(document, path))


def list_data(text: str) -> dict[str, Any]:
    """The items of a list, by their `model_id`.

    Raises:
        BrokenTextError: it is no list in YAML.
    """
    items = _items(text)
    return {str(item[_ID]): item for item in items if isinstance(item, dict) and _ID in item}


def put_item(text: str, path: Path, value: Any) -> str:
    """Set the item whose `model_id` is the path's only key, or add it at the end.

    Raises:
        BrokenTextError: the text is broken, or cannot be edited safely.
    """
    found = _index(text, path)
    if found is not None:
        if _items(text)[found] == value:
            return text
        text = drop_item(text, path)
    number = len(_items(text))
    return _in_list(text, lambda document: edit.set_value(document, ("items", number), value))


def drop_item(text: str, path: Path) -> str:
    """Remove the item whose `model_id` is the path's only key; no error if there is none.

    Raises:
        BrokenTextError: the text is broken, or cannot be edited safely.
    """
    found = _index(text, path)
    if found is None:
        return text
    edited = _in_list(text, lambda document: edit.delete(document, ("items", found)))
    return edited.replace("[]\n", "", 1) if not _items(edited) else edited


def _document(text: str, head: str = "") -> Document:
    document = parse(head + text, "")
    if document.faults:
        fault = document.faults[0]
        raise broken_at(text, max(fault.start - len(head), 0), fault.message)
    return document


def _edited(text: str, change: Callable[[Document], str], head: str = "") -> str:
    document = _document(text, head)
    try:
        return change(document)
    except edit.EditRefusedError as error:
        raise BrokenTextError(error.message, 1, 1) from error


def _in_list(text: str, change: Callable[[Document], str]) -> str:
    edited = _edited(text, change, _HEAD)
    first, _, rest = edited.partition("\n")
    # Without its last item the list is written in brackets, which the file has no place for.
    if first.strip() not in (_HEAD.strip(), f"{_HEAD.strip()} []"):
        raise BrokenTextError("this list cannot be edited safely", 1, 1)
    return rest


def _items(text: str) -> list[Any]:
    data = _document(text, _HEAD).data
    items = data["items"]
    if items is None and len(data) == 1:
        return []
    if not isinstance(items, list):
        raise broken_at(text, 0, "the file must hold a list")
    return items


def _index(text: str, path: Path) -> int | None:
    (name,) = path
    for number, item in enumerate(_items(text)):
        if isinstance(item, dict) and item.get(_ID) == name:
            return number
    return None
