"""Looking at an installed LiteLLM, in directories made for the test."""

import subprocess
import sys
from pathlib import Path

import pytest

from agentbox_cli.engine.installed import find_litellm
from agentbox_cli.errors import ProxyError


def install(site: Path, version: str | None) -> list[str]:
    package = site / "litellm"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    if version is not None:
        info = site / f"litellm-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: litellm\nVersion: {version}\n"
        )
    return [str(site)]


@pytest.mark.parametrize("version", ["1.83.7", "1.83.7.post1", "1.106.2", "2.0.0rc1"])
def test_its_version_is_told_without_importing_it(tmp_path: Path, version: str) -> None:
    assert find_litellm(install(tmp_path, version)) == version


@pytest.mark.parametrize("version", ["1.82.7", "1.82.8", "1.83.6", "0.9", "nonsense", None])
def test_an_old_or_unknown_version_is_refused(tmp_path: Path, version: str | None) -> None:
    with pytest.raises(ProxyError, match="security holes") as caught:
        find_litellm(install(tmp_path, version))
    assert (version or "unknown") in caught.value.message


def test_a_missing_one_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ProxyError, match="not installed") as caught:
        find_litellm([str(tmp_path)])
    assert caught.value.hint


def test_the_file_that_stole_credentials_is_found_wherever_it_stands(tmp_path: Path) -> None:
    good, other = tmp_path / "good", tmp_path / "other"
    good.mkdir()
    other.mkdir()
    (other / "litellm_init.pth").touch()
    with pytest.raises(ProxyError, match=r"litellm_init\.pth"):
        find_litellm([*install(good, "1.106.2"), str(other)])


def test_the_real_one_is_found_without_importing_it() -> None:
    code = (
        "import sys; from agentbox_cli.engine.installed import find_litellm;"
        "print(find_litellm(), 'litellm' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert said[1] == "False"
