"""The ways of docs/completions.md to switch completion on, each gone in a home that is new."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from docs.completions import FOLDER
from tests.cli.completion.conftest import CONFIG, ROOT, Place
from tests.fakes.terminal import Terminal

PAGE = (ROOT / "docs" / "completions.md").read_text(encoding="utf-8")
ROWS = re.compile(r"^\| (bash|zsh|fish) \| `([^`]+)`(?: in `~/([^`]+)`)?", re.MULTILINE)
COMPINIT = "autoload -Uz compinit; compinit -u -D\n"
# Where Debian and others have the program that loads completions of bash when they are needed.
LOADER = Path("/usr/share/bash-completion/bash_completion")
# In the home or in a prefix such as /usr/local, by what the shell is told of the prefix.
WHEEL = {
    "bash": "share/bash-completion/completions/agentbox",
    "zsh": "share/zsh/site-functions/_agentbox",
    "fish": "share/fish/vendor_completions.d/agentbox.fish",
}


@pytest.fixture
def new(place: Place) -> Place:
    """A home without any file but config.yml, and a shell that is told nothing but HOME."""
    shutil.rmtree(place.work / "home")
    file = home(place) / ".config/agentbox/config.yml"
    file.parent.mkdir(parents=True)
    file.write_text(CONFIG, encoding="utf-8")
    return place


def home(place: Place) -> Path:
    return place.work / "home"


def start(place: Place, shell: str, **more: str) -> Terminal:
    """Start a shell that reads the files of its user."""
    environment = {
        name: value for name, value in place.environment().items() if name[:4] != "XDG_"
    }
    return Terminal(shell, environment | more, place.work, user=True)


def words_of(place: Place) -> list[Path]:
    return sorted((home(place) / ".cache/agentbox/complete").iterdir())


def check(terminal: Terminal) -> None:
    assert terminal.complete("agentbox litellm sto") == "agentbox litellm stop "
    assert terminal.complete("agentbox litellm ask -m ns") == "agentbox litellm ask -m ns:deep "


def test_the_page_has_a_way_for_each_shell() -> None:
    assert {shell for shell, _, _ in ROWS.findall(PAGE)} == set(WHEEL)


def test_what_the_page_tells_to_do_is_enough(new: Place, shell: str) -> None:
    ((command, file),) = [row[1:] for row in ROWS.findall(PAGE) if row[0] == shell]
    if file:
        (home(new) / file).write_text((COMPINIT if shell == "zsh" else "") + f"{command}\n")
    else:
        with start(new, shell) as terminal:
            terminal.run(command)
    with start(new, shell) as terminal:
        check(terminal)
    assert words_of(new)


@pytest.mark.parametrize(
    ("shell", "file", "rc"),
    [
        ("bash", ".local/share/bash-completion/completions/agentbox", f". {LOADER}\n"),
        ("zsh", ".zfunc/_agentbox", f"fpath+=(~/.zfunc); {COMPINIT}"),
    ],
    indirect=["shell"],
)
def test_a_script_that_stands_in_a_file_saves_the_start_of_python(
    new: Place, shell: str, file: str, rc: str
) -> None:
    if shell == "bash" and not LOADER.exists():
        pytest.skip("bash-completion is not installed")
    (home(new) / f".{shell}rc").write_text(rc)
    target = home(new) / file
    target.parent.mkdir(parents=True)
    target.write_bytes(printed(new, shell))
    new.forget_calls()
    with start(new, shell) as terminal:
        assert terminal.complete("agentbox litellm sto") == "agentbox litellm stop "
        assert new.calls() == []
        check(terminal)


def test_an_installed_wheel_is_found_by_the_shell(new: Place, shell: str) -> None:
    if shell == "bash" and not LOADER.exists():
        pytest.skip("bash-completion is not installed")
    prefix = new.work / "prefix"
    target = prefix / WHEEL[shell]
    target.parent.mkdir(parents=True)
    shutil.copy(FOLDER / {"zsh": "_agentbox"}.get(shell, f"agentbox.{shell}"), target)
    (home(new) / ".bashrc").write_text(f". {LOADER}\n")
    (home(new) / ".zshrc").write_text(f"fpath+=({target.parent}); {COMPINIT}")
    with start(new, shell, XDG_DATA_DIRS=f"{prefix}/share:/usr/share") as terminal:
        check(terminal)


def test_no_file_of_the_users_shell_is_touched(new: Place) -> None:
    names = [".bashrc", ".bash_profile", ".profile", ".zshrc", ".zprofile", ".zshenv"]
    names += [".config/fish/config.fish"]
    for name in names:
        (home(new) / name).parent.mkdir(parents=True, exist_ok=True)
        (home(new) / name).write_text(f"# mine: {name}\n")
    before = {name: (home(new) / name).stat() for name in names}
    files = {*home(new).rglob("*")}
    for shell in WHEEL:
        assert printed(new, shell)
    assert {*home(new).rglob("*")} == files
    for name in names:
        assert (home(new) / name).read_text() == f"# mine: {name}\n"
        assert (home(new) / name).stat().st_mtime_ns == before[name].st_mtime_ns


def printed(place: Place, shell: str) -> bytes:
    environment = {**place.environment(), "HOME": str(home(place))}
    return subprocess.run(
        [place.program, "completions", shell], env=environment, check=True, capture_output=True
    ).stdout
