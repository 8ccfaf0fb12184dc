"""Values of foreign configs, which may be of any type."""

import math
from collections.abc import Mapping
from typing import Any, TypeGuard


def is_number_in(value: Any, low: float, high: float) -> TypeGuard[float]:
    """Whether this is a number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return not math.isnan(value) and low <= value <= high


def listed(value: Any) -> list[Any]:
    """The value if it is a list, else nothing."""
    return value if isinstance(value, list) else []


def mapping(value: Any) -> Mapping[Any, Any]:
    """The value if it is a mapping, else nothing."""
    return value if isinstance(value, dict) else {}
