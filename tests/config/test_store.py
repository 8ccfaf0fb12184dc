import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentbox_cli.config.document import parse
from agentbox_cli.config.problems import Issue
from agentbox_cli.config.store import find, insert_section, load, read_text, require, write
from agentbox_cli.errors import ConfigError, Exit
from agentbox_cli.paths import Paths
from tests.config.texts import yaml_texts

SECTION = "litellm:\n  # ours\n  port: 4000\n"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(
        config_dir=tmp_path / "xdg",
        state_dir=tmp_path / "state",
        cache_dir=tmp_path / "cache",
        data_dir=tmp_path / "data",
    )


def put(path: Path, text: str | bytes = SECTION) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(text: str, section: str = SECTION) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        insert_section(text, section)
    return caught.value


def test_the_first_place_that_has_a_config_wins(tmp_path: Path, paths: Paths) -> None:
    host = tmp_path / "host" / "config.yml"
    named, explicit = put(tmp_path / "named.yml"), put(tmp_path / "explicit.yml")
    put(paths.config_file)
    assert find(None, paths, {}, host_config=host) == paths.config_file
    put(host)
    assert find(None, paths, {}, host_config=host) == host
    environ = {"AGENTBOX_CONFIG": str(named)}
    assert find(None, paths, environ, host_config=host) == named
    assert find(explicit, paths, environ, host_config=host) == explicit


def test_a_named_config_that_is_missing_is_not_replaced_by_another(
    tmp_path: Path, paths: Paths
) -> None:
    put(paths.config_file)
    for explicit, environ in (
        (tmp_path / "none.yml", {}),
        (None, {"AGENTBOX_CONFIG": str(tmp_path / "none.yml")}),
    ):
        with pytest.raises(ConfigError, match=r"none\.yml$"):
            find(explicit, paths, environ)


def test_no_config_names_the_places_and_the_way_out(tmp_path: Path, paths: Paths) -> None:
    with pytest.raises(ConfigError) as caught:
        find(None, paths, {}, host_config=tmp_path / "host.yml")
    message = f"looked for {tmp_path}/host.yml, {paths.config_file}"
    assert caught.value.message.endswith(message)
    assert caught.value.hint == "run: agentbox litellm init"
    assert caught.value.exit_code is Exit.CONFIG


def test_a_relative_or_home_path_becomes_absolute(
    home: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(home / "own.yml")
    monkeypatch.chdir(home)
    assert find(Path("own.yml"), paths, {}) == file
    assert find(None, paths, {"AGENTBOX_CONFIG": "~/own.yml"}) == file


def test_a_dangling_link_and_an_impossible_name_are_for_the_reader_to_refuse(
    tmp_path: Path, paths: Paths
) -> None:
    (tmp_path / "link.yml").symlink_to("gone.yml")
    for path in (tmp_path / "link.yml", tmp_path / ("x" * 300)):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_text(find(path, paths, {}))


def test_text_is_read_with_byte_order_mark_and_line_ends(tmp_path: Path) -> None:
    assert read_text(put(tmp_path / "c", b"\xef\xbb\xbfa: 1\r\n")) == "\ufeffa: 1\r\n"


def test_bytes_that_are_no_utf_8_are_located(tmp_path: Path) -> None:
    file = put(tmp_path / "c", b"a: 1\r\nb: \xc3\xa4\xe4\n")
    with pytest.raises(ConfigError) as caught:
        read_text(file)
    assert caught.value.message == f"{file}:2:5: this is not UTF-8 text (byte 0xe4)"


def test_a_config_of_more_than_4_mib_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is larger than 4194304 bytes"):
        read_text(put(tmp_path / "c", b"#" * (4 * 1024 * 1024 + 1)))


def test_a_pipe_in_place_of_a_config_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c")
    with pytest.raises(ConfigError, match="is a pipe"):
        load(tmp_path / "c")


def test_a_good_config_is_loaded_and_required(seed: Path) -> None:
    loaded = load(seed)
    assert require(loaded) is loaded.host
    assert loaded.problems() == []


def test_a_bad_config_is_loaded_but_refused_with_its_places(tmp_path: Path) -> None:
    file = put(tmp_path / "c.yml", "litellm:\n  prot: 1\n  providers: {a: {api_key: hunter2}}\n")
    loaded = load(file)
    assert loaded.host is None
    assert len(loaded.problems()) == 2
    with pytest.raises(ConfigError) as caught:
        require(loaded)
    assert caught.value.message.startswith(f"{file}:2:3: error: litellm.prot: unknown key 'prot'")
    assert "hunter2" not in caught.value.message
    assert "warning" not in caught.value.message


def test_a_broken_config_is_loaded_but_refused_with_its_place(tmp_path: Path) -> None:
    file = put(tmp_path / "c.yml", "litellm:\n\tport: 1\n")
    with pytest.raises(ConfigError, match=r"c\.yml:2:1: error: litellm: a tab cannot stand here"):
        require(load(file))


def test_a_tab_before_a_comment_is_told_where_it_stands_and_that_it_is_legal(
    tmp_path: Path,
) -> None:
    file = put(tmp_path / "c.yml", "litellm:\n  port: 4000\t# mine\n")
    [problem] = load(file).problems()
    assert (problem.line, problem.column) == (2, 13)
    assert "before a comment too: YAML allows one there" in (problem.hint or "")


def test_issues_of_other_rooms_are_located_with_our_own(tmp_path: Path) -> None:
    loaded = load(put(tmp_path / "c.yml"))
    (problem,) = loaded.problems([Issue(path=("litellm", "port"), message="taken")])
    assert (problem.line, problem.column) == (3, 9)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", SECTION),
        ("\ufeff", "\ufeff" + SECTION),
        ("# mine\n", "# mine\n" + SECTION),
        ("a: 1\n", "a: 1\n\n" + SECTION),
        ("a: 1", "a: 1\n\n" + SECTION),
        ("a: .nan # x", "a: .nan # x\n\n" + SECTION),
        ("---\na: 1\n", "---\na: 1\n\n" + SECTION),
        ("a: 1\r\n", "a: 1\r\n\r\n" + SECTION.replace("\n", "\r\n")),
        ("a: |+\n  x\n", "a: |+\n  x\n" + SECTION),
        ("a: 1\nlitellm: # soon\nb: 2\n", "a: 1\n" + SECTION.rstrip() + " # soon\nb: 2\n"),
        ("litellm: ~\n", SECTION),
        ("litellm:", SECTION.rstrip()),
    ],
)
def test_the_section_is_added_and_nothing_else_changed(text: str, result: str) -> None:
    assert insert_section(text, SECTION) == result


