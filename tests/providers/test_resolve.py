from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.problems import Issue, Severity
from agentbox_cli.config.secrets import Found
from agentbox_cli.providers.model import ModelKind, ModelSpec, Protocol, ProviderSpec
from agentbox_cli.providers.registry import (
    PluginRecord,
    PluginState,
    Registry,
    collect,
    discover,
)
from agentbox_cli.providers.resolve import resolve, unusable_alias_issues
from agentbox_cli.providers.resolved import KeyState, Resolved

EMBEDDING = ModelKind.EMBEDDING
ACME = ProviderSpec(
    name="acme",
    title="Acme",
    protocols=frozenset({Protocol.OPENAI_CHAT, Protocol.OPENAI_EMBEDDINGS}),
    api_base="https://api.acme.example/v1",
    api_key_env="ACME_API_KEY",
    models=(
        ModelSpec(id="large", context_window=100_000),
        ModelSpec(id="vectors", kind=EMBEDDING),
        ModelSpec(id="space-1a", kind=EMBEDDING, embedding_space="one"),
    ),
    default_aliases={"code": "large", "vision": "large"},
    rank=20,
)
OTHER = ProviderSpec(
    name="other",
    title="Other",
    protocols=frozenset({Protocol.OPENAI_CHAT}),
    api_base="https://api.other.example/v1",
    api_key_env="OTHER_API_KEY",
    models=(
        ModelSpec(id="small"),
        ModelSpec(id="vectors", kind=EMBEDDING),
        ModelSpec(id="space-1b", kind=EMBEDDING, embedding_space="one"),
    ),
    default_aliases={"code": "small", "vision": "vectors"},
    rank=10,
)
LOCAL = ProviderSpec(
    name="local",
    title="Local",
    protocols=frozenset({Protocol.OPENAI_CHAT}),
    api_base="http://127.0.0.1:11434/v1",
    models=(ModelSpec(id="tiny"),),
)
KEYS = {"ACME_API_KEY": "dummy-1", "OTHER_API_KEY": "dummy-2"}


def record(
    name: str, *specs: ProviderSpec, state: PluginState = PluginState.LOADED, reason: str = ""
) -> PluginRecord:
    return PluginRecord(
        name=name,
        distribution=f"agentbox-{name}",
        version="1",
        state=state,
        reason=reason or None,
        specs=specs,
    )


REGISTRY = collect([record("all", ACME, OTHER, LOCAL)])


def resolved(
    config: dict[str, Any],
    keys: Mapping[str, str] = KEYS,
    registry: Registry = REGISTRY,
) -> tuple[Resolved, tuple[Issue, ...]]:
    def lookup(name: str) -> Found | None:
        value = keys.get(name)
        return Found(value=SecretStr(value), source="environment") if value else None

    return resolve(HostConfig.model_validate({"litellm": config}), registry, lookup)


def config(*links: str, **settings: Any) -> dict[str, Any]:
    """A config with the providers acme and other, and the chain `main` of `provider/model`s."""
    chain = [dict(zip(("provider", "model"), link.split("/"), strict=True)) for link in links]
    models = {"main": chain} if chain else {}
    return {"providers": {"acme": {}, "other": {}}, "models": models, **settings}


def only(issues: tuple[Issue, ...]) -> Issue:
    (issue,) = issues
    return issue


def deployments(resolved: Resolved, alias: str) -> list[str]:
    return [link.deployment.name for link in resolved.chains[alias].links]


def test_a_chain_has_its_links_in_order() -> None:
    found, issues = resolved(config("acme/large", "other/small"))
    assert issues == ()
    assert deployments(found, "main") == ["acme/large", "other/small"]
    assert [link.number for link in found.chains["main"].links] == [1, 2]
    assert found.chains["main"].source == "config"


def test_an_unknown_provider_of_a_link_is_an_error_with_a_suggestion() -> None:
    found, issues = resolved(config("acne/large"))
    issue = only(issues)
    assert issue.severity is Severity.ERROR
    assert issue.path == ("litellm", "models", "main", 0, "provider")
    assert issue.message == "unknown provider 'acne'"
    assert issue.hint == "did you mean 'acme'?"
    assert "main" not in found.chains


