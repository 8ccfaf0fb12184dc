"""What is kept of an error that is ours: a file to report it with."""

import os
import sys
import traceback
from pathlib import Path

from agentbox_cli import __version__
from agentbox_cli.config.redaction import redact_environment
from agentbox_cli.paths import standard_paths


def write_bug_file(error: Exception) -> Path | None:
    """Write the traceback, without keys, where only its owner reads it; None if it cannot be."""
    text = "".join(traceback.format_exception(error))
    head = f"agentbox {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n"
    path = standard_paths().bug_file
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(head + redact_environment(text, os.environ))
    except OSError:
        return None
    return path
