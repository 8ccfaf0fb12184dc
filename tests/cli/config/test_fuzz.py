"""Whatever stands in config.yml, a command ends in an answer or in an error for people."""

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

# By hand: AGENTBOX_FUZZ=20000 .venv/bin/pytest tests/cli/config/test_fuzz.py
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


ADDRESSES = (
    "litellm.port",
    "litellm.bind",
    "litellm.allowed_hosts",
    "litellm.allowed_clients",
    "litellm.router.total_timeout",
    "litellm.models.default",
    "litellm.models.default[1]",
    "litellm.models.default[2]",
    "litellm.models.new[0].model",
    "litellm.providers.openai.headers",
    'litellm.model_patterns."claude-*"',
)
PARTS = st.sampled_from(
    [
        "litellm",
        ".",
        "models",
        "[0]",
        "[",
        "]",
        '"',
        "\\",
        "default",
        "-1",
        "providers",
        "é",
        "\ud800",
    ]
)
VALUES = st.sampled_from(
    [
        *("", "null", "[]", "{}", "[a, b]", "{a: b}", "1e999", "9" * 400, "-0", "0x1", "&a x"),
        *("*a", "!x y", "- a", "? a", "a: b: c", "\n", "\t", "\x00", "\ud800", "[[[[", "<<"),
        *("${", "$${", "#"),
    ]
)

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


COMMANDS = st.sampled_from(
    """
    config check
    config check --json
    config check --sarif
    config show
    config show --json
    config get litellm
    config get litellm --json
    config get litellm.models.default[1].model
    config get litellm.providers
    config get litellm.router.timeout
    config set litellm.port 4001
    config set litellm.models.default[1].model x --json
    config set litellm.models.new [{provider:openai,model:o1}] --dry-run
    config set litellm.providers.openai.headers.x-a b
    config unset litellm.models.default
    config unset litellm.providers.openai.api_key --dry-run
    config unset litellm.router
    config diff
    config undo
    config undo --dry-run --json
    litellm models
    litellm models add fast openai/o1 --at 1
    litellm models move default 2 1 --dry-run
    litellm models remove code --json
    litellm models rename code coder
    litellm providers --json
    litellm providers add lab --api-base https://llm.example.org/v1
    litellm providers remove openai --force --dry-run
    litellm import FILE --dry-run
    """.strip().splitlines()
)


@settings(fuzzed, max_examples=EXAMPLES)
@given(data=BYTES, line=COMMANDS)
def test_a_command_ends_without_a_fault_of_ours(
    file: Path, capsys: pytest.CaptureFixture[str], data: bytes, line: str
) -> None:
    file.write_bytes(data)
    words = [str(file) if word == "FILE" else word for word in line.split()]
    with keys_set():
        code = main(["--config", str(file), *words])
    told = capsys.readouterr()
    assert code in (0, 1, 2, 3), told.err
    assert "Traceback" not in told.out + told.err
    assert "fault of its own" not in told.err
    if code != 0 and "--dry-run" not in words and words[1] not in ("undo", "diff"):
        assert file.read_bytes() == data, "what fails changes nothing"


@settings(fuzzed, max_examples=EXAMPLES)
@given(
    path=st.one_of(st.text(max_size=30), st.sampled_from(ADDRESSES), st.lists(PARTS).map("".join)),
    value=st.one_of(st.text(max_size=30), VALUES),
)
def test_any_path_and_value_end_without_a_fault_of_ours(
    file: Path, capsys: pytest.CaptureFixture[str], path: str, value: str
) -> None:
    for words in (("get", "--", path), ("unset", "--", path), ("set", "--", path, value)):
        file.write_bytes(SEED)
        with keys_set():
            code = main(["--config", str(file), "config", *words])
        told = capsys.readouterr()
        assert code in (0, 1, 2, 3), told.err
        assert "fault of its own" not in told.err
        if words[0] == "get" or code != 0:
            assert file.read_bytes() == SEED


@contextmanager
def keys_set() -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(KEYS)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