def test_an_unknown_provider_like_no_other_is_an_error_without_a_suggestion() -> None:
    _, issues = resolved(config("zzz/large"))
    assert only(issues).hint == "agentbox litellm providers lists them"


def test_a_provider_that_is_known_but_not_configured_says_what_to_add() -> None:
    _, issues = resolved({"models": {"main": [{"provider": "acme", "model": "large"}]}})
    assert only(issues).message == "provider 'acme' is not configured"
    assert (
        only(issues).hint == "add `acme:` with `api_key: ${ACME_API_KEY}` under litellm.providers"
    )


def test_a_provider_that_needs_no_key_needs_no_entry() -> None:
    found, issues = resolved({"models": {"main": [{"provider": "local", "model": "tiny"}]}})
    assert issues == ()
    assert found.providers["local"].configured is False
    assert found.providers["local"].key.state is KeyState.NOT_NEEDED


def test_an_unknown_configured_provider_without_an_address_is_one_error() -> None:
    settings = config("acmee/large")
    settings["providers"]["acmee"] = {"api_key": "${ACME_API_KEY}"}
    _, issues = resolved(settings)
    issue = only(issues)
    assert issue.path == ("litellm", "providers", "acmee")
    assert issue.on == "key"
    assert issue.message == "no plugin knows the provider 'acmee', and it has no api_base"
    assert issue.hint == "did you mean 'acme'?"


def test_an_unknown_provider_like_no_other_needs_an_address() -> None:
    _, issues = resolved({"providers": {"zzz": {}}})
    assert only(issues).hint == "add api_base: https://.../v1"


@pytest.mark.parametrize(
    ("protocol", "protocols", "prefixes"),
    [
        (
            {},
            {Protocol.OPENAI_CHAT, Protocol.OPENAI_EMBEDDINGS},
            {ModelKind.CHAT: "custom_openai", EMBEDDING: "openai"},
        ),
        (
            {"protocol": "openai"},
            {Protocol.OPENAI_CHAT, Protocol.OPENAI_EMBEDDINGS},
            {ModelKind.CHAT: "custom_openai", EMBEDDING: "openai"},
        ),
        (
            {"protocol": "anthropic"},
            {Protocol.ANTHROPIC_MESSAGES},
            {ModelKind.CHAT: "anthropic"},
        ),
    ],
)
def test_a_provider_that_no_plugin_knows_needs_an_address_only(
    protocol: dict[str, str], protocols: set[Protocol], prefixes: dict[ModelKind, str]
) -> None:
    found, issues = resolved(
        {"providers": {"mine": {"api_base": "http://10.0.0.1/v1", **protocol}}}
    )
    assert issues == ()
    mine = found.providers["mine"]
    assert mine.api_base == "http://10.0.0.1/v1"
    assert mine.spec.protocols == protocols
    assert mine.spec.litellm_prefix == prefixes
    assert mine.key.state is KeyState.NOT_NEEDED


def test_the_config_may_move_a_known_provider() -> None:
    found, _ = resolved({"providers": {"acme": {"api_base": "https://mirror.example/v1"}}})
    assert found.providers["acme"].api_base == "https://mirror.example/v1"
    assert found.providers["acme"].spec is ACME


def test_a_provider_of_two_plugins_is_an_error_that_names_both() -> None:
    rivals = collect([record("one", ACME), record("two", ACME)])
    _, issues = resolved(config("acme/large"), registry=rivals)
    issue = next(issue for issue in issues if issue.path == ("litellm", "providers", "acme"))
    assert issue.severity is Severity.ERROR
    assert "several plugins: one (agentbox-one) and two (agentbox-two)" in issue.message
    assert "AGENTBOX_DISABLE_PLUGINS" in (issue.hint or "")


def test_a_provider_of_two_plugins_that_the_config_does_not_name_is_no_issue() -> None:
    rivals = collect([record("one", ACME), record("two", ACME), record("other", OTHER)])
    found, issues = resolved({"providers": {"other": {}}}, registry=rivals)
    assert issues == ()
    assert "acme" not in found.providers


@pytest.mark.parametrize("state", [PluginState.BROKEN, PluginState.DISABLED])
def test_a_provider_whose_plugin_did_not_load_says_why(state: PluginState) -> None:
    registry = collect([record("acme", state=state, reason="it is so")])
    _, issues = resolved({"providers": {"acme": {}}}, registry=registry)
    assert only(issues).message == f"provider 'acme': its plugin is {state.value}: it is so"
    assert only(issues).hint == "agentbox plugins list"


