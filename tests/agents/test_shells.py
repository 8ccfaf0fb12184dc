"""Real shells read what is printed for them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from agentbox_cli.agents.launching import Start
from agentbox_cli.agents.shells import SHELLS, script, shell_of

ODD = 'it\'s "a" $HOME `x` \\ {}\n;'


@pytest.fixture(autouse=True)
def own_home(home: Path) -> None:
    """fish writes to its home."""


def run(shell: str, text: str) -> subprocess.CompletedProcess[str]:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    return subprocess.run(
        [shell, "-c", text],
        env={"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"], "GONE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_has_every_variable_as_it_is(shell: str) -> None:
    start = Start(env={"A_B": ODD}, unset=("GONE",), args=("-c",), shell_args=False)
    text = script("agent", start, shell)
    done = run(shell, f'{text}env | grep -c GONE; printf %s "$A_B"')
    assert (done.stdout, done.stderr) == (f"0\n{ODD}", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_an_agent_that_needs_arguments_gets_a_function_of_its_name(shell: str) -> None:
    start = Start(env={}, unset=(), args=("%s|%s|%s", ODD), shell_args=True)
    done = run(shell, f"{script('printf', start, shell)}printf 'two words' three")
    assert (done.stdout, done.stderr) == (f"{ODD}|two words|three", "")


@pytest.mark.parametrize(
    ("path", "shell"),
    [("/usr/bin/fish", "fish"), ("/bin/zsh", "zsh"), ("", "bash"), ("sh", "bash")],
)
def test_the_shell_is_that_of_the_user(path: str, shell: str) -> None:
    assert shell_of(path) == shell
