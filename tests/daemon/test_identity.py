import os
import subprocess
import sys
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.daemon.identity import (
    Identity,
    Sameness,
    compare,
    identify,
    parse_stat,
    pid_namespace,
    read_stat,
)
from tests.fakes.waiting import eventually


def me() -> Identity:
    found = identify(os.getpid())
    assert found is not None
    return found


def test_a_living_process_is_the_same() -> None:
    assert compare(me()) is Sameness.SAME


def test_a_reused_pid_is_a_different_process() -> None:
    assert compare(replace(me(), start_ticks=me().start_ticks - 1)) is Sameness.DIFFERENT


def test_a_process_of_another_boot_is_gone_even_if_pid_and_ticks_agree() -> None:
    assert compare(replace(me(), boot_id="another")) is Sameness.DIFFERENT


def test_a_process_of_another_pid_namespace_is_unknown() -> None:
    other = replace(me(), pid_namespace=pid_namespace() + 1)
    assert compare(other) is Sameness.UNKNOWN


def test_a_zombie_has_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = identify(child.pid)
    assert identity is not None
    assert compare(identity) is Sameness.SAME
    child.kill()
    eventually(lambda: compare(identity) is Sameness.DIFFERENT, "the child is a zombie")
    assert read_stat(child.pid) is not None
    assert identify(child.pid) is None
    child.communicate()


def test_numbers_that_are_no_pid_name_nobody() -> None:
    assert [identify(pid) for pid in (0, -1, 2**31, 2**80)] == [None] * 4


def test_a_command_name_with_blanks_and_brackets_does_not_shift_the_fields() -> None:
    rest = b"S 1 2 77 " + b" ".join(b"%d" % n for n in range(7, 22)) + b" 4242 0 0"
    plain, odd = parse_stat(b"9 (x) " + rest), parse_stat(b"9 (a) R (b 1) " + rest)
    assert plain == odd
    assert plain is not None
    assert (plain.alive, plain.session, plain.start_ticks) == (True, 77, 4242)


@given(st.binary(max_size=400))
def test_no_text_makes_the_parser_fail(text: bytes) -> None:
    parse_stat(text)
