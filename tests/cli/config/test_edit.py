import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox
from tests.fakes.edited import edited_lines
from tests.fakes.on_terminal import OnTerminal

Editor = Callable[[str], None]


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    """Makes a line of shell the user's editor; `$1` is the file to edit."""

    def use(line: str) -> None:
        script = tmp_path / "an editor"
        script.write_text(f"#!/bin/sh\n{line}\n")
        script.chmod(0o700)
        monkeypatch.setenv("EDITOR", f"'{script}' --flag")

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return use


def copies(tmp_path: Path) -> list[Path]:
    return sorted(tmp_path.glob("agentbox-edit-*/config.yml"))


def test_what_the_editor_saves_is_written(
    agentbox: Agentbox, seed: Path, editor: Editor, tmp_path: Path
) -> None:
    before = seed.read_text()
    editor('test "$1" = --flag && sed -i s/4000/4001/ "$2"')
    result = agentbox("config", "edit")
    assert (result.exit_code, result.out, result.err) == (0, f"wrote {seed}\n", "")
    assert edited_lines(before, seed.read_text()) == [
        "-   port: 4000                    # LiteLLM proxy port",
        "+   port: 4001                    # LiteLLM proxy port",
    ]
    assert copies(tmp_path) == []
    assert agentbox("config", "undo").exit_code == 0
    assert seed.read_text() == before


def test_the_copy_is_private_and_has_the_schema_beside_it(
    agentbox: Agentbox, seed: Path, editor: Editor, tmp_path: Path
) -> None:
    editor('ls -l "$(dirname "$2")" > "$HOME/told"; pwd >> "$HOME/told"; stat -c %a "$2" >&2')
    assert agentbox("config", "edit").exit_code == 0
    told = (tmp_path / "home" / "told").read_text()
    assert "config.schema.json" in told
    assert told.count("-rw-------") == 2


def test_nothing_changed_is_fine(agentbox: Agentbox, seed: Path, editor: Editor) -> None:
    before = seed.stat().st_mtime_ns
    editor("true")
    result = agentbox("config", "edit")
    assert (result.exit_code, result.out) == (0, f"{seed} is so already\n")
    assert seed.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("edit", "place"),
    [
        ("s/port: 4000/port: many/", "config.yml:3:9: error: litellm.port: "),
        ("s/openai:/openai: [/", "config.yml:"),
        ("s/provider: openai/provider: opneai/", "did you mean 'openai'?"),
    ],
)
def test_what_is_not_valid_is_kept_but_not_saved(
    *, agentbox: Agentbox, seed: Path, editor: Editor, tmp_path: Path, edit: str, place: str
) -> None:
    before = seed.read_bytes()
    editor(f'sed -i "{edit}" "$2"')
    result = agentbox("config", "edit")
    assert (result.exit_code, result.out) == (3, "")
    assert place in result.err
    (copy,) = copies(tmp_path)
    assert f"your text is kept in {copy}" in result.err
    assert seed.read_bytes() == before
    assert copy.read_bytes() != before
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700


def test_a_broken_file_can_be_mended(agentbox: Agentbox, seed: Path, editor: Editor) -> None:
    sound = seed.read_text()
    seed.write_text(sound.replace("  port: 4000", "\tport: 4000"))
    editor(r'sed -i "s/^\tport/  port/" "$2"')
    assert agentbox("config", "edit").exit_code == 0
    assert seed.read_text() == sound


def test_what_is_edited_by_hand_is_saved_only_without_an_error(
    agentbox: Agentbox, seed: Path, editor: Editor
) -> None:
    broken = seed.read_text().replace("port: 4000", "prot: 4000").replace(": 120", ": soon")
    seed.write_text(broken)
    editor('sed -i "s/: soon/: 120/" "$2"')
    result = agentbox("config", "edit")
    assert (result.exit_code, seed.read_text()) == (3, broken)
    assert "unknown key 'prot'" in result.err


def test_an_editor_that_fails_saves_nothing(
    agentbox: Agentbox, seed: Path, editor: Editor, tmp_path: Path
) -> None:
    before = seed.read_bytes()
    editor('sed -i s/4000/4001/ "$2"; exit 7')
    result = agentbox("config", "edit")
    assert result.exit_code == 1
    assert "ended with 7" in result.err
    assert seed.read_bytes() == before
    assert len(copies(tmp_path)) == 1


@pytest.mark.parametrize("end", ["exit 7", "kill -9 $$", 'rm "$2"', 'rm -r "$(dirname "$2")"'])
def test_nothing_is_kept_of_an_editor_that_changed_nothing(
    *, agentbox: Agentbox, seed: Path, editor: Editor, tmp_path: Path, end: str
) -> None:
    before = seed.read_bytes()
    editor(end)
    result = agentbox("config", "edit")
    assert result.exit_code in (1, 3)
    assert "is kept in" not in result.err
    assert ("was ended by SIGKILL" in result.err) == (end == "kill -9 $$")
    assert seed.read_bytes() == before
    assert list(tmp_path.glob("agentbox-edit-*")) == []


