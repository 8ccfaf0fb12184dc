"""Keys of a config, kept out of a text that was made of it, such as a difference."""

from pydantic import SecretStr

from agentbox_cli.config.document import Document
from agentbox_cli.config.excerpts import mask_tokens, secret_spans
from agentbox_cli.config.redaction import redact

_MASK = "*"


def masked(text: str, *documents: Document) -> str:
    """The text with a `*` for each character of a key that stands in one of the documents."""
    found = (
        document.text[start:end] for document in documents for start, end in secret_spans(document)
    )
    # A key may go over several lines, which stand apart in a difference.
    lines = {line.strip() for key in found for line in key.splitlines()}
    return mask_tokens(redact(text, map(SecretStr, lines), mask=lambda key: _MASK * len(key)))