@pytest.mark.parametrize(
    "text", ["{a: 1}\n", "a: 1\n...\n", "  a: 1\n", "a: |\n  x", "{litellm: }\n", "~\n"]
)
def test_a_text_that_nothing_can_be_added_to_is_refused(text: str) -> None:
    error = refusal(text)
    assert "cannot be added safely" in error.message
    assert error.hint is not None


def test_a_section_that_is_there_is_not_added_again() -> None:
    assert "already" in refusal("litellm: {}\n").message


def test_nothing_is_added_to_a_broken_text() -> None:
    assert refusal("a:\n\tb: 1\n").message.startswith("config.yml:2:1: error: ")


@given(yaml_texts())
@settings(max_examples=100, deadline=None)
def test_every_byte_of_other_sections_is_kept(sample: tuple[str, Any]) -> None:
    text, data = sample
    added = insert_section(text, SECTION)
    assert added.startswith(text)
    assert parse(added, "c").data == {**data, "litellm": {"port": 4000}}


@given(st.text(alphabet="ab: -\n#'\"|>{}[]&*.\t\r", max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_takes_the_section_whole_or_refuses_it(text: str) -> None:
    try:
        added = insert_section(text, SECTION)
    except ConfigError:
        return
    before, after = parse(text, "c"), parse(added, "c")
    assert added.startswith(text)
    assert repr(after.data) == repr({**before.data, "litellm": {"port": 4000}})


def test_a_new_file_is_private_and_so_is_its_directory(tmp_path: Path) -> None:
    file = tmp_path / "new" / "config.yml"
    write(file, SECTION)
    assert file.read_text() == SECTION
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_keeps_its_mode_and_its_line_ends(tmp_path: Path) -> None:
    file = put(tmp_path / "c.yml")
    file.chmod(0o640)
    write(file, "\ufeffa: 1\r\n")
    assert file.read_bytes() == b"\xef\xbb\xbfa: 1\r\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.glob(".c.yml.*")) == []


def test_a_written_file_is_as_new_as_it_is(tmp_path: Path) -> None:
    file = put(tmp_path / "c.yml")
    os.utime(file, (0, 0))
    write(file, "a: 1\n")
    assert file.stat().st_mtime > 0


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    target = put(tmp_path / "dotfiles" / "c.yml")
    (tmp_path / "c.yml").symlink_to(target)
    write(tmp_path / "c.yml", "a: 1\n")
    assert (tmp_path / "c.yml").is_symlink()
    assert target.read_text() == "a: 1\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_of_a_file_stays_its_owner(tmp_path: Path) -> None:
    file = put(tmp_path / "c.yml")
    os.chown(file, 12345, 12345)
    write(file, "a: 1\n")
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 12345)


def test_a_file_that_is_a_mount_point_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(tmp_path / "c.yml", "a: a much longer text than the new one\n")
    inode = file.stat().st_ino
    monkeypatch.setattr(Path, "replace", refuse_with(errno.EBUSY))
    write(file, "a: 1\n")
    assert (file.read_text(), file.stat().st_ino) == ("a: 1\n", inode)
    assert list(tmp_path.glob(".c.yml.*")) == []


def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(tmp_path / "c.yml")
    monkeypatch.setattr(Path, "replace", refuse_with(errno.ENOSPC))
    with pytest.raises(ConfigError, match="cannot be written: no space left on device"):
        write(file, "a: 1\n")
    assert file.read_text() == SECTION
    assert list(tmp_path.iterdir()) == [file] or list(tmp_path.glob(".c.yml.*")) == []


def test_a_file_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        write(put(tmp_path / "c.yml") / "x.yml", "a: 1\n")


def refuse_with(code: int) -> Any:
    def replace(source: Path, target: Path) -> None:
        raise OSError(code, os.strerror(code), str(target))

    return replace
