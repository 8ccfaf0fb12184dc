"""Keys put into a `.env` file and taken out of it again, when the user asks for it."""

import difflib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from agentbox_cli.config.atomic import locked_directory
from agentbox_cli.config.envfile import masked, values_of, with_variable, without_variable
from agentbox_cli.config.files import read_regular
from agentbox_cli.config.redaction import redact
from agentbox_cli.config.references import why_not_sendable
from agentbox_cli.config.secrets import ENV_FILE_LIMIT
from agentbox_cli.config.store import write
from agentbox_cli.errors import ConfigError, UsageError

PRIVATE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvChange:
    """What was done to a `.env` file, or would be.

    Args:
        existed: whether the variable stood there before.
        changed: whether the file is another one now.
        diff: the changed lines as a unified diff, with masks for values.
    """

    existed: bool
    changed: bool
    diff: str


def checked_key(text: str) -> SecretStr:
    """A key as it was typed or piped, without blanks and the line end around it.

    Raises:
        UsageError: it is empty, or cannot stand in a header, as with a line break in it.
    """
    key = text.removesuffix("\n").removesuffix("\r").strip(" \t")
    if not key:
        raise UsageError("the key is empty", hint="nothing was written")
    if reason := why_not_sendable(key):
        raise UsageError(f"the key {reason}", hint="a key is one line of plain text")
    return SecretStr(key)


def put_key(file: Path, variable: str, key: SecretStr | None, *, dry_run: bool) -> EnvChange:
    """Set a variable in a `.env` file, which is made if it is missing, with mode 0600.

    Args:
        file: the `.env` file.
        variable: its name.
        key: its value; None stands for any, in a dry run.
        dry_run: write nothing.

    Raises:
        ConfigError: the file cannot be read or written, or has a line that makes it unsafe.
    """
    value = key.get_secret_value() if key else "any"
    return _change(
        file, variable, lambda text: with_variable(text, variable, value), dry_run=dry_run
    )


def drop_key(file: Path, variable: str, *, dry_run: bool) -> EnvChange:
    """Remove a variable from a `.env` file.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    return _change(file, variable, lambda text: without_variable(text, variable), dry_run=dry_run)


def _change(file: Path, variable: str, edit: Callable[[str], str], *, dry_run: bool) -> EnvChange:
    with nullcontext() if dry_run else _locked(file.parent):
        before = _read(file)
        after = edit(before)
        if before != after and not dry_run:
            _write(file, after)
    return EnvChange(
        existed=variable in values_of(before),
        changed=before != after,
        diff=_diff(file, masked(before), masked(after, changed=variable)),
    )


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(locked_directory(directory))
        except OSError as error:
            raise ConfigError(f"{directory} cannot be used: {error.strerror}") from error
        yield


def _read(file: Path) -> str:
    if not file.exists() and not file.is_symlink():
        return ""
    try:
        return read_regular(file, ENV_FILE_LIMIT).data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8 text") from None


def _write(file: Path, text: str) -> None:
    try:
        if file.exists():
            # Closed before the key is in it: the new file takes over the mode of the old one.
            file.chmod(PRIVATE)
    except OSError as error:
        raise ConfigError(f"{file} cannot be made private: {error.strerror}") from error
    write(file, text, mode=PRIVATE)


def _diff(file: Path, before: str, after: str) -> str:
    # No lines around the change: they are about other keys.
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), str(file), str(file), n=0, lineterm=""
    )
    return redact("\n".join(lines), ())
