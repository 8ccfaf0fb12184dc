"""Which LiteLLM is installed, and whether it may be run; it is looked at, never imported."""

import re
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from importlib.metadata import distributions
from pathlib import Path

from agentbox_cli.errors import ProxyError

# 1.82.7 and 1.82.8 stole credentials; CVE-2026-42208, -42271 and -30623 are fixed from here on.
OLDEST = (1, 83, 7)

# The stolen releases ran from this file at every start of Python, whatever is installed by now.
STOWAWAY = "litellm_init.pth"

_HINT = "install agentbox-cli anew: its dependencies name a version that fits"


def find_litellm(search: Sequence[str] | None = None) -> str:
    """The installed LiteLLM's version.

    Args:
        search: directories to look in; where Python looks by default.

    Raises:
        ProxyError: there is none, or none that may be run.
    """
    places = list(sys.path if search is None else search)
    _refuse_stowaway(places)
    if PathFinder.find_spec("litellm", places) is None:
        raise ProxyError("LiteLLM is not installed, so no call can be translated", hint=_HINT)
    version = next((found.version for found in distributions(name="litellm", path=places)), "")
    if _numbers(version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ProxyError(
            f"LiteLLM {version or 'of an unknown version'} is not run: "
            f"releases before {oldest} have known security holes",
            hint=_HINT,
        )
    return version


def _refuse_stowaway(places: Sequence[str]) -> None:
    for place in places:
        found = Path(place) / STOWAWAY
        if found.exists():
            raise ProxyError(
                f"{found} belongs to a LiteLLM release that stole credentials",
                hint="remove this Python environment, and replace every key it could read",
            )


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else (0,)
