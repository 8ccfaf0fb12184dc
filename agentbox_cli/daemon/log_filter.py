"""Keeps keys out of the daemon's log, whatever was logged and by whom."""

import logging
from collections.abc import Iterable

from agentbox_cli.config.redaction import Secret, redact_values

_PLAIN = logging.Formatter()


class RedactingFilter(logging.Filter):
    """Takes keys out of log records, their tracebacks included.

    It belongs on a handler, because a logger's filter does not see the records of loggers below
    it. It knows keys by their shapes, and those that it has learned by their values.
    """

    def __init__(self) -> None:
        super().__init__()
        self._values: frozenset[str] = frozenset()

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Take these keys out from now on, too."""
        self._values |= {secret.get_secret_value() for secret in secrets}

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; it is always kept."""
        record.msg, record.args = self._clean(_message(record)), None
        if record.exc_info and not record.exc_text:
            record.exc_text = _PLAIN.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._clean(record.exc_text)
        if record.stack_info:
            record.stack_info = self._clean(record.stack_info)
        return True

    def _clean(self, text: str) -> str:
        return redact_values(text, self._values)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - logging would print the arguments, a key among them
        return str(record.msg)
