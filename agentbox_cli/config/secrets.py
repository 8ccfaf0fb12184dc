"""Keys: where `${NAME}` finds its value, and how a value is kept out of every text.

A value is a `SecretStr` from the moment it is read; messages name variables and files only.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import SecretStr

from agentbox_cli.config.dummy import DUMMY_KEY
from agentbox_cli.config.envfile import odd_lines, values_of
from agentbox_cli.config.files import Contents, read_regular
from agentbox_cli.config.references import Reference, ReferenceSyntaxError, split, why_not_sendable
from agentbox_cli.errors import ConfigError

PROJECT_ENV = ".agentbox/.env"
HOST_ENV = ".env"
ENVIRONMENT = "environment"
KEYRING = "keyring"

# A key is one line; 64 KiB leaves room for tokens of every kind.
KEY_FILE_LIMIT = 64 * 1024
ENV_FILE_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A key, and where it comes from.

    `environment`, `NAME_FILE`, `.agentbox/.env`, `.env` or `keyring`.
    """

    value: SecretStr
    source: str


Lookup = Callable[[str], Found | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """A template with its references replaced.

    Args:
        value: None if a reference has no value.
        missing: the variables without a value.
        sources: where values were found, without repetition.
    """

    value: SecretStr | None
    missing: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _EnvFile:
    values: Mapping[str, SecretStr]
    warnings: tuple[str, ...] = ()


class SecretSources:
    """Where keys are looked up; each file is read once, so a reload makes a new one.

    Args:
        environ: the environment of the process.
        working_dir: where `.agentbox/.env` may stand; None for nowhere.
        config_dir: the directory of config.yml, where `.env` may stand.
        api_key_names: the variables that an `api_key` refers to. Only these are taken from
            `.agentbox/.env`, which may come from somebody else's repository.
        keyring_names: the variables that the keyring is asked for.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        working_dir: Path | None,
        config_dir: Path,
        *,
        api_key_names: Collection[str],
        keyring_names: Collection[str] = (),
    ) -> None:
        self._environ = environ
        self._working_dir = working_dir
        self._config_dir = config_dir
        self._api_key_names = frozenset(api_key_names)
        self._keyring_names = frozenset(keyring_names)
        self._keyring_failure: str | None = None

    def lookup(self, name: str) -> Found | None:
        """Find the value of a variable; an empty one counts as missing.

        Raises:
            ConfigError: the value cannot be a key, `NAME_FILE` cannot be read, or both `NAME` and
                `NAME_FILE` are set.
        """
        found = self._from_environment(name) or self._from_files(name) or self._from_keyring(name)
        if found is not None:
            _refuse_unsendable(name, found)
        return found

    def why_missing(self, name: str) -> str:
        """Say of a variable without a value whether it is unset or empty, or for agents."""
        if self._environ.get(name) == DUMMY_KEY:
            return f"{name} is set to {DUMMY_KEY!r}, which is for agents and no key"
        if name in self._environ:
            return f"{name} is set but empty"
        return f"{name} is not set"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What people should know about the files that keys were looked for in."""
        failure = (self._keyring_failure,) if self._keyring_failure else ()
        return (*self._project.warnings, *self._host.warnings, *failure)

    def _from_environment(self, name: str) -> Found | None:
        value = self._set(name)
        file = self._environ.get(f"{name}_FILE")
        if value and file:
            raise ConfigError(
                f"both {name} and {name}_FILE are set", hint=f"unset one: unset {name}_FILE"
            )
        if value:
            return Found(value=SecretStr(value), source=ENVIRONMENT)
        if file:
            path = (self._working_dir or Path()) / Path(file).expanduser()
            return Found(value=read_key_file(path, f"{name}_FILE"), source=f"{name}_FILE")
        return None

    def _set(self, name: str) -> str:
        """The value in the environment; a shell that agents are started from may hold no key."""
        value = self._environ.get(name, "").strip(" \t")
        return "" if value == DUMMY_KEY else value

    def _from_files(self, name: str) -> Found | None:
        if name in self._api_key_names and name in self._project.values:
            return Found(value=self._project.values[name], source=PROJECT_ENV)
        if name in self._host.values:
            return Found(value=self._host.values[name], source=HOST_ENV)
        return None

    def _from_keyring(self, name: str) -> Found | None:
        if name not in self._keyring_names or self._keyring_failure:
            return None  # one that fails may have asked somebody, who need not be asked again
        from agentbox_cli.config.keyrings import (  # noqa: PLC0415 - few have a key there
            KeyringError,
            find_key,
        )

        try:
            key = find_key(name)
        except KeyringError as error:
            self._keyring_failure = f"{name} was put into the keyring: {error.message}"
            return None
        return Found(value=key, source=KEYRING) if key else None

    @cached_property
    def _project(self) -> _EnvFile:
        if self._working_dir is None:
            return _EnvFile(values={})
        path = self._working_dir / PROJECT_ENV
        if _is_link(path) or _is_link(path.parent):
            # A clone can bring one that leads to the keys of another project of the user.
            return _EnvFile(values={}, warnings=(f"{path} is ignored: it is a link",))
        return _env_file(path, _if_private)

    @cached_property
    def _host(self) -> _EnvFile:
        return _env_file(self._config_dir / HOST_ENV, _warn_if_shared)


def read_key_file(path: Path, variable: str) -> SecretStr:
    """Read a key from a file: one line, whose end and byte order mark are dropped.

    Raises:
        ConfigError: the file cannot be read, is empty, or holds more than one line of text.
    """
    try:
        text = _decoded(read_regular(path, KEY_FILE_LIMIT)).rstrip("\r\n").strip(" \t")
    except ConfigError as error:
        raise ConfigError(f"{variable}: {error.message}", hint=error.hint) from error
    except UnicodeDecodeError:
        raise ConfigError(f"{variable}: {path} is not UTF-8 text") from None
    if not text:
        raise ConfigError(f"{variable}: {path} is empty", hint="write the key into it")
    if reason := why_not_sendable(text):
        raise ConfigError(f"{variable}: {path} {reason}", hint="a key is one line of plain text")
    return SecretStr(text)


def expand(template: SecretStr | str, lookup: Lookup) -> Expanded:
    """Replace `${NAME}` and `${NAME:-default}`; `$${` becomes a literal `${`.

    Raises:
        ConfigError: a reference is malformed, or the text cannot stand in a header.
    """
    text = template.get_secret_value() if isinstance(template, SecretStr) else template
    values, missing, sources = [], [], []
    for part in _split(text):
        found = lookup(part.name) if isinstance(part, Reference) else None
        if found is not None:
            values.append(found.value.get_secret_value())
            sources.append(found.source)
        elif isinstance(part, str):
            values.append(part)
        elif part.default:
            values.append(part.default)
        else:
            missing.append(part.name)
    value = "".join(values)
    if reason := why_not_sendable(value):
        raise ConfigError(f"a key or header in config.yml {reason}")
    return Expanded(
        value=None if missing or not value.strip() else SecretStr(value),
        missing=tuple(dict.fromkeys(missing)),
        sources=tuple(dict.fromkeys(sources)),
    )


def _split(text: str) -> tuple[str | Reference, ...]:
    try:
        return split(text)
    except ReferenceSyntaxError as error:
        raise ConfigError(f"a key or header in config.yml: {error}") from None


def _refuse_unsendable(name: str, found: Found) -> None:
    if reason := why_not_sendable(found.value.get_secret_value()):
        raise ConfigError(
            f"{name} ({found.source}) {reason}, so it cannot be a key",
            hint=f"set {name} to the key alone, on one line",
        )


Verdict = tuple[bool, str | None]


def _if_private(contents: Contents) -> Verdict:
    if contents.is_private:
        return True, None
    return False, "is ignored: it must belong to you, and be open to nobody else (chmod 600)"


def _warn_if_shared(contents: Contents) -> Verdict:
    if contents.is_private:
        return True, None
    return True, "holds keys but is open to other users: chmod 600"


def _env_file(path: Path, judge: Callable[[Contents], Verdict]) -> _EnvFile:
    if not _stands(path):
        return _EnvFile(values={})
    try:
        contents = read_regular(path, ENV_FILE_LIMIT)
        text = _decoded(contents)
    except ConfigError as error:
        return _EnvFile(values={}, warnings=(f"{error.message}; it is ignored",))
    except UnicodeDecodeError:
        return _EnvFile(values={}, warnings=(f"{path} is not UTF-8 text; it is ignored",))
    is_used, warning = judge(contents)
    warnings = [f"{path} {warning}"] if warning else []
    if is_used and (lines := odd_lines(text)):
        warnings.append(f"{path}: line {lines[0]} is no NAME=value and is passed over")
    return _EnvFile(values=_parsed(text) if is_used else {}, warnings=tuple(warnings))


def _stands(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # it may be there, behind a directory that is closed to us


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:
        return False  # then it cannot be read either


def _decoded(contents: Contents) -> str:
    return contents.data.decode("utf-8-sig")


def _parsed(text: str) -> dict[str, SecretStr]:
    values = values_of(text).items()
    return {name: SecretStr(value) for name, value in values if value and value.strip()}
