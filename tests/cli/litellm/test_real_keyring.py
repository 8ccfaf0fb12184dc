"""The real package `keyring`, whose backend a process chooses when it starts."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KEY = "dummy-key-0123456789"
CONFIG = """\
litellm:
  providers:
    openai: {}
  models:
    default: [{provider: openai, model: gpt-4o}]
"""


def agentbox(backend: str, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "agentbox_cli", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHON_KEYRING_BACKEND": backend,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
    )


def put(backend: str) -> subprocess.CompletedProcess[str]:
    login = ("litellm", "providers", "login", "openai", "--keyring", "--stdin")
    return agentbox(backend, *login, typed=f"{KEY}\n")


def key_of_openai(backend: str) -> Any:
    told = agentbox(backend, "litellm", "providers", "--json").stdout
    (row,) = [row for row in json.loads(told)["providers"] if row["name"] == "openai"]
    return row["key"], row["key_source"]


def test_a_key_goes_in_is_found_last_and_goes_out(home: Path, config_yml: Path) -> None:
    config_yml.write_text(CONFIG)
    backend = "tests.fakes.file_keyring.FileKeyring"
    assert key_of_openai(backend) == ("missing", None)
    came = put(backend)
    assert (came.returncode, came.stdout) == (0, "put OPENAI_API_KEY into the keyring\n")
    assert KEY not in came.stdout + came.stderr
    assert json.loads((home / "keyring.json").read_text()) == {"agentbox/OPENAI_API_KEY": KEY}
    assert not config_yml.with_name(".env").exists()
    assert key_of_openai(backend) == ("set", "keyring")
    assert agentbox(backend, "config", "check").returncode == 0
    env = config_yml.with_name(".env")
    env.touch(mode=0o600)
    env.write_text("OPENAI_API_KEY=dummy-2\n")
    assert key_of_openai(backend) == ("set", ".env")
    env.unlink()
    gone = agentbox(backend, "litellm", "providers", "logout", "openai", "--keyring")
    assert (gone.returncode, gone.stdout) == (0, "removed OPENAI_API_KEY from the keyring\n")
    assert key_of_openai(backend) == ("missing", None)


def test_a_machine_without_one_is_told_when_it_is_asked_for_and_otherwise_silent(
    config_yml: Path,
) -> None:
    config_yml.write_text(CONFIG)
    backend = "keyring.backends.fail.Keyring"
    checked = agentbox(backend, "config", "check", "--json")
    rules = {problem["rule"] for problem in json.loads(checked.stdout)["problems"]}
    assert rules == {"key-not-set", "no-usable-link"}
    came = put(backend)
    assert (came.returncode, came.stdout) == (3, "")
    assert "there is none on this machine" in came.stderr


def test_no_package_is_loaded_for_keys_that_were_not_put_there(config_yml: Path) -> None:
    config_yml.write_text(CONFIG)
    trap = "no.such.module.Keyring"
    checked = agentbox(trap, "config", "check", "--json")
    rules = {problem["rule"] for problem in json.loads(checked.stdout)["problems"]}
    assert rules == {"key-not-set", "no-usable-link"}
    put("tests.fakes.file_keyring.FileKeyring")
    asked = agentbox(trap, "config", "check", "--json")
    assert "key-source" in {problem["rule"] for problem in json.loads(asked.stdout)["problems"]}


@pytest.mark.parametrize("backend", ["no.such.module.Keyring", "tests.fakes.keyring.NoSuch"])
def test_a_backend_that_cannot_be_loaded_is_a_warning(config_yml: Path, backend: str) -> None:
    config_yml.write_text(CONFIG)
    put("tests.fakes.file_keyring.FileKeyring")
    checked = agentbox(backend, "config", "check")
    assert checked.returncode == 3
    assert "the keyring cannot be read: " in checked.stdout
    assert "Traceback" not in checked.stderr