@pytest.mark.parametrize("odd", ["mkfifo", "mkdir"])
def test_a_copy_that_became_no_file_is_kept_and_told(
    *, agentbox: Agentbox, seed: Path, editor: Editor, odd: str
) -> None:
    editor(f'rm "$2"; {odd} "$2"')
    result = agentbox("config", "edit")
    assert result.exit_code == 3
    assert "not a regular file" in result.err
    assert "your text is kept in" in result.err


def test_an_editor_that_cannot_be_run_is_told(
    agentbox: Agentbox, seed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "odd"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o700)
    monkeypatch.setenv("EDITOR", str(script))
    result = agentbox("config", "edit")
    assert result.exit_code == 2
    assert f"the editor {script} cannot be run" in result.err


def test_the_usual_editor_is_not_started_without_a_terminal(
    agentbox: Agentbox, seed: Path
) -> None:
    result = agentbox("config", "edit")
    assert result.exit_code == 2
    assert "vi needs a terminal" in result.err


def test_what_the_editor_prints_is_no_part_of_the_json(seed: Path, editor: Editor) -> None:
    editor('echo noise; sed -i s/4000/4001/ "$2"')
    done = subprocess.run(
        [sys.executable, "-P", "-m", "agentbox_cli", "config", "edit", "--json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert json.loads(done.stdout)["changed"] is True
    assert done.stderr == "noise\n"


@pytest.mark.parametrize(("port", "ok"), [("4001", True), ("many", False)])
def test_json_is_told_of_a_change_that_is_refused_too(
    *, agentbox: Agentbox, seed: Path, editor: Editor, tmp_path: Path, port: str, ok: bool
) -> None:
    editor(f'echo noise; sed -i s/4000/{port}/ "$2"')
    result = agentbox("config", "edit", "--json")
    assert result.exit_code == (0 if ok else 3)
    assert (result.document["ok"], result.document["changed"]) == (ok, ok)
    assert f"+  port: {port}" in result.document["diff"]
    assert len(copies(tmp_path)) == (0 if ok else 1)


def test_another_change_meanwhile_is_not_overwritten(
    agentbox: Agentbox, seed: Path, editor: Editor, tmp_path: Path
) -> None:
    editor(f'sed -i s/4000/4001/ "$2"; echo "# mine" >> "{seed}"')
    result = agentbox("config", "edit")
    assert result.exit_code == 3
    assert "was changed by somebody else meanwhile" in result.err
    assert seed.read_text().endswith("# mine\n")
    assert len(copies(tmp_path)) == 1


@pytest.mark.parametrize("named", ["no-such-editor", "'unclosed"])
def test_an_editor_that_is_not_there_is_named(
    agentbox: Agentbox, seed: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("VISUAL", named)
    result = agentbox("config", "edit")
    assert result.exit_code == 2
    assert "EDITOR" in result.err


def test_a_dry_run_shows_the_diff(agentbox: Agentbox, seed: Path, editor: Editor) -> None:
    before = seed.read_bytes()
    editor('sed -i s/4000/4001/ "$2"')
    result = agentbox("config", "edit", "--dry-run")
    assert (result.exit_code, seed.read_bytes()) == (0, before)
    assert "+  port: 4001" in result.out


def test_on_a_terminal_one_may_try_again(seed: Path, editor: Editor, tmp_path: Path) -> None:
    # The first time the port becomes a word, the second time a number.
    editor('sed -i -e s/many/4001/ -e s/4000/many/ "$2"')
    terminal = OnTerminal("config", "edit")
    terminal.type(b"y\n")
    code, told = terminal.end()
    assert code == 0, told
    assert "must be a whole number" in told
    assert "Edit it again?" in told
    assert "port: 4001" in seed.read_text()
    assert copies(tmp_path) == []


def test_on_a_terminal_one_may_give_up(seed: Path, editor: Editor, tmp_path: Path) -> None:
    before = seed.read_bytes()
    editor('sed -i s/4000/many/ "$2"')
    terminal = OnTerminal("config", "edit")
    terminal.type(b"n\n")
    code, told = terminal.end()
    assert code == 3, told
    assert re.search(r"your text is kept in .*config\.yml", told.replace("\r\n", ""))
    assert seed.read_bytes() == before
    assert len(copies(tmp_path)) == 1


def test_an_interrupt_is_the_editors_own(seed: Path, editor: Editor) -> None:
    editor("trap 'sed -i s/4000/4001/ \"$2\"; exit 0' INT; echo here; while :; do read -r x; done")
    terminal = OnTerminal("config", "edit")
    terminal.until(b"here")
    terminal.type(b"\x03")
    code, told = terminal.end()
    assert (code, f"wrote {seed}" in told.replace("\r\n", "")) == (0, True), told
    assert "port: 4001" in seed.read_text()


def test_an_editor_without_a_trap_dies_of_an_interrupt(seed: Path, editor: Editor) -> None:
    editor("echo here; while :; do read -r x; done")
    terminal = OnTerminal("config", "edit")
    terminal.until(b"here")
    terminal.type(b"\x03")
    code, told = terminal.end()
    assert code == 1
    assert "was ended by SIGINT" in told
