import os
from pathlib import Path

import pytest
import typer

from agentbox_cli.errors import AgentboxError, ConfigError, NotSo, ProxyError, UsageStoreError
from tests.fakes.commandline import Agentbox, Result


def status_that(
    raises: BaseException, agentbox: Agentbox, monkeypatch: pytest.MonkeyPatch
) -> Result:
    """The end of a command whose service raises."""

    def fail(_: object) -> None:
        raise raises

    monkeypatch.setattr("agentbox_cli.daemon.probe.probe", fail)
    return agentbox("litellm", "status")


@pytest.mark.parametrize("kind", [NotSo, ConfigError, ProxyError, UsageStoreError])
def test_an_error_for_people_is_one_line_a_hint_and_its_exit_code(
    kind: type[AgentboxError], agentbox: Agentbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = status_that(kind("it is so", hint="do this"), agentbox, monkeypatch)
    assert result.exit_code == kind.exit_code
    assert (result.out, result.err) == ("", "error: it is so\nhint: do this\n")


def test_an_error_without_a_hint_is_one_line(
    agentbox: Agentbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status_that(NotSo("it is so"), agentbox, monkeypatch).err == "error: it is so\n"


def test_an_unexpected_error_is_one_line_and_a_private_file(
    agentbox: Agentbox, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    error = ZeroDivisionError("with sk-abcdef0123456789 in it")
    result = status_that(error, agentbox, monkeypatch)
    file = home / "state" / "agentbox" / "bug.log"
    assert result.exit_code == 70
    assert result.err == (
        "error: agentbox failed by a fault of its own: ZeroDivisionError\n"
        f"hint: please report it with {file}\n"
    )
    assert "Traceback" in file.read_text()
    assert "abcdef" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_bug_is_told_even_where_no_file_can_be_written(
    agentbox: Agentbox, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    (home / "state").write_text("a file in the way")
    result = status_that(ZeroDivisionError(), agentbox, monkeypatch)
    assert result.exit_code == 70
    assert result.err.endswith("hint: please report it\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EOFError(), typer.Abort()])
def test_an_interrupt_ends_with_130(
    error: BaseException, agentbox: Agentbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = status_that(error, agentbox, monkeypatch)
    assert (result.exit_code, result.err) == (130, "\n")


def test_the_exit_code_of_a_command_is_that_of_the_process(agentbox: Agentbox) -> None:
    assert agentbox("litellm", "status").exit_code == 1


def test_a_command_line_leaves_the_environment_as_it_was(agentbox: Agentbox) -> None:
    agentbox("--no-plugins", "litellm", "status")
    assert "AGENTBOX_NO_PLUGINS" not in os.environ


def test_a_wrong_choice_is_told_without_the_words_of_a_library(agentbox: Agentbox) -> None:
    result = agentbox("completions", "tcsh")
    assert result.exit_code == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in result.err
    assert "Value error" not in result.err


def test_a_working_directory_that_is_gone_is_told(
    agentbox: Agentbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yml"
    config.write_text("litellm: {models: {default: [{provider: simulated, model: echo}]}}\n")
    monkeypatch.setenv("AGENTBOX_CONFIG", str(config))
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    result = agentbox("litellm", "render", "--standalone")
    monkeypatch.chdir(tmp_path)
    assert result.exit_code == 2
    assert result.err.startswith("error: the directory that this was called in is gone\n")
