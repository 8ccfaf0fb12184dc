from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox
from tests.fakes.edited import edited_lines


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (("simulated",), ["+     simulated: {}"]),
        (
            ("cluster", "--api-base", "https://llm.example.org/v1", "--key-env", "CLUSTER_KEY"),
            [
                "+     cluster:",
                "+       api_base: https://llm.example.org/v1",
                "+       api_key: ${CLUSTER_KEY}",
            ],
        ),
        (
            ("ours", "--api-base", "http://127.0.0.1:9", "--protocol", "anthropic"),
            ["+     ours:", "+       api_base: http://127.0.0.1:9", "+       protocol: anthropic"],
        ),
    ],
)
def test_only_lines_of_the_provider_are_added(
    agentbox: Agentbox, seed: Path, arguments: tuple[str, ...], lines: list[str]
) -> None:
    before = seed.read_text()
    result = agentbox("litellm", "providers", "add", *arguments)
    assert (result.exit_code, result.out) == (0, f"wrote {seed}\n")
    assert "stands in no chain" in result.err
    assert edited_lines(before, seed.read_text()) == lines


def test_a_plugin_knows_the_usual_variable(agentbox: Agentbox, config_yml: Path) -> None:
    config_yml.write_text("litellm:\n  enabled: true\n")
    assert agentbox("litellm", "providers", "add", "openai").exit_code == 0
    assert config_yml.read_text() == (
        "litellm:\n  enabled: true\n  providers:\n    openai:\n      api_key: ${OPENAI_API_KEY}\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("openai",), 2, "configured already"),
        (("opneai",), 3, "did you mean 'openai'?"),
        (("xyzzy",), 3, "hint: give its address: --api-base https://"),
        (("a b", "--api-base", "http://x"), 3, "this name cannot be used"),
        (("ours", "--api-base", "ftp://x"), 3, "http:// or https://"),
        (("ours", "--api-base", "http://x", "--protocol", "grpc"), 2, "--protocol"),
        (("ours", "--api-base", "http://x", "--key-env", "sk-abcdef0123"), 2, "no name of a"),
    ],
)
def test_what_does_not_fit_leaves_the_file_alone(
    agentbox: Agentbox, seed: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    before = seed.read_bytes()
    result = agentbox("litellm", "providers", "add", *arguments)
    assert (result.exit_code, result.out) == (code, "")
    assert message in result.err
    assert "abcdef" not in result.err
    assert seed.read_bytes() == before
