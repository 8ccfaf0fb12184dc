from pathlib import Path

import pytest

from agentbox_cli.agents.places import expand


@pytest.mark.parametrize(
    ("path", "environ", "found"),
    [
        ("~/.aider.conf.yml", {}, "/home/me/.aider.conf.yml"),
        ("${X:-~/.x}/a", {}, "/home/me/.x/a"),
        ("${X:-~/.x}/a", {"X": "/x"}, "/x/a"),
        ("${X:-~/.x}/a", {"X": ""}, "/home/me/.x/a"),
        ("${A:-${B:-~/.config}/b}/c", {}, "/home/me/.config/b/c"),
        ("${A:-${B:-~/.config}/b}/c", {"B": "/b"}, "/b/b/c"),
        ("${A:-${B:-~/.config}/b}/c", {"A": "/a", "B": "/b"}, "/a/c"),
        ("${A:-~}/.claude.json", {}, "/home/me/.claude.json"),
        ("${A}/x", {}, "/x"),
    ],
)
def test_a_path_is_filled_in(path: str, environ: dict[str, str], found: str) -> None:
    assert expand(path, {"HOME": "/home/me", **environ}) == Path(found)
