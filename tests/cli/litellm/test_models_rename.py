from pathlib import Path

from tests.fakes.commandline import Agentbox
from tests.fakes.edited import edited_lines


def test_only_the_line_of_the_name_changes(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_text()
    result = agentbox("litellm", "models", "rename", "fast", "quick")
    assert (result.exit_code, result.out, result.err) == (0, f"wrote {seed}\n", "")
    assert edited_lines(before, seed.read_text()) == ["-     fast:", "+     quick:"]


def test_patterns_that_lead_to_it_follow(agentbox: Agentbox, seed: Path) -> None:
    seed.write_text(f'{seed.read_text()}  model_patterns:\n    "gpt-*": fast  # mine\n')
    before = seed.read_text()
    assert agentbox("litellm", "models", "rename", "fast", "quick").exit_code == 0
    assert edited_lines(before, seed.read_text()) == [
        "-     fast:",
        "+     quick:",
        '-     "gpt-*": fast  # mine',
        '+     "gpt-*": quick # mine',
    ]


def test_a_name_that_is_taken_or_impossible_leaves_the_file_alone(
    agentbox: Agentbox, seed: Path
) -> None:
    before = seed.read_bytes()
    for new, code in (("code", 2), ("a/b", 3)):
        assert agentbox("litellm", "models", "rename", "fast", new).exit_code == code
    assert agentbox("litellm", "models", "rename", "fsat", "quick").exit_code == 2
    assert seed.read_bytes() == before
