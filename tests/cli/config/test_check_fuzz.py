"""Whatever stands in config.yml, checking it ends in problems or in one ConfigError."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agentbox_cli.config.problems import Problem, render
from agentbox_cli.config.rules import MEANING
from agentbox_cli.errors import ConfigError
from agentbox_cli.front import main
from agentbox_cli.providers.load import find_problems

SEED = (Path(__file__).parents[2] / "data" / "seed-config.yml").read_bytes()
KEYS = {"OPENAI_API_KEY": "dummy-1", "GWDG_API_KEY": "dummy-2", "ANTHROPIC_API_KEY": "dummy-3"}

# By hand: AGENTBOX_FUZZ=20000 .venv/bin/pytest tests/cli/config/test_check_fuzz.py
EXAMPLES = int(os.environ.get("AGENTBOX_FUZZ", "0")) or 60

PIECES = st.sampled_from(
    [
        *(line.encode() for line in SEED.decode().splitlines(keepends=True)),
        *(word.encode() for word in SEED.decode().split()),
        *b"&a *a !x !!int << | > - ? : # % @ ` { } [ ] ,".split(),
        *(b"'", b'"', b"\\", b"\t", b"\r", b" "),
        *b"~ null yes .nan 0x 1_0".split(),
        b"\n",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xe2\x80\xa8",
        b"\xc2\x85",
        b"\x00",
        b"${",
        b"}",
        b"<<: *a\n",
        b"1e999",
        b"9" * 400,
        b"2001-02-30",
        b"---\n",
        b"%YAML 9.9\n",
        b"litellm:\n  providers:\n    ",
        b"litellm: {models: {",
        b"&a [*a, *a]",
    ]
)
Edit = tuple[int, int, bytes]
EDITS = st.lists(
    st.tuples(
        st.integers(0, len(SEED)), st.integers(0, 40), st.one_of(PIECES, st.binary(max_size=6))
    ),
    min_size=1,
    max_size=5,
)


def edited(edits: list[Edit]) -> bytes:
    data = SEED
    for place, length, piece in edits:
        data = data[:place] + piece + data[place + length :]
    return data


BYTES = st.one_of(
    EDITS.map(edited),
    st.lists(PIECES, max_size=30).map(b"".join),
    st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=80),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "config.yml"


fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == 60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@fuzzed
@given(data=BYTES)
@example(data=b"")
@example(data=b"\xef\xbb\xbf")
@example(data=b"litellm: " + b"[" * 2_000)
def test_any_bytes_end_in_problems_or_in_one_error(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    try:
        problems = find_problems(file, KEYS, None)
    except ConfigError:
        return
    text = data.decode()
    for problem in problems:
        check_place(problem, text)
    assert render(problems, "config.yml") or not problems


def check_place(problem: Problem, text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert 1 <= problem.line <= len(lines)
    line = lines[problem.line - 1].removeprefix("\ufeff")
    assert 1 <= problem.column <= len(line) + 1
    assert problem.end_column > problem.column
    assert problem.rule in MEANING
    assert problem.message
    assert "\n" not in problem.message


@settings(fuzzed, max_examples=max(20, EXAMPLES // 20))
@given(data=BYTES, option=st.sampled_from([(), ("--json",), ("--sarif",)]))
def test_the_command_ends_with_0_or_3(
    file: Path, capsys: pytest.CaptureFixture[str], data: bytes, option: tuple[str, ...]
) -> None:
    file.write_bytes(data)
    with keys_set():
        code = main(["--config", str(file), "config", "check", *option])
    told = capsys.readouterr()
    assert code in (0, 3), told.err
    assert "Traceback" not in told.out + told.err
    assert "fault of its own" not in told.err


@contextmanager
def keys_set() -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(KEYS)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
