"""The template as its author would use it: copied, built, installed, tested."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).parent.parent / "plugins" / "template"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the template installed, built from a copy of it."""
    work = tmp_path_factory.mktemp("template")
    copy = work / "agentbox-acme"
    shutil.copytree(TEMPLATE, copy)
    uv(work, "build", "--wheel", "--no-build-isolation", "--out-dir", str(work), str(copy))
    (wheel,) = work.glob("*.whl")
    uv(work, "pip", "install", "--no-deps", "--target", str(work / "site"), str(wheel))
    return work / "site"


def uv(work: Path, *arguments: str) -> None:
    options = ("--offline", "--no-config", "--python", sys.executable)
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments, *options],
        env={**os.environ, "UV_CACHE_DIR": str(work / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def python(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_installed_template_is_a_loaded_plugin(site: Path) -> None:
    done = python(site, "-m", "agentbox_cli", "plugins", "list", "--json")
    assert done.returncode == 0, done.stderr
    plugins = {plugin["name"]: plugin for plugin in json.loads(done.stdout)["plugins"]}
    assert plugins["acme"] == {
        "name": "acme",
        "distribution": "agentbox-acme",
        "version": "0.1.0",
        "state": "loaded",
        "reason": None,
        "providers": ["acme"],
        "agents": [],
    }


def test_without_plugins_the_template_is_listed_as_disabled(site: Path) -> None:
    done = python(site, "-m", "agentbox_cli", "--no-plugins", "plugins", "list", "--json")
    states = {plugin["name"]: plugin["state"] for plugin in json.loads(done.stdout)["plugins"]}
    assert states["acme"] == "disabled"
    assert states["openai"] == "loaded"


def test_a_config_may_use_the_provider_of_the_template(site: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text(
        "litellm:\n"
        "  providers:\n"
        "    acme: {api_key: not-needed}\n"
        "  models:\n"
        "    code: [{provider: acme, model: acme-large}]\n"
    )
    done = python(site, "-m", "agentbox_cli", "--config", str(config), "litellm", "models")
    assert done.returncode == 0, done.stderr
    assert "acme-large" in done.stdout


def test_the_contract_of_the_template_holds(site: Path) -> None:
    tests = str(site.parent / "agentbox-acme" / "tests")
    done = python(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tests, tests)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
