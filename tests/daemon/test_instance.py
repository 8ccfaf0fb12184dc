import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentbox_cli.daemon import instance, lock
from agentbox_cli.daemon.identity import compare
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.daemon.lock import Lock
from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import Paths

# The directory is the same for all examples of one property; each example writes its file anew.
same_directory = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def an_instance() -> Instance:
    return instance.this_process(
        host="127.0.0.1",
        port=4000,
        token="t",
        config_file=Path("/etc/config.yml"),
        working_dir=Path("/work"),
        ready=True,
        log_offset=17,
    )


@contextmanager
def locked(paths: Paths) -> Iterator[Lock]:
    held = lock.acquire(paths.pid_file)
    assert held is not None
    with held:
        yield held


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    instance.write(path, an_instance())
    found = instance.read(path)
    assert found is not None
    assert replace(found, started_at=0) == replace(an_instance(), started_at=0)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.glob("*state*")] == ["state.json"]


def test_a_path_that_is_not_utf8_survives(tmp_path: Path) -> None:
    odd = replace(an_instance(), config_file=Path(os.fsdecode(b"/caf\xe9/config.yml")))
    instance.write(tmp_path / "s", odd)
    assert instance.read(tmp_path / "s") == odd


def test_the_url_of_an_ipv6_address_has_brackets() -> None:
    assert replace(an_instance(), host="::1").url == "http://[::1]:4000"
    assert an_instance().url == "http://127.0.0.1:4000"


@same_directory
@given(cut=st.integers(min_value=0, max_value=2000), data=st.data())
def test_a_truncated_state_file_is_none(tmp_path: Path, cut: int, data: st.DataObject) -> None:
    path = tmp_path / "s"
    instance.write(path, an_instance())
    whole = path.read_bytes()
    # The newline and the closing bracket are not missed by every reader.
    path.write_bytes(whole[: min(cut, len(whole) - 2)])
    assert instance.read(path) is None


@same_directory
@given(text=st.binary(max_size=300))
def test_garbage_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "s").write_bytes(text)
    assert instance.read(tmp_path / "s") is None


@same_directory
@given(data=json_values)
def test_any_other_json_is_none(tmp_path: Path, data: object) -> None:
    (tmp_path / "s").write_text(json.dumps(data))
    assert instance.read(tmp_path / "s") is None


@same_directory
@given(data=st.data(), value=json_values)
def test_a_wrong_value_in_any_field_never_raises(
    tmp_path: Path, data: st.DataObject, value: object
) -> None:
    path = tmp_path / "s"
    instance.write(path, an_instance())
    fields = json.loads(path.read_text())
    fields[data.draw(st.sampled_from(sorted(fields)))] = value
    path.write_text(json.dumps(fields))
    found = instance.read(path)
    if found is not None:
        # What is accepted can be used: as an address, a pid, a time.
        assert 0 <= found.port < 65536
        assert found.pid > 0
        assert found.host.encode("ascii")
        compare(found.identity)


@pytest.mark.parametrize("field", ["pid", "port", "instance", "ready", "boot_id", "schema"])
def test_a_missing_field_is_none(tmp_path: Path, field: str) -> None:
    path = tmp_path / "s"
    instance.write(path, an_instance())
    fields = json.loads(path.read_text())
    del fields[field]
    path.write_text(json.dumps(fields))
    assert instance.read(path) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("schema", 2), ("pid", 0), ("pid", True), ("pid", 2**31), ("port", 65536), ("host", "a b")],
)
def test_a_value_out_of_range_is_none(tmp_path: Path, field: str, value: object) -> None:
    path = tmp_path / "s"
    instance.write(path, an_instance())
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    assert instance.read(path) is None


def test_a_huge_or_deeply_nested_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "s"
    for text in (" " * (instance.SIZE_LIMIT + 1), "[" * 60000, '{"pid": ' + "9" * 5000 + "}"):
        path.write_text(text)
        assert instance.read(path) is None


def test_what_is_not_a_plain_file_is_none_without_hanging(tmp_path: Path) -> None:
    instance.write(tmp_path / "real", an_instance())
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dir").mkdir()
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "dir", "fifo", "missing", "real/below"):
        assert instance.read(tmp_path / name) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_state_file_of_somebody_else_is_none(tmp_path: Path) -> None:
    instance.write(tmp_path / "s", an_instance())
    os.chown(tmp_path / "s", 12345, 12345)
    assert instance.read(tmp_path / "s") is None


def test_writing_into_a_missing_directory_says_so(tmp_path: Path) -> None:
    with pytest.raises(ProxyError, match=r"cannot write the state file .*No such file"):
        instance.write(tmp_path / "no" / "s", an_instance())


def test_an_announced_instance_is_in_both_files_until_it_is_withdrawn(paths: Paths) -> None:
    with locked(paths) as held:
        instance.announce(paths, held.fd, an_instance())
        assert lock.read_pid(paths.pid_file) == os.getpid()
        assert instance.read(paths.state_file) is not None
        instance.withdraw(paths, held.fd, an_instance())
        assert lock.read_pid(paths.pid_file) == 0
        assert not paths.state_file.exists()


def test_a_proxy_whose_lock_file_was_replaced_does_not_touch_the_new_ones_state(
    paths: Paths,
) -> None:
    with locked(paths) as old:
        paths.pid_file.unlink()
        with locked(paths) as new:
            instance.announce(paths, new.fd, replace(an_instance(), token="new"))
            with pytest.raises(ProxyError, match="has taken over"):
                instance.announce(paths, old.fd, an_instance())
            instance.withdraw(paths, old.fd, an_instance())
            found = instance.read(paths.state_file)
            assert found is not None
            assert found.token == "new"
