"""A place to type in: a home with a config, and an agentbox on PATH that records its calls."""

import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from docs.completions import FOLDER
from tests.fakes.terminal import Terminal

ROOT = Path(__file__).parents[3]
FILES = {"bash": "agentbox.bash", "zsh": "_agentbox", "fish": "agentbox.fish"}
SHELLS = list(FILES)
CONFIG = """\
litellm:
  providers:
    openai:
      api_key: ${OPENAI_API_KEY}
  models:
    default:
      - {provider: openai, model: gpt-4o}
      - {provider: openai, model: o1}
    ns:deep: [{provider: openai, model: gpt-4o}]
    zed@x+1: [{provider: openai, model: gpt-4o}]
  mcp_servers:
    known: {url: "http://127.0.0.1:9/mcp"}
  model_patterns:
    claude-*: default
    q b: default
    it's: default
    \U0001f600x: default
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where shells are started."""

    work: Path

    @property
    def config(self) -> Path:
        return self.work / "home/config/agentbox/config.yml"

    @property
    def cache(self) -> Path:
        return self.work / "home/cache/agentbox/complete"

    @property
    def program(self) -> Path:
        return self.work / "bin/agentbox"

    def calls(self) -> list[str]:
        """What agentbox was called with so far, in this place."""
        file = self.work / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def forget_calls(self) -> None:
        (self.work / "calls").unlink(missing_ok=True)

    def environment(self) -> dict[str, str]:
        home = self.work / "home"
        return {
            "HOME": str(home),
            "PATH": f"{self.program.parent}:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            **{f"XDG_{kind.upper()}_HOME": str(home / kind) for kind in KINDS},
        }

    def open(self, shell: str, *, uid: int | None = None) -> Terminal:
        """Start a shell that has read the committed script."""
        terminal = Terminal(shell, self.environment(), self.work, uid=uid)
        terminal.run(f"source {FOLDER / FILES[shell]}")
        return terminal


KINDS = ("config", "cache", "data", "state")


def furnish(work: Path) -> Place:
    place = Place(work=work)
    place.config.parent.mkdir(parents=True)
    place.config.write_text(CONFIG, encoding="utf-8")
    place.program.parent.mkdir()
    # -P keeps what stands in the working directory out of Python's way.
    place.program.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >>{shlex.quote(str(work / "calls"))}\n'
        f"PYTHONPATH={shlex.quote(f'{ROOT}:{ROOT}/plugins')} "
        f'exec {shlex.quote(sys.executable)} -P -m agentbox_cli "$@"\n'
    )
    place.program.chmod(0o755)
    (work / "my file.yml").touch()
    return place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A fresh place, in which nothing was completed yet."""
    return furnish(tmp_path / "place")


@pytest.fixture(scope="module", params=SHELLS)
def typist(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Terminal, Place]]:
    """A shell that many tests type in."""
    shared = furnish(tmp_path_factory.mktemp("shells") / request.param)
    with shared.open(request.param) as terminal:
        yield terminal, shared


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    """The name of a shell that is installed."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    name: str = request.param
    return name
