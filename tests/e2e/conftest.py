"""A user's home with the real command line, and a cast of simulated providers beside it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.fallback.stage import Cast

SEED = Path(__file__).parent.parent / "data" / "seed-config.yml"
_KINDS = ("CONFIG", "STATE", "CACHE", "DATA")
KEYS = {
    "OPENAI_API_KEY": "sk-dummy-openai-0123456789",
    "GWDG_API_KEY": "dummy-gwdg-0123456789",
    "ANTHROPIC_API_KEY": "sk-ant-dummy-0123456789",
}


@dataclass(frozen=True)
class User:
    """Somebody at a shell, in a home of their own."""

    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.home / "config" / "agentbox" / "config.yml"

    @property
    def state(self) -> Path:
        return self.home / "state" / "agentbox"

    def writes(self, text: str) -> None:
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text, encoding="utf-8")

    def runs(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """`agentbox ...` as a process of its own."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "agentbox_cli", *arguments],
            env={**self._environment(), **more},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    def reads(self, *arguments: str) -> dict[str, Any]:
        """The JSON that a command prints."""
        done = self.runs(*arguments, "--json")
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            **{f"XDG_{k}_HOME": str(self.home / k.lower()) for k in _KINDS},
            **self.environ,
        }


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    somebody = User(tmp_path_factory.mktemp("user"), dict(KEYS))
    yield somebody
    stopped = somebody.runs("litellm", "stop", "--force")
    assert stopped.returncode == 0, stopped.stderr


@pytest.fixture(scope="module")
def cast() -> Iterator[Cast]:
    providers = Cast(["anthropic", "gwdg_saia", "openai"])
    yield providers
    providers.close()


def processes_of(home: Path) -> list[int]:
    """Every process that was started in this home."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environ = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(home).encode() in environ and state != "Z":
            found.append(int(entry.name))
    return found


def section(cast: Cast, models: Mapping[str, Any], **more: Any) -> str:
    """A config whose providers are simulated."""
    bases = cast.addresses
    providers = {
        "openai": {"api_base": f"{bases['openai']}/openai/v1", "api_key": "${OPENAI_API_KEY}"},
        "gwdg_saia": {
            "api_base": f"{bases['gwdg_saia']}/gwdg_saia/v1",
            "api_key": "${GWDG_API_KEY}",
        },
        "anthropic": {
            "api_base": f"{bases['anthropic']}/anthropic",
            "api_key": "${ANTHROPIC_API_KEY}",
        },
    }
    config = {"port": 0, "providers": providers, "models": models, **more}
    return json.dumps({"litellm": config}, indent=2)