def test_a_link_without_a_key_stays_in_its_chain() -> None:
    found, issues = resolved(config("acme/large", "other/small"), {"OTHER_API_KEY": "dummy-2"})
    first, second = found.chains["main"].links
    assert first.deployment.provider.key.state is KeyState.MISSING
    assert not first.deployment.provider.usable
    assert second.deployment.provider.usable
    assert found.chains["main"].usable
    assert unusable_alias_issues(found) == []
    assert only(issues).severity is Severity.WARNING


def test_an_alias_without_a_usable_link_is_an_error_of_its_own() -> None:
    found, issues = resolved(config("acme/large", "other/small"), {})
    assert {issue.severity for issue in issues} == {Severity.WARNING}
    assert not found.chains["main"].usable
    (issue,) = unusable_alias_issues(found)
    assert issue.severity is Severity.ERROR
    assert issue.path == ("litellm", "models", "main")


def test_a_plugin_alias_without_a_usable_link_is_no_error() -> None:
    found, _ = resolved(config(), {})
    assert found.chains["code"].usable is False
    assert unusable_alias_issues(found) == []


def test_chat_and_embedding_models_in_one_chain_are_an_error() -> None:
    found, issues = resolved(config("acme/large", "other/small", "acme/vectors"))
    assert only(issues).path == ("litellm", "models", "main", 2, "model")
    assert only(issues).message == "alias 'main' mixes chat and embedding models"
    assert "main" not in found.chains


def test_embeddings_of_different_spaces_in_one_chain_are_an_error() -> None:
    _, issues = resolved(config("acme/vectors", "acme/space-1a"))
    assert only(issues).path == ("litellm", "models", "main", 1, "model")
    assert "embeddings of 'space-1a' cannot replace those of 'vectors'" in only(issues).message


@pytest.mark.parametrize(
    "links", [("acme/vectors", "other/vectors"), ("acme/space-1a", "other/space-1b")]
)
def test_embeddings_of_one_space_may_share_a_chain(links: tuple[str, str]) -> None:
    found, issues = resolved(config(*links))
    assert issues == ()
    assert found.chains["main"].kind is EMBEDDING


@pytest.mark.parametrize(
    ("model", "kind"),
    [("unheard-of", ModelKind.CHAT), ("Unheard-Of-Embed-2", EMBEDDING)],
)
def test_the_kind_of_an_unknown_model_is_told_by_its_name(model: str, kind: ModelKind) -> None:
    found, issues = resolved(config(f"acme/{model}"))
    assert issues == ()
    assert found.chains["main"].kind is kind


def test_a_plugin_proposes_aliases_of_configured_providers_by_rank() -> None:
    found, issues = resolved(config())
    assert issues == ()
    assert deployments(found, "code") == ["other/small", "acme/large"]
    assert found.chains["code"].source == "plugin other, acme"


def test_a_proposed_chain_leaves_out_what_does_not_fit_its_first_link() -> None:
    found, _ = resolved(config())
    assert deployments(found, "vision") == ["other/vectors"]


def test_an_alias_of_the_config_is_never_extended_by_a_plugin() -> None:
    found, _ = resolved(
        {
            "providers": {"acme": {}, "other": {}},
            "models": {"code": [{"provider": "acme", "model": "large"}]},
        }
    )
    assert deployments(found, "code") == ["acme/large"]


def test_an_alias_of_the_config_with_an_error_is_not_replaced_by_a_plugin() -> None:
    settings = config()
    settings["models"] = {"code": [{"provider": "acne", "model": "large"}]}
    found, _ = resolved(settings)
    assert "code" not in found.chains


def test_a_provider_that_is_not_configured_proposes_nothing() -> None:
    found, _ = resolved({"providers": {"other": {}}})
    assert deployments(found, "code") == ["other/small"]


def test_a_link_takes_what_the_config_says_over_what_is_known() -> None:
    link = {
        "provider": "acme",
        "model": "large",
        "timeout": 5,
        "max_input_tokens": 1000,
        "drop_params": ["seed"],
    }
    found, _ = resolved({"providers": {"acme": {}}, "models": {"main": [link]}})
    (first,) = found.chains["main"].links
    assert (first.timeout, first.max_input_tokens) == (5, 1000)
    assert first.drop_params == {"seed"}


