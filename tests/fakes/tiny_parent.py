"""A parent to be killed: it spawns a program, says its pid and waits.

Run as a script: `tiny_parent.py PROGRAM ARGUMENT...`.
"""

import asyncio
import os
import sys
from pathlib import Path

from agentbox_cli.supervise.spawn import spawn


async def main() -> None:
    child = await spawn(
        sys.argv[1:], environ=os.environ, directory=Path.cwd(), on_line=lambda _: None
    )
    sys.stdout.write(f"{child.pid}\n")
    sys.stdout.flush()
    await child.wait()


if __name__ == "__main__":
    asyncio.run(main())
