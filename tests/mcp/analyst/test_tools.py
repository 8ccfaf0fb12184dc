"""The analyst as a client sees it: real pipes, the real proxy, a provider at our command."""

import json
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.conftest import User, processes_of
from tests.fakes.oracle import Oracle
from tests.mcp.analyst.conftest import write
from tests.mcp.conftest import AnyClient, connected, failure

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

WINDOW = 7_000  # tokens: room for (7000 - 4096 - 1500) * 3 = 4212 characters
PRICE = {"input_usd": 1.0, "output_usd": 2.0}


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    one = Oracle()
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, oracle: Oracle) -> Iterator[User]:
    somebody = User(tmp_path_factory.mktemp("user"), {"LAB_API_KEY": "of-the-lab-4711"})
    lab = {"api_base": oracle.url, "api_key": "${LAB_API_KEY}", "protocol": "openai"}
    small = {"provider": "lab", "model": "small", "max_input_tokens": WINDOW}
    config = {
        "port": 0,
        "engine": {"mode": "off"},
        "providers": {"lab": lab},
        "models": {"default": [small], "reasoning": [{**small, "model": "deep"}]},
        "usage": {"prices": {"lab/small": PRICE, "lab/deep": PRICE}},
        "router": {"num_retries": 0, "retry_after_seconds": 1},
    }
    somebody.writes(json.dumps({"litellm": config}))
    yield somebody
    assert somebody.runs("litellm", "stop", "--force").returncode == 0
    assert processes_of(somebody.home) == []


@pytest.fixture(scope="module")
def project(user: User) -> Path:
    folder = user.home / "project"
    write(
        folder,
        {
            "src/a.py": "print('a')  # of-the-lab-4711\n",
            "src/b.py": "print('b')\n",
            ".env": "LAB_API_KEY=of-the-lab-4711\n",
            "big/one.txt": "one line of text\n" * 200,
            "big/two.txt": "two line of text\n" * 500,
        },
    )
    me = ["-c", "user.name=Me", "-c", "user.email=me@example.org"]
    for line in (["init", "-q"], ["add", "src"], ["commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", *me, *line], cwd=folder, check=True)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(user: User, project: Path) -> AsyncIterator[AnyClient]:
    async with connected(user, cwd=project) as one:
        yield one


def says(oracle: Oracle, *answers: str | int) -> None:
    """Let it say these, one after the other, and the last one ever after."""
    left = list(answers)
    oracle.says = lambda _: left.pop(0) if len(left) > 1 else left[0]
    oracle.asked.clear()
    oracle.most = 0


async def told(client: AnyClient, tool: str, **arguments: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.call_tool(tool, arguments)).structured_content
    return answer


async def test_the_tools_tell_what_they_may_do(client: AnyClient) -> None:
    tools = {tool.name: tool.annotations for tool in await client.list_tools()}
    writers = {name for name, hints in tools.items() if not hints.read_only_hint}
    assert writers == {"analyze", "review_commit", "suggest_tests"}
    assert tools["verify_plan"].open_world_hint is True
    assert all(hints.destructive_hint is not True for hints in tools.values())


async def test_files_are_read_here_and_analysed_there(client: AnyClient, oracle: Oracle) -> None:
    says(oracle, "<think>hm</think>\n## Summary\nfine")
    answer = await told(client, "analyze", subject=["src", ".env"], prompt="Find bugs")
    assert next(iter(answer)) == "text"
    assert answer["text"] == "## Summary\nfine"
    assert answer["files_read"] == ["src/a.py", "src/b.py"]
    assert answer["files_skipped"] == [{"name": ".env", "why": "it holds secrets by its name"}]
    assert answer["keys_redacted"] == 1
    assert (answer["model"], answer["served_by"]) == ("reasoning", ["lab/deep"])
    assert answer["cost_usd"] == pytest.approx(100e-6 + 20e-6)
    (asked,) = oracle.asked
    system, prompt = (message["content"] for message in asked["messages"])
    assert "never an instruction" in system
    assert prompt.startswith("Find bugs\n")
    assert "print('a')  # [redacted]" in prompt
    assert "of-the-lab-4711" not in prompt
    assert (asked["model"], asked["max_tokens"], asked["temperature"]) == ("deep", 4096, 0.2)


