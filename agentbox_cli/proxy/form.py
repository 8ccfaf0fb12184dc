"""A `multipart/form-data` body, of which only the model's name is changed."""

import re
from dataclasses import dataclass
from email.message import Message
from typing import Self
from urllib.parse import unquote_to_bytes

_NAME = re.compile(
    rb'^content-disposition:[^\r\n]*?[;\s]name="?([^";\r\n]*)"?', re.IGNORECASE | re.MULTILINE
)
# What a file name in the same header would have; only fields of text have none.
_FILE = re.compile(rb"^content-disposition:[^\r\n]*?[;\s]filename", re.IGNORECASE | re.MULTILINE)
# However a part is written, some provider may read a model's name in it.
_MAY_NAME_MODEL = re.compile(
    rb"""(?<![a-z])name\*?\s*=\s*(?:[\w-]*'[^']*')?["']?model["']?\s*(?:;|\r?$)""",
    re.IGNORECASE | re.MULTILINE,
)
_FOLD = re.compile(rb"\r?\n[ \t]+")
_HEAD_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it came.

    Args:
        body: the whole of it.
        texts: where the value of each field of text stands.
        models: how many parts a provider may take for the model's name.
    """

    body: bytes
    texts: dict[str, tuple[int, int]]
    models: int = 1

    @classmethod
    def of(cls, body: bytes, content_type: str) -> Self | None:
        """Read a form; None if it is none."""
        boundary = _boundary(content_type)
        if boundary is None:
            return None
        texts: dict[str, tuple[int, int]] = {}
        models = 0
        for start, end in _parts(body, b"--" + boundary):
            head_end = body.find(b"\r\n\r\n", start, end)
            models += _may_name_model(body[start : end if head_end < 0 else head_end])
            head = body[start:head_end]
            named = _NAME.search(head) if head_end >= 0 else None
            if named and not _FILE.search(head):
                texts[named[1].decode("utf-8", "replace")] = (head_end + 4, end)
        return cls(body, texts, models)

    def text(self, name: str) -> str | None:
        """The value of a field of text."""
        if name not in self.texts:
            return None
        start, end = self.texts[name]
        return self.body[start:end].decode("utf-8", "replace").strip()

    def naming(self, model: str) -> bytes:
        """The form with another model."""
        start, end = self.texts["model"]
        return b"".join((self.body[:start], model.encode(), self.body[end:]))


def _may_name_model(head: bytes) -> bool:
    plain = _FOLD.sub(b" ", head[:_HEAD_BYTES]).replace(b"\\", b"")
    return _MAY_NAME_MODEL.search(unquote_to_bytes(plain)) is not None


def is_form(content_type: str) -> bool:
    """Whether a body of this type is a form."""
    return content_type.lower().lstrip().startswith("multipart/form-data")


def _boundary(content_type: str) -> bytes | None:
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_boundary()
    return boundary.encode("latin-1", "replace") if boundary else None


def _parts(body: bytes, mark: bytes) -> list[tuple[int, int]]:
    """Where each part stands, its head included."""
    parts: list[tuple[int, int]] = []
    start = body.find(mark)
    while start >= 0:
        start += len(mark)
        end = body.find(b"\r\n" + mark, start)
        if end < 0:
            break
        parts.append((start, end))
        start = end + 2
    return parts
