"""What every test stands on: a home of its own."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.fakes.commandline import Agentbox, Result

# How long an example takes tells how busy the machine is.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST", "COVERAGE_FILE")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private home; no key, proxy or agentbox variable of the real one reaches a test."""
    for name in list(os.environ):
        if name not in KEPT and not name.startswith(("PYTEST_", "COV_")):
            monkeypatch.delenv(name)
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(private))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(private / kind.lower()))
    return private


@pytest.fixture
def agentbox(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Agentbox:
    """Runs a command line in this process, in an empty directory."""
    from agentbox_cli.front import main

    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)

    def run(*arguments: str) -> Result:
        environment = dict(os.environ)
        capsys.readouterr()
        try:
            code = main(list(arguments))
        finally:
            os.environ.clear()
            os.environ.update(environment)
        told = capsys.readouterr()
        return Result(exit_code=code, out=told.out, err=told.err)

    return run
