"""Keys and headers as `resolve` gets them."""

from pydantic import SecretStr

from agentbox_cli.config.model import HostConfig, ProviderConfig
from agentbox_cli.config.problems import Issue, Severity
from agentbox_cli.config.secrets import Found
from agentbox_cli.errors import ConfigError
from agentbox_cli.providers.keys import ProviderKeys, is_not_set, key_names
from agentbox_cli.providers.model import Protocol, ProviderSpec
from agentbox_cli.providers.registry import PluginRecord, PluginState, Registry, collect
from agentbox_cli.providers.resolved import KeyState

ACME = ProviderSpec(
    name="acme",
    title="Acme",
    protocols=frozenset({Protocol.OPENAI_CHAT}),
    api_base="https://api.acme.example/v1",
    api_key_env="ACME_API_KEY",
)
LOCAL = ProviderSpec(name="local", title="Local", protocols=frozenset({Protocol.OPENAI_CHAT}))


def keys_with(**values: str) -> ProviderKeys:
    def lookup(name: str) -> Found | None:
        value = values.get(name)
        return Found(value=SecretStr(value), source=".env") if value else None

    return ProviderKeys(lookup, is_not_set)


def entry(**settings: object) -> ProviderConfig:
    return ProviderConfig.model_validate(settings)


def registry() -> Registry:
    return collect(
        [
            PluginRecord(
                name="acme",
                distribution=None,
                version=None,
                state=PluginState.LOADED,
                specs=(ACME, LOCAL),
            )
        ]
    )


def only(keys: ProviderKeys) -> Issue:
    (issue,) = keys.issues
    return issue


def test_a_reference_in_the_config_is_looked_up() -> None:
    keys = keys_with(MY_KEY="dummy-1")
    key = keys.key_of(ACME, entry(api_key="${MY_KEY}"))
    assert (key.state, key.source) == (KeyState.SET, ".env")
    assert key.value is not None
    assert key.value.get_secret_value() == "dummy-1"
    assert keys.issues == []


def test_without_an_api_key_the_usual_variable_counts() -> None:
    assert keys_with(ACME_API_KEY="dummy-1").key_of(ACME, entry()).state is KeyState.SET


def test_a_provider_without_a_usual_variable_needs_no_key() -> None:
    assert keys_with().key_of(LOCAL, entry()).state is KeyState.NOT_NEEDED


def test_a_key_in_clear_text_comes_from_the_config() -> None:
    assert keys_with().key_of(LOCAL, entry(api_key="not-needed")).source == "config.yml"


def test_an_unset_key_is_a_warning_where_the_key_stands() -> None:
    keys = keys_with()
    assert keys.key_of(ACME, entry(api_key="${MY_KEY}")).state is KeyState.MISSING
    issue = only(keys)
    assert issue.severity is Severity.WARNING
    assert issue.path == ("litellm", "providers", "acme", "api_key")
    assert issue.message == "MY_KEY is not set; links to acme are skipped"
    assert issue.hint == "export MY_KEY=..., or put it into the .env beside config.yml"


def test_an_unset_usual_variable_is_a_warning_where_the_provider_stands() -> None:
    keys = keys_with()
    keys.key_of(ACME, entry())
    assert only(keys).path == ("litellm", "providers", "acme")
    assert "ACME_API_KEY is not set" in only(keys).message


def test_why_a_variable_has_no_value_is_told() -> None:
    keys = ProviderKeys(lambda _: None, lambda name: f"{name} is set but empty")
    keys.key_of(ACME, entry(api_key="${ONE}${TWO}"))
    assert only(keys).message.startswith("ONE is set but empty, TWO is set but empty; ")


def test_an_empty_key_is_a_warning() -> None:
    keys = keys_with()
    assert keys.key_of(ACME, entry(api_key="")).state is KeyState.MISSING
    assert only(keys).message == "this is empty; links to acme are skipped"


def test_a_key_that_cannot_be_read_is_an_error_and_missing() -> None:
    def lookup(_: str) -> Found | None:
        raise ConfigError("both MY_KEY and MY_KEY_FILE are set", hint="unset one")

    keys = ProviderKeys(lookup, is_not_set)
    assert keys.key_of(ACME, entry(api_key="${MY_KEY}")).state is KeyState.MISSING
    assert only(keys).severity is Severity.ERROR
    assert only(keys).hint == "unset one"


def test_headers_are_looked_up_and_one_without_a_value_is_left_out() -> None:
    keys = keys_with(ORG="dummy-org")
    headers = keys.headers_of(ACME, entry(headers={"X-Org": "${ORG}", "X-Team": "a-${TEAM}"}))
    assert {name: value.get_secret_value() for name, value in headers.items()} == {
        "X-Org": "dummy-org"
    }
    assert only(keys).path == ("litellm", "providers", "acme", "headers", "X-Team")
    assert only(keys).message == "TEAM is not set; the header is left out"


def test_key_names_are_those_of_keys_not_of_headers() -> None:
    config = {
        "litellm": {
            "providers": {
                "acme": {"headers": {"X-Org": "${ORG}"}},
                "local": {},
                "other": {"api_base": "http://127.0.0.1:1/v1", "api_key": "${A}-${B:-b}"},
            }
        }
    }
    assert key_names(HostConfig.model_validate(config), registry()) == {"ACME_API_KEY", "A", "B"}
