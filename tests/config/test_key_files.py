import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from agentbox_cli.config.envfile import values_of
from agentbox_cli.config.key_files import checked_key, drop_key, put_key
from agentbox_cli.config.secrets import SecretSources
from agentbox_cli.errors import ConfigError, UsageError

KEY = SecretStr("dummy-key-0123456789")


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def test_a_key_is_written_into_a_private_file_where_it_is_looked_up(tmp_path: Path) -> None:
    file = tmp_path / "deep" / ".env"
    change = put_key(file, "LAB_KEY", KEY, dry_run=False)
    assert (change.existed, change.changed) == (False, True)
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)
    sources = SecretSources({}, None, file.parent, api_key_names={"LAB_KEY"})
    found = sources.lookup("LAB_KEY")
    assert found is not None
    assert (found.value, found.source) == (KEY, ".env")
    assert sources.warnings == ()


def test_a_file_that_was_open_is_closed(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\n")
    file.chmod(0o644)
    put_key(file, "B", KEY, dry_run=False)
    assert mode(file) == 0o600
    assert file.read_text() == "A=1\nB=dummy-key-0123456789\n"


def test_a_symbolic_link_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "real"
    target.write_text("A=1\n")
    file = tmp_path / ".env"
    file.symlink_to(target)
    put_key(file, "A", KEY, dry_run=False)
    assert file.is_symlink()
    assert target.read_text() == "A=dummy-key-0123456789\n"


def test_a_dry_run_writes_nothing_and_shows_no_value(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("OTHER=dummy-other-0123\nA=dummy-old-0123\n")
    change = put_key(file, "A", None, dry_run=True)
    assert change.diff.splitlines() == [
        f"--- {file}",
        f"+++ {file}",
        "@@ -2 +2 @@",
        "-A=********",
        "+A=******** (new)",
    ]
    gone = drop_key(file, "OTHER", dry_run=True)
    assert gone.diff.splitlines()[2:] == ["@@ -1 +0,0 @@", "-OTHER=********"]
    assert file.read_text() == "OTHER=dummy-other-0123\nA=dummy-old-0123\n"


def test_a_key_is_removed(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\nB=2\n")
    assert drop_key(file, "A", dry_run=False).existed
    assert file.read_text() == "B=2\n"
    again = drop_key(file, "A", dry_run=False)
    assert (again.existed, again.changed) == (False, False)
    assert not drop_key(tmp_path / "none", "A", dry_run=False).existed
    assert not (tmp_path / "none").exists()


def test_keys_that_are_put_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    names = [f"KEY_{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: put_key(file, name, KEY, dry_run=False), names))
    assert sorted(values_of(file.read_text())) == sorted(names)


def test_a_file_that_is_no_text_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"A=\xff\n")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        put_key(file, "B", KEY, dry_run=False)
    assert file.read_bytes() == b"A=\xff\n"


def test_a_pipe_in_the_place_of_the_file_does_not_hang(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    os.mkfifo(file)
    with pytest.raises(ConfigError, match="is a pipe"):
        put_key(file, "B", KEY, dry_run=False)


def test_a_key_is_taken_without_what_surrounds_it() -> None:
    assert checked_key(" dummy \r\n").get_secret_value() == "dummy"
    assert checked_key("two words").get_secret_value() == "two words"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the key is empty"),
        (" \t\n", "the key is empty"),
        ("dummy\nsecond", "has a line break"),
        ("dummy\n\n", "has a line break"),
        ("dummy\rsecond", "has a line break"),
        ("dummy\x07", "has a control character"),
        ("dummy\u2028", "has a character that HTTP headers cannot carry"),
    ],
)
def test_what_is_no_key_is_refused_without_repeating_it(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        checked_key(text)
    assert "dummy" not in f"{raised.value.message}{raised.value.hint}"
