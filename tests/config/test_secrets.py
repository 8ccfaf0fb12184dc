import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from agentbox_cli.config.redaction import redact
from agentbox_cli.config.secrets import Expanded, Found, SecretSources, expand
from agentbox_cli.errors import ConfigError

SECRET = "correct-horse"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project" / ".agentbox").mkdir(parents=True)
    return tmp_path / "project"


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    return tmp_path / "config"


def put(path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def sources(
    project: Path, config_dir: Path, environ: Mapping[str, str] | None = None
) -> SecretSources:
    return SecretSources(environ or {}, project, config_dir, api_key_names={"KEY"})


def found(source: SecretSources, name: str = "KEY") -> tuple[str, str] | None:
    answer = source.lookup(name)
    return (answer.value.get_secret_value(), answer.source) if answer else None


def refusal(source: SecretSources) -> str:
    with pytest.raises(ConfigError) as caught:
        source.lookup("KEY")
    assert SECRET not in repr(caught.value) + str(caught.value.hint)
    return caught.value.message


def test_the_environment_wins_over_all_files(project: Path, config_dir: Path) -> None:
    put(project / ".agentbox/.env", "KEY=project\n")
    put(config_dir / ".env", "KEY=host\n")
    assert found(sources(project, config_dir, {"KEY": "real"})) == ("real", "environment")


def test_the_project_wins_over_the_host(project: Path, config_dir: Path) -> None:
    put(config_dir / ".env", "KEY=host\n")
    assert found(sources(project, config_dir)) == ("host", ".env")
    put(project / ".agentbox/.env", "KEY=project\n")
    assert found(sources(project, config_dir)) == ("project", ".agentbox/.env")


def test_the_project_speaks_for_names_of_api_keys_only(project: Path, config_dir: Path) -> None:
    put(project / ".agentbox/.env", "OTHER=project\n")
    assert found(sources(project, config_dir), "OTHER") is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_project_file_open_to_others_is_ignored_aloud(
    project: Path, config_dir: Path, mode: int
) -> None:
    file = put(project / ".agentbox/.env", f"KEY={SECRET}\n", mode)
    source = sources(project, config_dir)
    assert found(source) is None
    (warning,) = source.warnings
    assert str(file) in warning
    assert "is ignored" in warning


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_project_file_of_somebody_else_is_ignored_aloud(project: Path, config_dir: Path) -> None:
    os.chown(put(project / ".agentbox/.env", "KEY=theirs\n"), 12345, -1)
    source = sources(project, config_dir)
    assert found(source) is None
    assert len(source.warnings) == 1


@pytest.mark.parametrize("link", [".agentbox/.env", ".agentbox"])
def test_a_link_in_a_clone_does_not_lead_to_the_keys_of_another_project(
    project: Path, config_dir: Path, tmp_path: Path, link: str
) -> None:
    other = tmp_path / "other" / ".agentbox"
    other.mkdir(parents=True)
    put(other / ".env", "KEY=another account\n")
    (project / ".agentbox").rmdir()
    if link == ".agentbox":
        (project / link).symlink_to(other)
    else:
        (project / ".agentbox").mkdir()
        (project / link).symlink_to(other / ".env")
    source = sources(project, config_dir)
    assert found(source) is None
    assert "is ignored: it is a link" in source.warnings[0]


def test_a_host_file_open_to_others_is_used_aloud(project: Path, config_dir: Path) -> None:
    put(config_dir / ".env", "KEY=host\n", 0o644)
    source = sources(project, config_dir)
    assert found(source) == ("host", ".env")
    assert "chmod 600" in source.warnings[0]


def test_private_files_and_no_files_need_no_warning(project: Path, config_dir: Path) -> None:
    assert sources(project, config_dir).warnings == ()
    put(project / ".agentbox/.env", "KEY=a\n")
    put(config_dir / ".env", "KEY=a\n")
    assert sources(project, config_dir).warnings == ()
    assert SecretSources({}, None, config_dir, api_key_names={"KEY"}).lookup("KEY") is not None


def test_values_are_taken_as_they_stand(project: Path, config_dir: Path) -> None:
    text = "\ufeffKEY=sk-${NOPE}tail\r\nA='x#y' # note\r\nNAKED\r\nEMPTY=\r\nBLANK=' '\r\nA=z\r\n"
    put(config_dir / ".env", text)
    source = sources(project, config_dir)
    assert found(source) == ("sk-${NOPE}tail", ".env")
    assert found(source, "A") == ("z", ".env")
    assert [found(source, name) for name in ("NAKED", "EMPTY", "BLANK")] == [None] * 3


def test_an_unreadable_env_file_is_ignored_aloud(project: Path, config_dir: Path) -> None:
    os.mkfifo(project / ".agentbox/.env")
    put(config_dir / ".env", b"KEY=\xff\n")
    source = sources(project, config_dir)
    assert found(source) is None
    assert [warning.rpartition(" ")[2] for warning in source.warnings] == ["ignored", "ignored"]
    assert "is a pipe" in source.warnings[0]
    assert "is not UTF-8" in source.warnings[1]


def test_an_env_file_at_an_impossible_place_is_ignored_aloud(config_dir: Path) -> None:
    source = SecretSources({}, Path("x" * 300), config_dir, api_key_names={"KEY"})
    assert source.lookup("KEY") is None
    assert "cannot be read" in source.warnings[0]


def test_what_agents_show_the_proxy_is_no_key_of_a_provider(
    project: Path, config_dir: Path
) -> None:
    # A shell that `env AGENT` has set up may start the proxy as well.
    source = sources(project, config_dir, {"KEY": "agentbox"})
    assert found(source) is None
    assert source.why_missing("KEY") == "KEY is set to 'agentbox', which is for agents and no key"
    put(config_dir / ".env", "KEY=host\n")
    assert found(sources(project, config_dir, {"KEY": "agentbox"})) == ("host", ".env")


def test_an_empty_variable_counts_as_missing_and_says_so(project: Path, config_dir: Path) -> None:
    put(config_dir / ".env", "KEY=host\n")
    source = sources(project, config_dir, {"KEY": "", "OTHER": " \t"})
    assert found(source) == ("host", ".env")
    assert found(source, "OTHER") is None
    assert source.why_missing("OTHER") == "OTHER is set but empty"
    assert source.why_missing("THIRD") == "THIRD is not set"


def test_a_key_may_stand_in_a_file(project: Path, config_dir: Path, tmp_path: Path) -> None:
    file = put(tmp_path / "key", "\ufeffsk-1\r\n", 0o644)
    (tmp_path / "link").symlink_to("key")
    for path in (file, tmp_path / "link", "../key"):
        source = sources(project, config_dir, {"KEY_FILE": str(path), "KEY": ""})
        assert found(source) == ("sk-1", "KEY_FILE")


def test_a_variable_and_its_file_contradict_each_other(project: Path, config_dir: Path) -> None:
    source = sources(project, config_dir, {"KEY": SECRET, "KEY_FILE": "/x"})
    assert refusal(source) == "both KEY and KEY_FILE are set"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\xef\xbb\xbf\r\n", "is empty"),
        (b"correct-horse\nmore\n", "has a line break"),
        (b"correct-horse\x07", "has a control character"),
        ("correct-horse\u201d".encode(), "has a character that HTTP headers cannot carry"),
        (b"correct-horse\xff", "is not UTF-8 text"),
        (b"correct-horse" * 10_000, "is larger than 65536 bytes"),
    ],
)
def test_a_file_that_holds_no_key_is_refused(
    project: Path, config_dir: Path, content: bytes, reason: str
) -> None:
    file = put(project / "key", content)
    message = refusal(sources(project, config_dir, {"KEY_FILE": str(file)}))
    assert message == f"KEY_FILE: {file} {reason}"


