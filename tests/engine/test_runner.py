"""The runner, with an application that tells how it was imported."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.testclient import TestClient

from agentbox_cli.engine import runner
from agentbox_cli.engine.runner import Served, bring_forward, forgo

APP = """
import atexit, gc
print("imported", gc.isenabled(), flush=True)
async def app(scope, receive, send):
    print("served", gc.isenabled(), gc.get_freeze_count() > 0, flush=True)
    raise SystemExit
"""


def test_the_collector_rests_during_the_import_only(tmp_path: Path) -> None:
    (tmp_path / "tiny_app.py").write_text(APP)
    command = [sys.executable, "-P", runner.__file__, "tiny_app:app"]
    ended = subprocess.run(
        [*command, "--uds", str(tmp_path / "s"), "--lifespan", "on"],
        env={"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stdout.split("\n")[:2] == ["imported False", "served True True"], ended.stderr


def test_a_route_that_was_asked_for_is_compared_first_from_then_on() -> None:
    application = Starlette(
        routes=[Route(f"/{name}", _answer, methods=["POST"]) for name in "abc"]
    )
    served = Served(application)
    with TestClient(served) as client:
        assert client.post("/c").text == "/c"
        assert _paths(application) == ["/c", "/a", "/b"]
        assert client.post("/c").text == "/c"
        assert client.post("/b").text == "/b"
        assert client.post("/none").status_code == 404
        assert client.get("/a").status_code == 405
    assert _paths(application) == ["/b", "/c", "/a"]


def test_a_route_that_would_have_lost_does_not_win_by_coming_forward() -> None:
    first, second = Route("/{any}", _answer, methods=["POST"]), Route("/a", _answer)
    routes: list[BaseRoute] = [Route("/b", _answer), first, second]
    bring_forward(routes, "/a")
    assert routes[0] is first


def test_an_import_in_vain_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "needy_module.py").write_text("import a_package_that_is_not_there\n")
    (tmp_path / "sound_module.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("needy_module", "sound_module"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    forgo(("needy_module", "sound_module"))
    (tmp_path / "needy_module.py").write_text("")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("needy_module")
    assert importlib.import_module("sound_module").__file__
    monkeypatch.delitem(sys.modules, "needy_module")


def _paths(application: Starlette) -> list[str]:
    return [each.path for each in application.router.routes if isinstance(each, Route)]


async def _answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.url.path)
