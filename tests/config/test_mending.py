from collections.abc import Iterable

import pytest

from agentbox_cli.config.document import parse
from agentbox_cli.config.mending import mends
from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.problems import Issue, Severity

WRONG = """\
litellm:
  prot: 1
  router:
    timeout: soon
  models:
    default:
      - provider: a
        model: m
        foo: 1
      - provider: b
        model: m
"""
WITHOUT_PORT = WRONG.replace("  prot: 1\n", "")


def known_providers(host: HostConfig) -> Iterable[Issue]:
    """As the registry finds them: only a valid config can be asked."""
    for alias, links in host.litellm.models.items():
        for index, link in enumerate(links):
            if link.provider != "a":
                path = ("litellm", "models", alias, index, "provider")
                yield Issue(path=path, message=f"unknown provider {link.provider!r}")
    yield Issue(path=("litellm", "port"), message="odd", severity=Severity.WARNING)


def is_better(before: str, after: str) -> bool:
    return mends(parse(before, "c"), parse(after, "c"), known_providers)


@pytest.mark.parametrize(
    "after",
    [
        WITHOUT_PORT,
        WRONG.replace("soon", "5"),
        WRONG.replace("        foo: 1\n", ""),
        WITHOUT_PORT.replace("soon", "5"),
        # Its error shows only where there is no other one.
        WRONG.replace("provider: b", "provider: a"),
        # The first link goes with its error, so the second has another index.
        WRONG.replace("      - provider: a\n        model: m\n        foo: 1\n", ""),
    ],
)
def test_one_error_less_is_better(after: str) -> None:
    assert is_better(WRONG, after)


@pytest.mark.parametrize(
    "after",
    [
        WRONG,
        WRONG + "  port: 4001\n",
        WRONG.replace("prot", "porr"),
        WRONG.replace("soon", "late"),
        WITHOUT_PORT.replace("timeout: soon", "timeout: -1"),
        WITHOUT_PORT.replace("provider: a", "provider: c"),
        WITHOUT_PORT.replace("soon", "5").replace("foo: 1", "foo: 1\n        bar: 1"),
        WITHOUT_PORT + "\tx\n",
    ],
)
def test_as_many_errors_or_a_new_one_are_not(after: str) -> None:
    assert not is_better(WRONG, after)


def test_what_is_not_yaml_is_mended_by_hand() -> None:
    assert not is_better("litellm:\n\tport: 1\n", "litellm: {}\n")
    assert not is_better("litellm:\n  a: 1\n  a: 2\n", "litellm:\n  a: 1\n")


def test_an_error_that_stood_behind_another_is_no_new_one() -> None:
    before = "litellm:\n  prot: 1\n  models: {x: [{provider: b, model: m}]}\n"
    after = before.replace("  prot: 1\n", "")
    assert is_better(before, after)
    assert is_better(before, before.replace("provider: b", "provider: a"))


@pytest.mark.parametrize(
    ("section", "mended"),
    [
        # A bad reference is no error of the model, and what is checked next could not read it.
        ("providers: {x: {api_key: '${A'}}\n  prot: 1\n", "providers: {x: {api_key: '${A'}}\n"),
        # Without its wrong link a chain is empty, and goes too.
        ("models: {x: [{modl: m}]}\n  prot: 1\n", "models: {x: [{modl: m}]}\n"),
        ("models: {1: [], ~: []}\n  prot: 1\n", "models: {1: [], ~: []}\n"),
        ("models: {x: [1, 2, 3]}\n  prot: 1\n", "models: {x: [1, 2, 3]}\n"),
        ("models: 5\n  prot: 1\n", "models: 5\n"),
    ],
)
def test_what_is_wrong_beside_it_is_in_nobodys_way(section: str, mended: str) -> None:
    assert is_better(f"litellm:\n  {section}", f"litellm:\n  {mended}")


@pytest.mark.parametrize("text", ["", "litellm: 5\n", "litellm: [1]\n", "litelm: {}\n"])
def test_where_there_is_no_section_nothing_is_mended_by_halves(text: str) -> None:
    assert not is_better(text, "litellm:\n  prot: 1\n")
    assert not is_better(text, text)
