"""The words that shells complete, and the files they stand in."""

import os
import stat
from pathlib import Path

import pytest

from agentbox_cli.config.document import parse
from agentbox_cli.paths import Paths, standard_paths
from agentbox_cli.providers.registry import discover
from agentbox_cli.providers.words import WordKind, refresh_words, words, write_words

CONFIG = """\
version: 1
litellm:
  providers:
    openai: {api_key: "${OPENAI_API_KEY}"}
    local: {api_base: http://127.0.0.1:8000/v1, headers: {X-Team: "${TEAM}"}}
  models:
    default:
      - {provider: openai, model: gpt-4o}
      - {provider: local, model: llama}
"""


@pytest.fixture
def paths() -> Paths:
    return standard_paths()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "config.yml"
    file.write_text(CONFIG)
    return file


def found(text: str = CONFIG) -> dict[WordKind, dict[str, str]]:
    listed = words(parse(text, "config.yml").data, discover())
    return {kind: dict(pairs) for kind, pairs in listed.items()}


def kept(paths: Paths, kind: WordKind) -> Path:
    return paths.cache_dir / "complete" / kind


def test_aliases_are_told_with_their_chains() -> None:
    assert found()[WordKind.ALIAS]["default"] == "openai/gpt-4o, local/llama"


def test_aliases_that_plugins_propose_come_after_those_of_the_config() -> None:
    aliases = found()[WordKind.ALIAS]
    assert next(iter(aliases)) == "default"
    assert aliases["fast"].startswith("openai/")


def test_configured_providers_come_before_those_that_plugins_offer() -> None:
    providers = found()[WordKind.PROVIDER]
    assert list(providers)[:2] == ["openai", "local"]
    assert providers["openai"] == "OpenAI, configured"
    assert providers["anthropic"] == "Anthropic"


def test_models_and_links_are_those_of_the_config_and_of_plugins() -> None:
    assert found()[WordKind.MODEL]["gpt-4o"] == "chat, 128,000 tokens"
    assert found()[WordKind.MODEL]["llama"] == ""
    assert {"local/llama", "openai/o1"} <= found()[WordKind.LINK].keys()


def test_paths_are_those_that_exist_and_those_that_may() -> None:
    listed = found()[WordKind.PATH]
    assert listed["litellm.router.timeout"] == "Seconds for one link to answer."
    assert {"litellm.models.default[1].model", "litellm.providers.local.headers.X-Team"} <= set(
        listed
    )
    assert not any(path.startswith("version") for path in listed)


def test_values_are_those_that_the_schema_allows_at_a_path() -> None:
    values = found()[WordKind.VALUE]
    assert {"litellm.auth=key", "litellm.enabled=false", "litellm.engine.mode=off"} <= set(values)
    assert {
        "litellm.providers.local.protocol=anthropic",
        "litellm.fallbacks.on_content_policy=true",
    } <= set(values)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "litellm:",
        "litellm: 3",
        "litellm: [a]",
        "litellm: {models: [a], providers: x}",
        "litellm: {models: {a: x, b: [y, {provider: 1, model: 2}], 3: [{}], null: }}",
        "litellm: {models: {a: [{provider: [], model: {}}]}, providers: {1: 2, [x]: 3}}",
        'litellm: {models: {"a\\tb": [], "c\\nd": [], "": [], "#x": [], "\\e[0m": []}}',
    ],
)
def test_a_config_that_is_not_valid_has_words_too(text: str) -> None:
    listed = found(text)
    assert "openai" in listed[WordKind.PROVIDER]
    for pairs in listed.values():
        assert all(word.isprintable() and text.isprintable() for word, text in pairs.items())
        assert not any(word.startswith("#") for word in pairs)


def test_no_value_of_the_config_is_a_word_or_its_description() -> None:
    secret = "sk-not-to-be-shown"
    text = CONFIG.replace("${OPENAI_API_KEY}", secret).replace("${TEAM}", secret)
    assert secret not in str(found(text))


def test_a_file_says_what_it_was_made_of_and_has_its_date(paths: Paths, file: Path) -> None:
    os.utime(file, ns=(1_700_000_000_123_456_789, 1_700_000_000_123_456_789))
    texts = write_words(paths, str(file))
    for kind in WordKind:
        assert kept(paths, kind).read_text() == texts[kind]
        assert texts[kind].startswith(f"# {file}\n")
        about = kept(paths, kind).stat()
        assert about.st_mtime_ns == file.stat().st_mtime_ns
        assert stat.S_IMODE(about.st_mode) == 0o600


def test_a_missing_config_has_the_words_of_the_plugins(paths: Paths, tmp_path: Path) -> None:
    texts = write_words(paths, str(tmp_path / "none.yml"))
    assert texts[WordKind.ALIAS] == f"# {tmp_path / 'none.yml'}\n"
    assert "openai\t" in texts[WordKind.PROVIDER]


@pytest.mark.parametrize("broken", [b"litellm: [", b"\xff\xfe\xff", b"a: 1\n- b\n"])
def test_a_broken_config_keeps_the_words_and_takes_its_date(
    paths: Paths, file: Path, broken: bytes
) -> None:
    before = write_words(paths, str(file))
    file.write_bytes(broken)
    os.utime(file, (1_800_000_000, 1_800_000_000))
    assert write_words(paths, str(file)) == before
    assert kept(paths, WordKind.ALIAS).stat().st_mtime == 1_800_000_000


def test_a_broken_config_does_not_take_the_words_of_another(
    paths: Paths, file: Path, tmp_path: Path
) -> None:
    write_words(paths, str(file))
    other = tmp_path / "other.yml"
    other.write_text("litellm: [")
    assert "default" not in write_words(paths, str(other))[WordKind.ALIAS]


def test_after_a_write_the_words_are_new(paths: Paths, file: Path) -> None:
    refresh_words(paths, file)
    file.write_text(CONFIG.replace("default:", "renamed:"))
    refresh_words(paths, file, discover())
    assert "renamed\t" in kept(paths, WordKind.ALIAS).read_text()


def test_words_that_cannot_be_written_disturb_nobody(paths: Paths, file: Path) -> None:
    paths.cache_dir.parent.mkdir(parents=True, exist_ok=True)
    paths.cache_dir.write_text("no directory")
    refresh_words(paths, file)
    assert paths.cache_dir.read_text() == "no directory"


def test_no_temporary_file_is_left(paths: Paths, file: Path) -> None:
    for kind in WordKind:
        kept(paths, kind).mkdir(parents=True)
    write_words(paths, str(file))
    assert sorted(entry.name for entry in (paths.cache_dir / "complete").iterdir()) == sorted(
        WordKind
    )


def test_paths_are_sorted_by_their_bytes() -> None:
    text = (
        'litellm: {models: {"\U0001f600": [], "\uffee": [], "a b": [], a: [{}], "~": [], Z: []}}'
    )
    paths = list(found(text)[WordKind.PATH])
    assert paths == sorted(paths, key=str.encode)
