"""What a TAB takes in a real shell on a real terminal, beside one that offers two fixed words."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figure, of_rounds
from benchmarks.lineup import Effort
from benchmarks.processes import ROOT, environment, private_directory
from benchmarks.startup import AGENTBOX
from tests.fakes.terminal import Terminal

TAB_MS = 10.0
BARE = "bare word"
# What is typed, and what TAB adds to it on the screen.
TYPED: Mapping[str, tuple[str, str]] = {
    BARE: ("bare sto", "p"),
    "command": ("agentbox litellm sto", "p"),
    "alias": ("agentbox litellm ask -m defa", "ult"),
    "config path": ("agentbox config get litellm.router.tim", "eout"),
}
SCRIPTS = {"bash": "agentbox.bash", "zsh": "_agentbox", "fish": "agentbox.fish"}
BARE_COMMAND = {
    "bash": "complete -W 'start stop' bare",
    "zsh": "_bare() { compadd start stop }; compdef _bare bare",
    "fish": "complete -c bare -f -a 'start stop'",
}
HEAD = "litellm:\n  providers: {openai: {}}\n  router:\n    timeout: 60\n  models:\n"
ALIAS = "    {}:\n      - provider: openai\n        model: gpt-4o\n"
# Config files by their number of aliases; the large one has 500 lines.
SIZES = {"": 4, ", 500 lines": 165}


def tabs(effort: Effort) -> Iterator[Figure]:
    """Milliseconds from the key to the word on the screen."""
    for shell in SCRIPTS:
        if shutil.which(shell) is None:
            print(f"  {shell} is not installed", file=sys.stderr)
            continue
        for size, aliases in SIZES.items():
            with _shell(shell, aliases) as terminal:
                taken = _taken(terminal, effort.rounds)
            for name, values in taken.items():
                told = f"TAB, {shell}{size}: {name}"
                yield of_rounds(told, values, "ms", at_most=None if name == BARE else TAB_MS)


def _taken(terminal: Terminal, rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in TYPED}
    for number in range(rounds + 1):
        for name, (typed, shown) in TYPED.items():
            seconds = terminal.seconds_of_tab(typed, shown)
            if number:  # in the first round the words are made
                times[name].append(seconds * 1_000)
    return times


@contextmanager
def _shell(shell: str, aliases: int) -> Iterator[Terminal]:
    with private_directory() as directory:
        names = ["default", *(f"alias-{number}" for number in range(1, aliases))]
        _write_config(directory, HEAD + "".join(map(ALIAS.format, names)))
        variables = environment(directory)
        variables["PATH"] = f"{AGENTBOX.parent}:{variables['PATH']}"
        with Terminal(shell, variables, directory) as terminal:
            terminal.run(f"source {ROOT / 'completions' / SCRIPTS[shell]}")
            terminal.run(BARE_COMMAND[shell])
            yield terminal


def _write_config(directory: Path, text: str) -> None:
    file = directory / "config" / "agentbox" / "config.yml"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
