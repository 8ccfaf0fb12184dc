"""A backend of the real package `keyring` that keeps its keys in a file of the private home."""

import json
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class FileKeyring(KeyringBackend):
    """Named by `PYTHON_KEYRING_BACKEND=tests.fakes.file_keyring.FileKeyring`."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return self._keys().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._file().write_text(json.dumps({**self._keys(), f"{service}/{username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        keys = self._keys()
        if f"{service}/{username}" not in keys:
            raise PasswordDeleteError
        del keys[f"{service}/{username}"]
        self._file().write_text(json.dumps(keys))

    def _keys(self) -> dict[str, str]:
        file = self._file()
        keys: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        return keys

    def _file(self) -> Path:
        return Path.home() / "keyring.json"
