"""The desktop's keyring as a place of keys, where the optional package `keyring` is installed."""

import importlib
from typing import Any

from pydantic import SecretStr

from agentbox_cli.errors import ConfigError

SERVICE = "agentbox"

_INSTALL = "pip install 'agentbox-cli[keyring]'"


class KeyringError(ConfigError):
    """The keyring cannot be used; the message holds nothing of a key."""


def find_key(variable: str) -> SecretStr | None:
    """Look a key up; None where there is no such key.

    Raises:
        KeyringError: the package is not installed, there is no keyring, or it fails.
    """
    package = _installed()
    try:
        value = package.get_password(SERVICE, variable)
    except Exception as error:  # noqa: BLE001 - a backend may raise what it likes
        raise _failed("read", error) from None
    return SecretStr(value) if value else None


def require_keyring() -> None:
    """Raise KeyringError unless the package for it is installed."""
    _installed()


def put_key(variable: str, key: SecretStr) -> None:
    """Store a key under the name of its variable.

    Raises:
        KeyringError: the package is not installed, there is no keyring, or it fails.
    """
    package = _installed()
    try:
        package.set_password(SERVICE, variable, key.get_secret_value())
    except Exception as error:  # noqa: BLE001 - as above
        raise _failed("written", error) from None


def drop_key(variable: str) -> bool:
    """Remove a key; whether there was one.

    Raises:
        KeyringError: the package is not installed, there is no keyring, or it fails.
    """
    package = _installed()
    try:
        if not package.get_password(SERVICE, variable):
            return False
        package.delete_password(SERVICE, variable)
    except Exception as error:  # noqa: BLE001 - as above
        raise _failed("written", error) from None
    return True


def _installed() -> Any:
    package = _package()
    if package is None:
        raise KeyringError("the package `keyring` is not installed", hint=_INSTALL)
    return package


def _package() -> Any | None:
    try:
        return importlib.import_module("keyring")
    except ImportError:
        return None


def _is_absent(error: Exception) -> bool:
    # What keyring raises where no backend works, as in most containers.
    return type(error).__name__ == "NoKeyringError"


def _failed(verb: str, error: Exception) -> KeyringError:
    # Only the kind: a backend's message may hold anything.
    why = "there is none on this machine" if _is_absent(error) else type(error).__name__
    return KeyringError(f"the keyring cannot be {verb}: {why}", hint="use .env instead")
