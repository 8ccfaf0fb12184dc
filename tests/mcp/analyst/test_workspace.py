"""Nothing outside of the workspace is found, whatever it is called."""

from pathlib import Path

import pytest

from agentbox_cli.errors import UsageError
from agentbox_cli.mcp.analyst.workspace import Workspace, workspace_of
from tests.mcp.analyst.conftest import write


@pytest.mark.parametrize(
    "said",
    [
        "..",
        "../other/secret.txt",
        "src/../../other/secret.txt",
        "/etc/passwd",
        "link/secret.txt",
        "file-link",
        "loop",
        "~/x",
        "",
        "a\0b",
        "../project-2/near.txt",
    ],
)
def test_what_leads_outside_is_refused(workspace: Workspace, project: Path, said: str) -> None:
    other = project.parent / "other"
    write(other, {"secret.txt": "s"})
    write(project.parent / "project-2", {"near.txt": "s"})
    write(project, {"src/a.py": "a"})
    (project / "link").symlink_to(other)
    (project / "file-link").symlink_to(other / "secret.txt")
    (project / "loop").symlink_to("loop")
    with pytest.raises(UsageError) as failed:
        workspace.find(said)
    assert failed.value.hint
    if not said.startswith(("~", "loop")):
        assert "outside" in failed.value.message or "no path" in failed.value.message


def test_what_is_inside_is_found_by_relative_and_absolute_paths_and_links(
    workspace: Workspace, project: Path
) -> None:
    write(project, {"src/a.py": "a"})
    (project / "alias.py").symlink_to("src/a.py")
    for said in ("src/a.py", "./src/../src/a.py", str(project / "src/a.py"), "alias.py"):
        assert workspace.find(said) == project / "src/a.py"
    assert workspace.name(workspace.find("alias.py")) == "src/a.py"


def test_a_near_miss_is_answered_with_what_was_meant(workspace: Workspace, project: Path) -> None:
    write(project, {"src/errors.py": "a"})
    with pytest.raises(UsageError, match=r"there is no 'src/error.py'") as failed:
        workspace.find("src/error.py")
    assert failed.value.hint == "did you mean 'src/errors.py'?"


def test_each_of_several_roots_is_looked_in(tmp_path: Path) -> None:
    write(tmp_path, {"one/a.py": "1", "two/b.py": "2"})
    both = workspace_of([tmp_path / "one", tmp_path / "two"], named=False)
    assert both.name(both.find("b.py")) == "b.py"
    assert both.find(str(tmp_path / "two" / "b.py")) == tmp_path / "two" / "b.py"


def test_a_whole_disk_or_home_is_taken_only_if_somebody_named_it(home: Path) -> None:
    for folder in (Path("/"), home):
        with pytest.raises(UsageError, match="too much to be meant"):
            workspace_of([folder], named=False)
        assert workspace_of([folder], named=True).roots == (folder,)


def test_a_workspace_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        workspace_of([tmp_path / "nowhere"], named=True)
