"""What a wheel brings besides the packages."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = {
    "share/bash-completion/completions/agentbox": "completions/agentbox.bash",
    "share/zsh/site-functions/_agentbox": "completions/_agentbox",
    "share/fish/vendor_completions.d/agentbox.fish": "completions/agentbox.fish",
}
NEEDED = (
    *("agentbox_cli", "plugins", "completions", "pyproject.toml", "README.md", "LICENSE"),
    "requirements.lock",
)


def test_the_wheel_installs_completions_where_shells_look_for_them(tmp_path: Path) -> None:
    with zipfile.ZipFile(built(tmp_path)) as wheel:
        data = {
            name.partition(".data/data/")[2]: name
            for name in wheel.namelist()
            if ".data/data/" in name
        }
        assert data.keys() == SHARED.keys()
        for place, source in SHARED.items():
            assert wheel.read(data[place]) == (ROOT / source).read_bytes()
        frames = [name for name in wheel.namelist() if "/completion/frames/" in name]
        assert len(frames) == len(SHARED)


def test_the_wheel_has_the_files_of_the_web_pages(tmp_path: Path) -> None:
    with zipfile.ZipFile(built(tmp_path)) as wheel:
        names = set(wheel.namelist())
    folders = ("agentbox_cli/proxy/web", "agentbox_cli/usage/web")
    pages = {str(file.relative_to(ROOT)) for name in folders for file in (ROOT / name).iterdir()}
    assert len(pages) == 6
    assert pages <= names


def test_the_wheel_has_the_lock_and_what_is_printed_for_elsewhere(tmp_path: Path) -> None:
    with zipfile.ZipFile(built(tmp_path)) as wheel:
        lock = wheel.read("agentbox_cli/deploy/requirements.lock")
        names = set(wheel.namelist())
    assert lock == (ROOT / "requirements.lock").read_bytes()
    parts = {f"agentbox_cli/deploy/{name}" for name in ("Dockerfile.part", "container_init.sh")}
    assert parts | {"agentbox_cli/deploy/agentbox.service.part"} <= names


def built(work: Path) -> Path:
    copy = work / "source"
    copy.mkdir()
    for name in NEEDED:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, copy / name)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "hatchling",
            "build",
            "--target",
            "wheel",
            "--directory",
            str(work),
        ],
        cwd=copy,
        check=True,
        capture_output=True,
    )
    (wheel,) = work.glob("*.whl")
    return wheel
