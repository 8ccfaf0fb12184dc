from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.agents.connection import (
    Served,
    connection_for,
    key_command_for,
    key_for,
    served_by,
)
from agentbox_cli.daemon.probe import Probe
from agentbox_cli.daemon.states import DaemonState
from agentbox_cli.errors import ConfigError, UsageError
from agentbox_cli.providers.agent import Alias
from tests.agents.shipped import AGENTS
from tests.daemon.test_instance import an_instance
from tests.fakes.tiny_starter import paths_in

DEFAULT, CODE, FAST = (Alias(name=name) for name in ("default", "code", "fast"))
LANES = {"chat": "direct", "messages": "litellm", "responses": "litellm", "embeddings": "none"}
VECTORS = {"chat": "none", "messages": "none", "responses": "none", "embeddings": "direct"}


def link(model: str, window: int | None, state: str = "ok", **more: Any) -> dict[str, Any]:
    row = {"provider": "acme", "model": model, "lanes": LANES, "state": state}
    return {**row, "context_window": window, **more}


def probe(*rows: dict[str, Any], **more: Any) -> Probe:
    status = {"auth": "same-user", "aliases": list(rows), **more}
    return Probe(state=DaemonState.RUNNING, instance=an_instance(), status=status)


def test_the_window_is_that_of_the_first_link_that_can_be_used() -> None:
    row = {
        "alias": "default",
        "links": [link("a", 5, "key-missing"), link("b", 7, "cooling"), link("c", 9)],
    }
    served = served_by(probe(row))
    assert served is not None
    assert served.aliases == (Alias(name="default", context_window=7),)
    assert [each.name for each in served.others] == ["acme/a", "acme/b", "acme/c"]


def test_embeddings_are_no_choice_for_an_agent() -> None:
    rows = [
        {"alias": "vectors", "links": [link("v", 5, lanes=VECTORS)]},
        {"alias": "default", "links": [link("a", 5)]},
    ]
    served = served_by(probe(*rows))
    assert served is not None
    assert [each.name for each in served.aliases] == ["default"]


@pytest.mark.parametrize("state", [DaemonState.STOPPED, DaemonState.DRAINING])
def test_a_proxy_that_does_not_serve_is_none(state: DaemonState) -> None:
    assert served_by(Probe(state=state)) is None


@pytest.mark.parametrize(
    ("agent", "aliases", "main", "fast"),
    [
        ("claude", (DEFAULT, CODE, FAST), "code", "fast"),
        ("claude", (DEFAULT,), "default", "default"),
        ("llm", (DEFAULT, CODE, FAST), "default", "fast"),
        ("codex", (FAST, Alias(name="other")), "fast", "fast"),
    ],
)
def test_the_best_alias_that_is_there_is_taken(
    agent: str, aliases: tuple[Alias, ...], main: str, fast: str
) -> None:
    served = Served(url="http://127.0.0.1:4000", aliases=aliases)
    to = connection_for(AGENTS[agent], served, None)
    assert (to.model.name, to.fast.name) == (main, fast)


def test_a_deployment_may_be_asked_for_by_its_name() -> None:
    served = Served(url="u", aliases=(DEFAULT,), others=(Alias(name="acme/a"),))
    to = connection_for(AGENTS["opencode"], served, "acme/a")
    assert to.model.name == "acme/a"
    assert [each.name for each in to.aliases] == ["default", "acme/a"]


def test_an_unknown_alias_is_answered_with_what_was_meant_and_what_there_is() -> None:
    served = Served(url="u", aliases=(DEFAULT, CODE))
    with pytest.raises(ConfigError, match="unknown alias 'cod'") as raised:
        connection_for(AGENTS["claude"], served, "cod")
    assert raised.value.hint == "did you mean 'code'? there are: default, code"


def test_without_any_alias_there_is_nothing_to_use() -> None:
    with pytest.raises(ConfigError, match="no alias that an agent could use"):
        connection_for(AGENTS["claude"], Served(url="u", aliases=()), None)


def test_a_key_is_named_by_its_command_where_one_is_wanted() -> None:
    served = Served(url="u", aliases=(DEFAULT,), by_key=True)
    to = connection_for(AGENTS["claude"], served, None, key="secret")
    assert to.key_command == key_command_for({}) == "agentbox litellm key"
    assert "secret" not in repr(to)
    assert AGENTS["claude"].settings is not None
    assert "secret" not in repr(AGENTS["claude"].settings(to))


def test_a_token_of_the_environment_is_shown_instead_and_stays_there(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    paths.key_file.write_text("agentbox-key\n")
    free, keyed = (Served(url="u", aliases=(DEFAULT,), by_key=by_key) for by_key in (False, True))
    environ = {"AGENTBOX_KEY": " agentbox-client-x\n"}
    for served in (free, keyed):
        assert key_for(served, paths, environ) == "agentbox-client-x"
    assert key_for(free, paths, {}) == "agentbox"
    assert key_for(keyed, paths, {"AGENTBOX_KEY": ""}) == "agentbox-key"
    command = key_command_for(environ)
    written = {}
    for name in ("claude", "codex"):
        settings = AGENTS[name].settings
        assert settings is not None
        written[name] = settings(connection_for(AGENTS[name], keyed, None, key_command=command))
    assert (("apiKeyHelper",), "printenv AGENTBOX_KEY") in written["claude"][0].values
    assert "'env_key': 'AGENTBOX_KEY'" in repr(written["codex"])
    assert "agentbox-client-x" not in repr(written)


def test_a_command_with_blanks_in_its_words_stays_as_it_is_meant() -> None:
    served = Served(url="u", aliases=(DEFAULT,), by_key=True)
    command = "'/opt/my tools/agentbox' litellm key --name 'a b'"
    settings = AGENTS["codex"].settings
    assert settings is not None
    [written] = settings(connection_for(AGENTS["codex"], served, None, key_command=command))
    [about] = [value for path, value in written.values if path[0] == "model_providers"]
    told = {"command": "/opt/my tools/agentbox", "args": ["litellm", "key", "--name", "a b"]}
    assert about["auth"] == told


@pytest.mark.parametrize("said", ["two words", "a\nb", "\x1b[0m", "schlüssel"])
def test_what_cannot_be_a_token_is_told_without_it(tmp_path: Path, said: str) -> None:
    with pytest.raises(UsageError, match="AGENTBOX_KEY is no key or token"):
        key_for(Served(url="u", aliases=()), paths_in(tmp_path), {"AGENTBOX_KEY": said})
