from pathlib import Path

from tests.fakes.commandline import Agentbox


def test_without_a_log_the_answer_is_no(agentbox: Agentbox, home: Path) -> None:
    result = agentbox("litellm", "logs")
    assert result.exit_code == 1
    assert result.err == (
        f"error: there is no log at {home}/state/agentbox/litellm.log\n"
        "hint: agentbox litellm start\n"
    )


def test_the_last_lines_are_shown(agentbox: Agentbox, home: Path) -> None:
    file = home / "state" / "agentbox" / "litellm.log"
    file.parent.mkdir(parents=True)
    file.write_text("".join(f"line {number}\n" for number in range(100)))
    assert agentbox("litellm", "logs", "-n", "2").out == "line 98\nline 99\n"
    assert len(agentbox("litellm", "logs").out.splitlines()) == 50
    assert agentbox("litellm", "logs", "--lines", "0").out == ""
