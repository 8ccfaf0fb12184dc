from agentbox_cli.providers.resolved import Chain
from agentbox_cli.proxy.names import Names
from tests.proxy.builders import chain, deployment, link, resolved

DEFAULT = chain(
    deployment("openai", "gpt-4o"), deployment("saia", "meta/llama-3.3"), alias="default"
)
FAST = chain(link(1, deployment("openai", "gpt-4o"), timeout=5.0), alias="fast")


def names(**patterns: str) -> Names:
    return Names(resolved(DEFAULT, FAST, patterns=patterns))


def patterned(patterns: dict[str, str], name: str) -> str | None:
    found = Names(resolved(DEFAULT, FAST, patterns=patterns)).chain(name)
    return found.alias if found else None


def test_an_alias_is_its_chain() -> None:
    assert names().chain("default") is DEFAULT
    assert list(names().aliases) == ["default", "fast"]


def test_a_deployment_of_a_chain_is_a_chain_of_one_link() -> None:
    found = names().chain("saia/meta/llama-3.3")
    assert isinstance(found, Chain)
    assert found.alias == "saia/meta/llama-3.3"
    assert [(each.number, each.deployment) for each in found.links] == [
        (1, DEFAULT.links[1].deployment)
    ]


def test_a_deployment_of_several_chains_is_called_as_in_the_first() -> None:
    found = names().chain("openai/gpt-4o")
    assert found is not None
    assert found.links[0].timeout == 120.0


def test_nothing_else_is_known() -> None:
    for name in ("gpt-4o", "openai/gpt-5", "Default", "default ", "", "openai/"):
        assert names().chain(name) is None


def test_a_pattern_leads_to_its_alias() -> None:
    assert patterned({"claude-*": "default"}, "claude-sonnet-4-5") == "default"
    assert patterned({"claude-*": "default"}, "Claude-x") is None
    assert patterned({"gpt-?": "fast"}, "gpt-55") is None


def test_the_first_pattern_that_fits_wins() -> None:
    patterns = {"claude-haiku-*": "fast", "claude-*": "default"}
    assert patterned(patterns, "claude-haiku-4-5") == "fast"
    assert patterned(patterns, "claude-opus") == "default"


def test_aliases_and_deployments_come_before_patterns() -> None:
    assert patterned({"*": "fast"}, "default") == "default"
    assert patterned({"*": "fast"}, "openai/gpt-4o") == "openai/gpt-4o"
    assert patterned({"*": "fast"}, "anything") == "fast"


def test_a_pattern_to_an_alias_that_is_gone_is_passed_over() -> None:
    assert patterned({"gpt-*": "gone", "*": "fast"}, "gpt-4") == "fast"
    assert patterned({"gpt-*": "gone"}, "gpt-4") is None


def test_an_unknown_name_is_told_with_the_known_ones_and_a_guess() -> None:
    assert names().unknown("defualt") == (
        "unknown model 'defualt'; did you mean 'default'? Known aliases: default, fast"
    )
    assert names().unknown("zzz") == "unknown model 'zzz'. Known aliases: default, fast"


def test_a_deployment_may_be_the_guess() -> None:
    assert "did you mean 'openai/gpt-4o'?" in names().unknown("openai/gpt-4")


def test_a_long_or_odd_name_stays_on_a_short_line() -> None:
    told = names().unknown("x\n" * 5_000)
    assert "\n" not in told
    assert len(told) < 400
