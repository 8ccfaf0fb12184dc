"""What each command imports, and how the process ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentbox_cli import __version__
from tests.fakes.commandline import Agentbox

# Runs a command line, then writes the names of all imported modules to stderr.
WATCH = """
import json, sys
from agentbox_cli.front import main
try:
    main(sys.argv[1:])
finally:
    sys.stdout.flush()
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
HEAVY = {"pydantic", "aiohttp", "litellm", "ruamel", "rich", "asyncio", "httpx", "dotenv"}


def imported(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *arguments], capture_output=True, text=True, check=False
    )
    modules = json.loads(done.stderr.splitlines()[-1])
    return {name.partition(".")[0] for name in modules if not name.startswith("_")}


def third_party(modules: set[str]) -> set[str]:
    # `python -c pass` counts what the environment itself brings, such as editable installs.
    pristine = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    known = {name.partition(".")[0] for name in pristine.stdout.split()}
    return modules - known - set(sys.stdlib_module_names) - {"agentbox_cli"}


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_needs_nothing_but_the_standard_library(option: str) -> None:
    assert third_party(imported(option)) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--help",),
        ("litellm",),
        ("litellm", "--help"),
        ("litellm", "start", "--help"),
        ("litellm", "status"),
        ("litellm", "status", "--json"),
        ("plugins", "list"),
        ("litel",),
    ],
    ids=" ".join,
)
def test_a_light_command_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert imported(*arguments) & HEAVY == set()


def test_a_command_that_reads_the_config_imports_no_server_and_no_engine() -> None:
    assert imported("config", "check") & {"aiohttp", "litellm", "rich", "asyncio"} == set()


def test_the_words_for_a_shell_need_no_shell_of_ours() -> None:
    modules = imported("__complete", "alias", "/nowhere/config.yml")
    assert modules & {"typer", "rich", "aiohttp", "litellm", "asyncio"} == set()


def test_the_version_is_printed(agentbox: Agentbox) -> None:
    for arguments in (["--version"], ["-V"], ["--no-plugins", "--version"]):
        assert agentbox(*arguments).out == f"agentbox {__version__}\n"


def test_the_module_is_the_same_as_the_script() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agentbox_cli", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"agentbox {__version__}\n"


@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-", "<&-"])
@pytest.mark.parametrize("arguments", ["--version", "litellm", "plugins list", "litellm status"])
def test_a_stream_that_the_caller_closed_is_no_fault_of_ours(arguments: str, streams: str) -> None:
    command = f"{sys.executable} -m agentbox_cli {arguments} {streams}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == (1 if arguments == "litellm status" else 0)
    assert done.stderr == ""


def test_a_reader_that_went_away_ends_the_command_with_141() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "agentbox_cli", "plugins", "list"],
            stdout=write_end,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


def test_output_that_cannot_be_written_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "agentbox_cli", "plugins", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
    ],
)
def test_text_that_the_locale_cannot_show_is_escaped(environment: dict[str, str]) -> None:
    arguments = ["--config", "/nowhere/größe.yml", "config", "check"]
    done = subprocess.run(
        [sys.executable, "-m", "agentbox_cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 3
    assert b"there is no config file; looked for /nowhere/gr" in done.stderr


def test_the_variables_of_typers_own_completion_start_nothing(
    agentbox: Agentbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_AGENTBOX_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "agentbox li")
    monkeypatch.setenv("COMP_CWORD", "1")
    result = agentbox("litellm", "status")
    assert (result.exit_code, result.out) == (1, "the proxy is stopped\n")
