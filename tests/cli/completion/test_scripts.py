"""The committed scripts are fresh, and each is a program of its shell."""

import shutil
import subprocess

import pytest

from agentbox_cli.cli.completion.scripts import FILES, Shell
from docs.completions import FOLDER, scripts
from tests.fakes.commandline import Agentbox


def test_every_committed_script_is_fresh() -> None:
    stale = [file.name for file, text in scripts() if file.read_bytes() != text.encode()]
    assert stale == [], "run: make completions"
    assert sorted(file.name for file in FOLDER.iterdir()) == sorted(FILES.values())


@pytest.mark.parametrize("shell", list(Shell))
def test_the_shell_can_read_its_script(shell: Shell) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run(
        [shell, "-n", FOLDER / FILES[shell]], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", list(Shell))
def test_the_command_prints_the_script(agentbox: Agentbox, shell: Shell) -> None:
    result = agentbox("completions", shell)
    assert (result.exit_code, result.err) == (0, "")
    assert result.out == (FOLDER / FILES[shell]).read_text(encoding="utf-8")


def test_another_shell_is_refused(agentbox: Agentbox) -> None:
    result = agentbox("completions", "tcsh")
    assert result.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in result.err


def test_no_mark_of_a_frame_is_left() -> None:
    for _, text in scripts():
        assert not any(line.startswith("@") for line in text.splitlines())
