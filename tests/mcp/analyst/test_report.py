"""Where a report may be written, and that it is whole."""

from pathlib import Path

import pytest

from agentbox_cli.errors import UsageError
from agentbox_cli.mcp.analyst import report
from agentbox_cli.mcp.analyst.workspace import Workspace
from tests.mcp.analyst.conftest import write


def test_a_report_is_written_with_its_mark_and_again_over_itself(
    workspace: Workspace, project: Path
) -> None:
    path = project / "docs/new/report.md"
    for text in ("first", "second"):
        place = report.place_of(workspace, "docs/new/report.md", overwrite=False)
        assert report.write(workspace, place, text) == "docs/new/report.md"
        assert path.read_text() == f"{report.MARK}\n{text}\n"
    assert list((project / "docs/new").iterdir()) == [path]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("../report.md", "outside"),
        ("/tmp/report.md", "outside"),
        ("link/report.md", "outside"),
        ("out.md", "outside"),
        ("report.py", "no place for a report"),
        (".git/x.md", "no place for a report"),
        (".env", "no place for a report"),
        ("folder.md", "no regular file"),
        ("README.md", "no report of agentbox"),
        ("", "no path"),
    ],
)
def test_elsewhere_nothing_is_written(
    workspace: Workspace, project: Path, said: str, words: str
) -> None:
    write(project, {"README.md": "mine", "folder.md/x": "x", ".git/config": "c"})
    write(project.parent, {"other/x": "x"})
    (project / "link").symlink_to("../other")
    (project / "out.md").symlink_to("../other/report.md")
    with pytest.raises(UsageError, match=words):
        report.place_of(workspace, said, overwrite=False)
    assert (project / "README.md").read_text() == "mine"


def test_a_file_of_somebody_else_is_overwritten_only_when_asked(
    workspace: Workspace, project: Path
) -> None:
    write(project, {"README.md": "mine"})
    path = report.place_of(workspace, "README.md", overwrite=True)
    report.write(workspace, path, "new")
    assert path.read_text().startswith(report.MARK)


def test_a_folder_that_becomes_a_link_meanwhile_is_noticed(
    workspace: Workspace, project: Path
) -> None:
    write(project.parent, {"other/x": "x"})
    path = report.place_of(workspace, "docs/report.md", overwrite=False)
    (project / "docs").symlink_to("../other")
    with pytest.raises(UsageError, match="outside"):
        report.write(workspace, path, "text")
    assert not (project.parent / "other/report.md").exists()


def test_a_file_in_the_way_of_a_folder_is_told(workspace: Workspace, project: Path) -> None:
    path = report.place_of(workspace, "docs/report.md", overwrite=False)
    write(project, {"docs": "a file"})
    with pytest.raises(UsageError, match="cannot write"):
        report.write(workspace, path, "text")


def test_a_page_tells_its_facts_in_one_line_each() -> None:
    told = report.page("A\ntitle", [("Read", "a\nb"), ("Skipped", "")], "text")
    assert told == "# A title\n\n- Read: a b\n\ntext"
