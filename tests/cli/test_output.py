import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from agentbox_cli.cli import output
from tests.fakes.commandline import Agentbox

ESCAPE = "\x1b"
PRINT_TABLE = """
from agentbox_cli.cli.output import table
table(["NAME", "ADDRESS", "STATE"], [
    ["acme", "https://" + "a" * 60 + ".example/v1", "ok"],
    ["other", "https://b.example/v1", "missing"],
])
"""


def on_terminal(script: str, columns: int, **environment: str) -> str:
    """What a script prints on a terminal of that width."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    )
    os.close(follower)
    text = b""
    try:
        while chunk := os.read(leader, 65_536):
            text += chunk
    except OSError:  # Linux answers EIO when the last process has closed the terminal
        pass
    finally:
        os.close(leader)
    assert process.wait(timeout=30) == 0, text
    return text.decode().replace("\r\n", "\n")


def test_elsewhere_than_on_a_terminal_a_table_never_wraps(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    address = f"https://{'a' * 200}.example/v1"
    output.table(["NAME", "ADDRESS", "STATE"], [["acme", address, "ok"], ["b", "-", ""]])
    header, acme, other = capsys.readouterr().out.splitlines()
    assert acme == f"acme  {address}  ok"
    assert other == "b     -"
    assert header == f"NAME  {'ADDRESS'.ljust(len(address))}  STATE"


def test_a_table_without_rows_is_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["NAME", "STATE"], [])
    assert capsys.readouterr().out == "NAME  STATE\n"


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_on_a_terminal_a_table_fits_and_loses_nothing(columns: int) -> None:
    text = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal(PRINT_TABLE, columns))
    assert max(map(len, text.splitlines())) <= columns
    assert text.count("a") >= 60
    assert "…" not in text


def test_a_terminal_gets_colour() -> None:
    assert f"{ESCAPE}[32mok" in on_terminal(PRINT_TABLE, 120)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_can_be_switched_off(environment: dict[str, str]) -> None:
    text = on_terminal(PRINT_TABLE, 120, **environment)
    assert f"{ESCAPE}[32m" not in text
    assert "missing" in text


@pytest.mark.parametrize("environment", [{}, {"TERM": "dumb"}, {"COLUMNS": "40"}])
def test_help_is_plain_on_every_terminal(environment: dict[str, str]) -> None:
    script = "from agentbox_cli.front import main; main(['litellm', '--help'])"
    text = on_terminal(script, 80, **environment)
    assert ESCAPE not in text
    assert max(map(len, text.splitlines())) <= int(environment.get("COLUMNS", 80))


def test_json_is_ascii_and_names_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit_json("thing", {"name": "Größe \udcff"})
    text = capsys.readouterr().out
    assert text.isascii()
    assert json.loads(text) == {"schema": "agentbox.thing/1", "name": "Größe \udcff"}


def test_notices_are_not_part_of_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    output.notice("careful")
    assert capsys.readouterr() == ("", "careful\n")


def test_providers_in_a_pipe_are_one_line_each(agentbox: Agentbox, seed: object) -> None:
    providers = agentbox("litellm", "providers", "--json").document["providers"]
    lines = agentbox("litellm", "providers").out.splitlines()
    assert len(lines) == 1 + len(providers)
    assert any(line.endswith("https://chat-ai.academiccloud.de/v1") for line in lines)


HOSTILE = "a\x1b]0;pwned\x07\x1b[2J\x9b31m\u202eb"
PRINT_HOSTILE = f"""
import sys
from agentbox_cli.cli.output import notice, say, table
table(["NAME"], [[{HOSTILE!r}]])
say({HOSTILE!r} + "\\n\\tnext")
notice({HOSTILE!r})
"""


def test_what_others_call_themselves_commands_no_terminal() -> None:
    shown = on_terminal(PRINT_HOSTILE, 80)
    assert shown.count("a�]0;pwned��[2J�31m�b") == 3
    assert "�b\n        next" in shown.expandtabs()
    assert not {"\x07", "\x9b", "\u202e"} & set(shown)
    assert "\x1b]0" not in shown
    assert "\x1b[2J" not in shown


def test_a_program_gets_a_text_as_it_is_and_a_table_without_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.say(HOSTILE)
    output.table(["NAME"], [[HOSTILE]])
    first, _, row = capsys.readouterr().out.split("\n")[:3]
    assert first == HOSTILE
    assert row == "a�]0;pwned��[2J�31m�b"
