"""The gateway's process: `python -m agentbox_cli.mcp.gateway --config FILE --socket PATH`."""

import argparse
import gc
import logging
import sys
from pathlib import Path

# What is imported stays; looking for garbage among it meanwhile costs a start a tenth.
gc.disable()

import uvicorn  # noqa: E402 - after the collector is off

from agentbox_cli.mcp.gateway.app import Gateway  # noqa: E402

GRACE_SECONDS = 2


def main(argv: list[str]) -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="agentbox-mcp-gateway", allow_abbrev=False)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    options = parser.parse_args(argv)
    _log_to_stderr()
    gc.freeze()
    gc.enable()
    uvicorn.run(
        Gateway(options.config).app(),
        uds=str(options.socket),
        loop="asyncio",
        log_config=None,
        access_log=False,
        # Streams of clients that wait for news never end by themselves.
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return 0


def _log_to_stderr() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    # The SDK's own log quotes what it cannot read, and httpx2's the addresses.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    for name in ("httpx2", "httpcore2", "uvicorn", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