def test_a_key_file_that_is_a_pipe_or_missing_is_refused(project: Path, config_dir: Path) -> None:
    os.mkfifo(project / "pipe")
    for name, reason in (("pipe", "is a pipe"), ("none", "no such file")):
        assert reason in refusal(sources(project, config_dir, {"KEY_FILE": name}))


@pytest.mark.parametrize(
    "value", [f"{SECRET}\n", f"{SECRET}\r", f"{SECRET}\x00", f"{SECRET}\u2019"]
)
def test_a_value_that_would_break_a_header_is_refused(
    project: Path, config_dir: Path, value: str
) -> None:
    message = refusal(sources(project, config_dir, {"KEY": value}))
    assert message.startswith("KEY (environment) has a ")


def lookup(name: str) -> Found | None:
    values = {"A": "one", "B": "two"}
    return Found(value=SecretStr(values[name]), source=name.lower()) if name in values else None


@pytest.mark.parametrize(
    ("template", "value", "missing", "where"),
    [
        ("${A}", "one", (), ("a",)),
        ("Bearer ${A}-${B}-${A}", "Bearer one-two-one", (), ("a", "b")),
        ("${C:-three}", "three", (), ()),
        ("${A:-three}", "one", (), ("a",)),
        ("${C}${D}${C}${A}", None, ("C", "D"), ("a",)),
        ("${C:-}", None, ("C",), ()),
        ("$${A}", "${A}", (), ()),
        ("literal", "literal", (), ()),
        ("", None, (), ()),
    ],
)
def test_references_are_replaced(
    template: str, value: str | None, missing: tuple[str, ...], where: tuple[str, ...]
) -> None:
    expected = Expanded(
        value=None if value is None else SecretStr(value), missing=missing, sources=where
    )
    assert expand(template, lookup) == expected
    assert expand(SecretStr(template), lookup) == expected


@pytest.mark.parametrize("template", ["correct-horse${", "correct-horse\n${A}"])
def test_a_template_that_cannot_be_sent_is_refused(template: str) -> None:
    with pytest.raises(ConfigError) as caught:
        expand(template, lookup)
    assert SECRET not in caught.value.message


def test_values_are_in_no_repr() -> None:
    assert SECRET not in repr(expand(SECRET, lookup))
    assert SECRET not in repr(Found(value=SecretStr(SECRET), source="x"))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("key sk-abcdefgh1234 end", "key [redacted] end"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
        ("AIza" + "x" * 35, "[redacted]"),
        ("http://me:pw@host/", "http://[redacted]@host/"),
        ("Bearer ${KEY}", "Bearer ${KEY}"),
        ("task-force-of-many risk-assessment", "task-force-of-many risk-assessment"),
        ("llama-3.3-70b at http://host:80/v1", "llama-3.3-70b at http://host:80/v1"),
    ],
)
def test_what_looks_like_a_key_is_redacted(text: str, clean: str) -> None:
    assert redact(text, ()) == clean


def test_known_keys_are_redacted_the_longest_first() -> None:
    keys = [SecretStr("hunter22"), SecretStr("hunter22-long"), SecretStr("a")]
    assert redact("a hunter22-long, hunter22", keys) == "a [redacted], [redacted]"


@given(st.text(), st.lists(st.text(min_size=6, alphabet="abc"), max_size=3))
def test_no_known_key_survives(text: str, keys: list[str]) -> None:
    clean = redact(text + "".join(keys), [SecretStr(key) for key in keys])
    assert not any(key in clean for key in keys)
