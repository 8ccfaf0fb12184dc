"""What is printed for elsewhere, read by the tools that will read it there."""

import hashlib
import os
import plistlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agentbox_cli import __version__
from agentbox_cli.deploy import export
from agentbox_cli.deploy.export import Program
from agentbox_cli.errors import UsageError
from agentbox_cli.paths import Paths
from tests.fakes.commandline import Agentbox

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
WORDS = ("/opt/agentbox/bin/agentbox", "litellm", "start", "--foreground")


def program(*words: str, **environ: str) -> Program:
    return Program(words=words or WORDS, environ=environ)


def linted(tool: str, *options: str, text: str, name: str, place: Path) -> None:
    file = place / name
    file.write_text(text)
    done = subprocess.run(
        [BIN / tool, *options, str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def wheel_in(place: Path) -> Path:
    file = place / f"agentbox_cli-{__version__}-py3-none-any.whl"
    file.write_bytes(b"not quite a wheel")
    return file


@pytest.mark.parametrize("with_wheel", [False, True])
def test_hadolint_and_its_shellcheck_find_nothing_in_the_dockerfile(
    tmp_path: Path, *, with_wheel: bool
) -> None:
    wheel = wheel_in(tmp_path) if with_wheel else None
    text = export.dockerfile(wheel)
    linted("hadolint", "--no-color", text=text, name="Dockerfile", place=tmp_path)
    assert not re.search(r"@[A-Z]+@", text)


def test_the_dockerfile_installs_what_was_locked_and_leaves_no_tools() -> None:
    text = export.dockerfile()
    assert f"--no-deps --only-binary=:all: agentbox-cli=={__version__};" in text
    assert "--no-deps --only-binary=:all: --require-hashes" in text
    assert "$pip check;" in text
    assert "uninstall --yes setuptools pip" in text
    assert 'CMD ["/opt/agentbox/bin/agentbox", "litellm", "health", "--if-enabled"]' in text
    assert "COPY" not in text


def test_a_wheel_of_ones_own_is_checked_by_its_hash(tmp_path: Path) -> None:
    wheel = wheel_in(tmp_path)
    text = export.dockerfile(wheel)
    assert f"COPY {wheel.name} /tmp/agentbox/\n" in text
    assert f"--hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}'" in text
    assert "agentbox-cli==" not in text


def test_a_file_that_is_no_wheel_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a wheel of agentbox-cli"):
        export.dockerfile(tmp_path / "other-1.0-py3-none-any.whl")
    with pytest.raises(UsageError, match="cannot read"):
        export.dockerfile(tmp_path / "agentbox_cli-1.0-py3-none-any.whl")


def test_shellcheck_finds_nothing_in_the_init_script(tmp_path: Path) -> None:
    text = export.container_init()
    options = ("--shell=sh", "--enable=all", "--exclude=SC2250")  # `$x` for `${x}` is a taste
    linted("shellcheck", *options, text=text, name="agentbox-init", place=tmp_path)
    assert not re.search(r"@[A-Z]+@", text)
    assert " -c " not in text.replace("su -s /bin/sh", "").replace('"$user" -c', ""), (
        "no program in a line"
    )


def test_the_lock_has_a_hash_for_each_version() -> None:
    assert export.lock() == (ROOT / "requirements.lock").read_text()
    pinned = re.findall(r"^([a-z0-9.-]+)(?:\[[a-z]+\])?==\S+(.*)$", export.lock(), re.MULTILINE)
    assert len(pinned) > 50
    assert all(rest.endswith("\\") for _, rest in pinned)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    odd = tmp_path / 'a "bin" with % and $'
    odd.mkdir()
    command = odd / "agentbox"
    command.symlink_to("/bin/true")
    spaced = tmp_path / "a b"
    spaced.symlink_to("/bin/true")
    for words in (
        (str(command), "litellm"),
        (str(spaced),),
        ("/bin/true", "--config", "/a b/$c%d\\e"),
    ):
        unit = tmp_path / "agentbox.service"
        unit.write_text(export.systemd(program(*words, XDG_STATE_HOME="/a b/50%")))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--user", str(unit)],
            env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_finds_the_same_files_and_holds_no_key() -> None:
    unit = export.systemd(
        program(XDG_STATE_HOME="/a b/50%", AGENTBOX_CONFIG="/c.yml", OPENAI_API_KEY="sk-secret")
    )
    assert 'Environment="XDG_STATE_HOME=/a b/50%%"\n' in unit
    assert "Environment=AGENTBOX_CONFIG=/c.yml\n" in unit
    assert "sk-secret" not in unit


def test_the_property_list_is_one_and_holds_no_key(tmp_path: Path) -> None:
    paths = Paths(config_dir=tmp_path, state_dir=tmp_path, cache_dir=tmp_path, data_dir=tmp_path)
    text = export.launchd(program("/a & b/<c>", XDG_DATA_HOME="/d", OPENAI_API_KEY="sk-no"), paths)
    job = plistlib.loads(text.encode(), fmt=plistlib.FMT_XML)
    assert job["ProgramArguments"] == ["/a & b/<c>"]
    assert job["EnvironmentVariables"] == {"XDG_DATA_HOME": "/d"}
    assert job["StandardErrorPath"] == str(tmp_path / "litellm.log")
    assert job["KeepAlive"] == {"SuccessfulExit": False}
    assert "sk-no" not in text


@pytest.mark.parametrize("what", ["dockerfile", "container-init", "systemd", "launchd"])
def test_each_is_printed(agentbox: Agentbox, what: str) -> None:
    result = agentbox("litellm", "export", what)
    assert result.exit_code == 0
    assert "Made by: agentbox litellm export" in result.out or result.out.startswith("<?xml")


def test_the_service_is_started_with_the_config_that_was_named(agentbox: Agentbox) -> None:
    result = agentbox("--config", "mine.yml", "litellm", "export", "systemd")
    config = Path("mine.yml").absolute()
    line = next(each for each in result.out.splitlines() if each.startswith("ExecStart="))
    assert line.endswith(f" --config {config} litellm start --foreground --if-enabled")


def test_options_that_do_not_fit_are_refused(agentbox: Agentbox) -> None:
    result = agentbox("litellm", "export", "dockerfile", "--lock", "--wheel", "x")
    assert (result.exit_code, result.out) == (2, "")


def test_the_lock_is_printed(agentbox: Agentbox) -> None:
    assert agentbox("litellm", "export", "dockerfile", "--lock").out == export.lock()
