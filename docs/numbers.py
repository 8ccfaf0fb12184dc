"""The chain's fixed numbers and its table of statuses, from the code that uses them."""

from agentbox_cli.engine.process import START_SECONDS
from agentbox_cli.proxy import (
    answers,
    body,
    chain,
    cooldown,
    engine_lane,
    estimate,
    exchange,
    obstacles,
    server,
)
from agentbox_cli.proxy.statuses import KIND_OF_STATUS


def numbers() -> str:
    """The table of what no setting changes."""
    rows = [
        ("first back-off on the same link; it doubles", f"{chain.FIRST_BACKOFF:g} s"),
        ("Retry-After that the last link waits out", f"{_upto(chain.LONGEST_WAIT_FOR_LAST_LINK)}"),
        ("cooldown that a provider can ask for", _upto(cooldown.LONGEST)),
        ("cooldown after `auth`, `payment`, `quota`, `forbidden`, `not_found`", _longest()),
        ("first cooldown after `server`, `connection`, `timeout`", f"{cooldown.FIRST_PAUSE:g} s"),
        (
            "failures in a row before `server` or `connection` begins a cooldown",
            str(cooldown.FAILURES_BEFORE_PAUSE),
        ),
        ("estimate over a window that counts as surely too long", f"{obstacles.SURELY:g} x"),
        ("characters of text that count as a token", str(estimate.CHARACTERS_PER_TOKEN)),
        ("tokens that an image or document counts", str(estimate.TOKENS_PER_FILE)),
        ("held back of a stream before its first content", _upto_bytes(answers.HELD_BYTES)),
        ("silence before keep-alives begin", f"{exchange.SILENCE_SECONDS:g} s"),
        ("between keep-alives", f"{exchange.KEEP_ALIVE_SECONDS:g} s"),
        ("a translated call waits for the engine", _upto(engine_lane.WAIT_SECONDS)),
        ("the engine's own start", _upto(START_SECONDS)),
        ("request body", _upto_bytes(body.BODY_LIMIT)),
        ("open requests may finish after `stop`", _upto(server.GRACE_SECONDS)),
    ]
    lines = [f"| {what} | {value} |" for what, value in rows]
    return "\n".join(["| what | value |", "|---|---|", *lines, ""])


def statuses() -> str:
    """The table of statuses that decide where no code and no words do."""
    rows = [f"| {status} | `{kind}` |" for status, kind in sorted(KIND_OF_STATUS.items())]
    rest = ["| other 4xx | `bad_request` |", "| everything else | `server` |"]
    return "\n".join(["| status | kind |", "|---|---|", *rows, *rest, ""])


def _longest() -> str:
    return f"{cooldown.LONGEST:g} s"


def _upto(seconds: float) -> str:
    return f"at most {seconds:g} s"


def _upto_bytes(size: int) -> str:
    kib = size // 1024
    return f"at most {kib // 1024} MiB" if kib >= 1024 else f"at most {kib} KiB"  # noqa: PLR2004 - KiB in a MiB
