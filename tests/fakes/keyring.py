"""A keyring in memory, in the place of the optional package."""

import sys
from dataclasses import dataclass, field
from types import ModuleType

import pytest


class NoKeyringError(RuntimeError):
    """What the package raises where no backend works."""


@dataclass
class FakeKeyring:
    """The keys by service and name; with `failure`, every call raises it."""

    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    failure: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def get_password(self, service: str, username: str) -> str | None:
        self._maybe_fail(username)
        return self.keys.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._maybe_fail(username)
        self.keys[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._maybe_fail(username)
        del self.keys[service, username]

    def _maybe_fail(self, username: str) -> None:
        self.asked.append(username)
        if self.failure is not None:
            raise self.failure


def install(monkeypatch: pytest.MonkeyPatch) -> FakeKeyring:
    """Make `import keyring` give a fake one."""
    fake = FakeKeyring()
    module = ModuleType("keyring")
    for name in ("get_password", "set_password", "delete_password"):
        setattr(module, name, getattr(fake, name))
    monkeypatch.setitem(sys.modules, "keyring", module)
    return fake


def uninstall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `import keyring` fail, as without the extra."""
    monkeypatch.setitem(sys.modules, "keyring", None)
