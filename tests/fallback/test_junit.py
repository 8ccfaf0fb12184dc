from xml.etree import ElementTree as ET

from agentbox_cli.fallback.junit import junit_xml
from agentbox_cli.fallback.verdicts import Outcome, Report, Row


def row(
    scenario: str, outcome: Outcome = Outcome.HOLDS, alias: str = "code", **more: object
) -> Row:
    known = {"endpoint": "chat", "elapsed_ms": 500.0, **more}
    return Row(alias=alias, scenario=scenario, outcome=outcome, **known)  # type: ignore[arg-type] # a table of any fields


BROKEN = row(
    "timeout",
    Outcome.BREAKS,
    stream=True,
    why="served by <nobody> & \x07 none",
    hint="do this",
    expected="b/2",
    upstream_calls={"a/1": 2},
)
REPORT = Report(
    rows=(
        row("auth"),
        BROKEN,
        row("single-link", Outcome.REMARK, alias="fast", endpoint=None, why="only one"),
        row("auth", toggles=("on_error",)),
    ),
    elapsed_s=1.25,
)


def parsed() -> ET.Element:
    return ET.fromstring(junit_xml(REPORT))  # noqa: S314 - it is our own


def test_it_parses_and_counts() -> None:
    root = parsed()
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("4", "1", "1")
    assert root.get("time") == "1.250"
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["code", "fast"]
    assert suites["code"].get("tests") == "3"
    assert suites["code"].get("time") == "1.500"


def test_cases_have_names_that_tell_them_apart() -> None:
    root = parsed()
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert names == [
        ("agentbox.code", "auth, chat"),
        ("agentbox.code", "timeout, chat, streamed"),
        ("agentbox.code", "auth, on_error off, chat"),
        ("agentbox.fast", "single-link"),
    ]


def test_a_failure_says_why_and_what_next_whatever_is_in_it() -> None:
    root = parsed()
    (failure,) = root.iter("failure")
    assert failure.get("message") == "served by <nobody> & ? none"
    assert (failure.text or "").splitlines() == [
        "why: served by <nobody> & ? none",
        "expected: b/2",
        "calls: a/1: 2",
        "next: do this",
    ]
    (skipped,) = root.iter("skipped")
    assert skipped.get("message") == "only one"