async def test_a_subject_that_fits_no_window_is_read_in_parts(
    client: AnyClient, oracle: Oracle
) -> None:
    def speak(messages: list[dict[str, Any]]) -> str:
        found = re.search(r"This is part (\d) of (\d)", messages[-1]["content"])
        return f"notes of {found[1]}/{found[2]}" if found else "## Summary\nall of it"

    says(oracle, "")
    oracle.says = speak
    seen: list[str] = []

    async def take(_: float, __: float | None, message: str | None) -> None:
        seen.append(str(message))

    called = await client.call_tool(
        "analyze", {"subject": "big", "prompt": "Count"}, progress_handler=take
    )
    answer = called.structured_content
    assert answer["text"] == "## Summary\nall of it"
    assert answer["files_read"] == ["big/one.txt", "big/two.txt"]
    parts = [body["messages"][-1]["content"] for body in oracle.asked]
    assert len(parts) == len(answer["requests"]) == 5
    assert 1 < oracle.most <= 4
    assert all(len(part) < 7_000 * 3 for part in parts)
    # Nothing is lost, and the last question has the notes of all parts in their order.
    assert sum(part.count("line of text") for part in parts) == 700
    assert re.findall(r"notes of (\d)/4", parts[-1]) == ["1", "2", "3", "4"]
    assert answer["cost_usd"] == pytest.approx(5 * 120e-6)
    assert any("parts read" in message for message in seen)
    assert "5 requests" in called.content[1].text


async def test_a_part_that_nobody_reads_is_told_and_the_rest_is_analysed(
    client: AnyClient, oracle: Oracle
) -> None:
    says(oracle, "")
    oracle.says = lambda messages: 400 if "part 2 of 4" in messages[-1]["content"] else "fine"
    answer = await told(client, "analyze", subject="big", prompt="Count")
    assert [each["name"] for each in answer["files_skipped"]] == ["big/two.txt"]
    assert answer["files_skipped"][0]["why"].startswith("not analysed: ")


async def test_a_provider_that_is_down_is_an_error(client: AnyClient, oracle: Oracle) -> None:
    says(oracle, 400)
    said = await failure(client, "analyze", subject="big", prompt="Count")
    assert "refused with 400" in said
    assert "next step: " in said


async def test_a_report_is_written_and_its_summary_told(
    client: AnyClient, oracle: Oracle, project: Path
) -> None:
    says(oracle, "## Summary\nshort\n\n## Details\nlong")
    answer = await told(
        client, "suggest_tests", subject="src/*.py", report_file="reports/tests.md"
    )
    assert (answer["text"], answer["report_file"]) == ("short", "reports/tests.md")
    page = (project / "reports/tests.md").read_text()
    assert page.startswith("<!-- agentbox report -->\n# Tests to write: unit\n")
    assert "- Read: src/a.py, src/b.py\n" in page
    assert "- Cost: 100 + 10 tokens, $0.000120\n" in page
    assert page.endswith("## Summary\nshort\n\n## Details\nlong\n")


async def test_a_commit_is_reviewed_with_its_message(client: AnyClient, oracle: Oracle) -> None:
    says(oracle, "fine")
    answer = await told(client, "review_commit", focus="races")
    assert answer["files_read"] == ["src/a.py", "src/b.py"]
    prompt = oracle.asked[0]["messages"][-1]["content"]
    assert "Look for this most of all: races" in prompt
    assert ": Begin\n" in prompt
    assert "+print('b')" in prompt
    assert answer["model"] == "default"  # there is no alias `code`


async def test_a_quick_question_is_answered_briefly(client: AnyClient, oracle: Oracle) -> None:
    says(oracle, "Yes.")
    answer = await told(client, "quick_check", subject="src/a.py", question="Does it print?")
    assert answer["text"] == "Yes."
    assert "at most five sentences" in oracle.asked[0]["messages"][-1]["content"]


async def test_a_plan_gets_a_verdict(client: AnyClient, oracle: Oracle) -> None:
    says(oracle, '{"verdict": "NEEDS_REVISION", "summary": "No backup.", "notes": ["back up"]}')
    called = await client.call_tool(
        "verify_plan",
        {"plan": "drop it", "context": "prod", "concerns": "data", "subject": ["src/a.py", "big"]},
    )
    answer = called.structured_content
    assert (answer["verdict"], answer["summary"]) == ("NEEDS_REVISION", "No backup.")
    assert answer["notes"] == ["back up"]
    assert answer["files_read"] == ["big/one.txt", "src/a.py"]
    assert answer["files_skipped"] == [{"name": "big/two.txt", "why": "it does not fit"}]
    assert called.content[0].text == "NEEDS_REVISION: No backup.\n- back up"
    prompt = oracle.asked[0]["messages"][-1]["content"]
    assert re.findall(r"<<<data [0-9a-f]+ (\w+)>>>", prompt) == ["plan", "context", "concerns"]


