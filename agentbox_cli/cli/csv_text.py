"""CSV that a spreadsheet shows and does not run."""

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# A cell that begins so is a formula to a spreadsheet; names are what callers say they are.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def print_csv(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows; a text that would be a formula gets a quote before it, as spreadsheets do."""
    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _as_text(row[name]) for name in names})


def _as_text(value: Any) -> Any:
    is_formula = isinstance(value, str) and len(value) > 1 and value.startswith(_FORMULA)
    return f"'{value}" if is_formula else value
