import io
import logging
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from agentbox_cli.daemon.log_filter import RedactingFilter

KEY = "0a1b2c3d4e5f"


class Log:
    """A logger with a filtered handler, and what it wrote."""

    def __init__(self) -> None:
        self.written = io.StringIO()
        self.redacting = RedactingFilter()
        self.logger = logging.getLogger("agentbox.in.a.test")
        self.handler = logging.StreamHandler(self.written)
        self.handler.addFilter(self.redacting)
        self.handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        self.logger.addHandler(self.handler)
        self.logger.propagate = False

    @property
    def text(self) -> str:
        return self.written.getvalue()


@pytest.fixture
def log() -> Iterator[Log]:
    made = Log()
    made.redacting.learn([SecretStr(KEY), SecretStr(f"{KEY}-longer")])
    yield made
    made.logger.removeHandler(made.handler)


def test_a_key_among_the_arguments_is_taken_out(log: Log) -> None:
    log.logger.warning("called %s with %s", "it", f"{KEY}-longer")
    assert log.text == "WARNING called it with [redacted]\n"


def test_a_key_in_a_traceback_is_taken_out(log: Log) -> None:
    try:
        raise KeyError(KEY)  # noqa: TRY301 - its message is the key
    except KeyError:
        log.logger.exception("failed")
    assert "KeyError: '[redacted]'" in log.text
    assert KEY not in log.text


def test_a_key_in_a_stack_is_taken_out(log: Log) -> None:
    log.logger.warning("here", stack_info=True)
    record = logging.LogRecord("x", logging.INFO, "", 1, "here", None, None, sinfo=f"at {KEY}")
    assert log.redacting.filter(record)
    assert record.stack_info == "at [redacted]"


def test_a_key_that_nobody_told_is_known_by_its_shape(log: Log) -> None:
    log.logger.warning("sk-0123456789abcdef and Bearer %s", "unknown-9876")
    assert log.text == "WARNING [redacted] and Bearer [redacted]\n"


def test_arguments_that_do_not_fit_are_not_shown(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    log.logger.warning("called %d", KEY)
    assert log.text == "WARNING called %d\n"
    assert capsys.readouterr().err == ""