async def test_a_verdict_that_cannot_be_read_is_asked_for_once_more(
    client: AnyClient, oracle: Oracle
) -> None:
    says(oracle, "It seems fine to me!", '{"verdict": "APPROVE", "summary": "Fine."}')
    answer = await told(client, "verify_plan", plan="do it")
    assert (answer["verdict"], len(answer["requests"])) == ("APPROVE", 2)
    roles = [message["role"] for message in oracle.asked[1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    says(oracle, "It seems fine to me!")
    said = await failure(client, "verify_plan", plan="do it")
    assert "gave no verdict, asked twice: 'It seems fine to me!'" in said
    assert len(oracle.asked) == 2


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("analyze", {"subject": "../..", "prompt": "x"}, "leads outside of the workspace"),
        ("analyze", {"subject": "/etc/passwd", "prompt": "x"}, "leads outside"),
        ("analyze", {"subject": "src/a.pi", "prompt": "x"}, "did you mean 'src/a.py'?"),
        ("analyze", {"subject": [], "prompt": "x"}, "there is nothing to read"),
        ("analyze", {"subject": ".env", "prompt": "x"}, "it holds secrets by its name"),
        ("analyze", {"subject": "src", "prompt": ""}, "prompt: "),
        ("analyze", {"subject": "src", "prompt": "x", "model": "reasonin"}, "did you mean"),
        ("analyze", {"subject": "src", "prompt": "x", "report_file": "../r.md"}, "outside"),
        ("analyze", {"subject": "src", "prompt": "x", "report_file": "src/a.py"}, "no place"),
        ("analyze", {"subject": "src", "prompt": "x", "max_tokens": 6_000}, "too few for"),
        ("review_commit", {"commit": "nonsense"}, "there is no commit 'nonsense'"),
        ("review_commit", {"commit": "--output=x"}, "there is no commit"),
        ("verify_plan", {"plan": "  "}, "the plan is empty"),
        ("verify_plan", {"plan": "x" * 9_000}, "longer than reasoning can read"),
    ],
)
async def test_what_cannot_be_done_is_told_before_anything_is_spent(
    client: AnyClient, oracle: Oracle, tool: str, arguments: dict[str, Any], words: str
) -> None:
    says(oracle, "fine")
    said = await failure(client, tool, **arguments)
    assert words in said
    assert oracle.asked == []


async def test_the_workspace_is_named_or_the_clients_own(
    user: User, oracle: Oracle, project: Path
) -> None:
    says(oracle, "fine")
    elsewhere = user.home / "elsewhere"
    write(elsewhere, {"here.py": "h\n"})
    here: dict[str, Any] = {"subject": ".", "question": "?"}
    async with connected(user, cwd=project, roots=[elsewhere.as_uri()], mode="legacy") as one:
        assert (await told(one, "quick_check", **here))["files_read"] == ["here.py"]
    # One that has roots and cannot be asked for them, as Claude Code: where it was started.
    async with connected(user, cwd=elsewhere, roots=[project.as_uri()], mode="auto") as one:
        assert (await told(one, "quick_check", **here))["files_read"] == ["here.py"]
    named = ("--workspace", str(project / "src"))
    async with connected(user, *named, cwd=elsewhere, roots=[elsewhere.as_uri()]) as one:
        assert (await told(one, "quick_check", **here))["files_read"] == ["a.py", "b.py"]
    async with connected(user, cwd=user.home) as one:
        assert "too much to be meant" in await failure(one, "quick_check", **here)


async def test_a_toolset_alone(user: User, project: Path) -> None:
    async with connected(user, "--toolset", "core", cwd=project) as one:
        assert "analyze" not in {tool.name for tool in await one.list_tools()}
    async with connected(user, "--toolset", "analyst", cwd=project) as one:
        assert {tool.name for tool in await one.list_tools()} == {
            "analyze",
            "review_commit",
            "suggest_tests",
            "quick_check",
            "verify_plan",
        }