def test_a_link_takes_timeout_and_window_from_router_and_model() -> None:
    found, _ = resolved(config("acme/large", router={"timeout": 7}))
    (first,) = found.chains["main"].links
    assert (first.timeout, first.max_input_tokens, first.drop_params) == (7, 100_000, frozenset())


def test_a_link_has_times_of_its_own_before_the_routers() -> None:
    router = {"timeout": 7, "stream_timeout": 8, "connect_timeout": 9}
    own = {"timeout": 1, "stream_timeout": 2, "connect_timeout": 3}
    entries = [{"provider": "acme", "model": "large", **more} for more in ({}, own)]
    found, _ = resolved(config(router=router, models={"main": entries}))
    first, second = found.chains["main"].links
    assert {name: getattr(first, name) for name in router} == router
    assert {name: getattr(second, name) for name in own} == own


def test_a_setting_of_the_router_arrives() -> None:
    router = {
        "num_retries": 1,
        "timeout": 2,
        "stream_timeout": 3,
        "connect_timeout": 6,
        "total_timeout": 4,
        "retry_after_seconds": 5,
    }
    found, _ = resolved(config(router=router))
    assert {name: getattr(found.router, name) for name in router} == router


@pytest.mark.parametrize(
    ("fallbacks", "expected"),
    [
        ({}, True),
        ({"on_error": False}, False),
        ({"on_error": True, "on_content_policy": False}, False),
        ({"on_error": False, "on_content_policy": True}, True),
    ],
)
def test_on_content_policy_is_as_on_error_unless_it_is_set(
    fallbacks: dict[str, bool], expected: bool
) -> None:
    found, _ = resolved(config(fallbacks=fallbacks))
    assert found.toggles.on_content_policy is expected


def test_a_pattern_for_an_unknown_alias_is_an_error() -> None:
    _, issues = resolved(config("acme/large", model_patterns={"gpt-*": "mian"}))
    assert only(issues).path == ("litellm", "model_patterns", "gpt-*")
    assert only(issues).message == "unknown alias 'mian'"
    assert only(issues).hint == "did you mean 'main'?"


def test_budgets_without_usage_are_an_error() -> None:
    _, issues = resolved(
        config("acme/large", usage={"enabled": False}, budgets={"daily_usd": 1.0})
    )
    assert only(issues).path == ("litellm", "budgets")
    assert "usage" in only(issues).message


@pytest.mark.parametrize("alias", ["main", "code"])
def test_a_pattern_may_name_any_alias(alias: str) -> None:
    _, issues = resolved(config("acme/large", model_patterns={"gpt-*": alias}))
    assert issues == ()


@pytest.mark.parametrize(
    ("provider", "model", "lanes"),
    [
        ("gwdg_saia", "llama-3.3-70b", ("direct", "litellm", "litellm", "direct", "none")),
        ("gwdg_saia", "e5-mistral-7b-instruct", ("none", "none", "none", "none", "direct")),
        ("anthropic", "claude-sonnet-4-5", ("litellm", "direct", "litellm", "litellm", "none")),
        ("openai", "gpt-4o", ("direct", "litellm", "direct", "direct", "none")),
        ("openai", "text-embedding-3-small", ("none", "none", "none", "none", "direct")),
        ("simulated", "echo", ("direct", "direct", "direct", "direct", "none")),
    ],
)
def test_each_endpoint_has_its_lane(provider: str, model: str, lanes: tuple[str, ...]) -> None:
    found, issues = resolved(
        {
            "providers": {provider: {"api_key": "not-needed"}},
            "models": {"main": [{"provider": provider, "model": model}]},
        },
        registry=discover(),
    )
    assert issues == ()
    (link,) = found.chains["main"].links
    assert tuple(link.deployment.lanes().items()) == tuple(
        zip(("chat", "messages", "responses", "generate", "embeddings"), lanes, strict=True)
    )


def test_a_deployment_that_stands_in_two_chains_is_one() -> None:
    settings = config("acme/large")
    settings["models"]["again"] = settings["models"]["main"]
    found, _ = resolved(settings)
    assert set(found.deployments()) == {"acme/large", "other/small", "other/vectors"}
