"""What a reset of limits did, in words."""

from collections.abc import Iterator
from typing import Any


def forgotten(document: dict[str, Any], did: str) -> Iterator[str]:
    """What was forgotten, one line each.

    Args:
        document: its `windows` and its `cooling`.
        did: `forgot`, or `would forget`.
    """
    windows, cooling = document["windows"], document["cooling"]
    for row in cooling:
        yield f"{did} the cooldown of {row['name']} after {row['kind']}"
    for row in windows:
        yield f"{did} the {row['window']} window of {row['name']}, {row['remaining']} left"
    if not windows and not cooling:
        yield "there is nothing to forget"
