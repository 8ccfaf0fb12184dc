"""From a document to a HostConfig, or to what is wrong with it, in people's words."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from agentbox_cli.config.document import Document
from agentbox_cli.config.masking import starred
from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.names import closest
from agentbox_cli.config.problems import Issue, Severity
from agentbox_cli.config.redaction import is_credential
from agentbox_cli.config.references import (
    ReferenceSyntaxError,
    is_clear,
    literal_text,
    names,
    split,
    why_not_sendable,
)
from agentbox_cli.config.rules import Rule
from agentbox_cli.config.shapes import has_password
from agentbox_cli.config.tree import OUR_SECTION
from agentbox_cli.config.wording import in_words

# More would help nobody, and each one costs a walk through the tree.
MAX_ISSUES = 200

_INIT = "agentbox litellm init writes one"


def validate(document: Document) -> tuple[HostConfig | None, tuple[Issue, ...]]:
    """Validate the `litellm` section.

    Returns:
        The config, None if there is an error, and all issues, warnings among them. A document with
        faults gives None and no issues: its data is not to be relied on.
    """
    if document.faults:
        return None, ()
    if document.data.get(OUR_SECTION) is None:
        return None, (_no_section(document),)
    issues = list(_key_issues(document.data[OUR_SECTION]))
    host = None
    try:
        host = HostConfig.model_validate({OUR_SECTION: document.data[OUR_SECTION]})
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)[:MAX_ISSUES]
        issues = [*in_words(details, document.data), *issues]
    has_error = any(issue.severity is Severity.ERROR for issue in issues)
    return None if has_error else host, tuple(issues)


def _no_section(document: Document) -> Issue:
    if OUR_SECTION in document.data:
        return Issue(
            path=(OUR_SECTION,),
            message="this section is empty",
            hint=_INIT,
            on="key",
            rule=Rule.NO_SECTION,
        )
    keys = [key for key in document.data if isinstance(key, str)]
    if meant := closest(OUR_SECTION, keys):
        message = f"unknown key {meant!r}; did you mean {OUR_SECTION!r}?"
        return Issue(path=(meant,), message=message, on="key", rule=Rule.UNKNOWN_KEY)
    message = "this section is missing"
    return Issue(path=(OUR_SECTION,), message=message, hint=_INIT, rule=Rule.NO_SECTION)


def _key_issues(section: Any) -> Iterator[Issue]:
    """What is wrong with `${...}`, and keys that stand in the file itself."""
    database = _below(_below(section, "usage"), "database")
    if isinstance(database, str) and has_password(database):
        yield _password((OUR_SECTION, "usage", "database"))
    for path, text in _templates(section):
        error = _template_error(text)
        if error:
            hint = "write ${NAME}, ${NAME:-default}, or $${ for a literal ${"
            yield Issue(path=path, message=error, hint=hint, rule=Rule.BAD_REFERENCE)
        elif is_credential(str(path[-1])) and _holds_key(text):
            yield _clear(path, text)


def _holds_key(text: str) -> bool:
    # Beside a reference stands a word such as `Bearer`, or a default, unless it looks like a key.
    literal = literal_text(text)
    return is_clear(text) and (not names(text) or starred(literal) != literal)


def _template_error(text: str) -> str | None:
    try:
        split(text)
    except ReferenceSyntaxError as error:
        return str(error)
    reason = why_not_sendable(text)
    return f"this {reason}, so it cannot stand in a header" if reason else None


def _password(path: tuple[str | int, ...]) -> Issue:
    return Issue(
        path=path,
        message="a password stands here in clear text",
        hint="leave it out: Postgres clients read ~/.pgpass and PGPASSWORD",
        severity=Severity.WARNING,
        rule=Rule.KEY_IN_CLEAR,
    )


def _clear(path: tuple[str | int, ...], text: str) -> Issue:
    referred = names(text)
    name = referred[0] if referred else _usual_name(path)
    message = "a key stands here in clear text"
    hint = f"put it into the environment or .env, and write ${{{name}}} here"
    if text.startswith(("$", "os.environ/")) and not referred:
        message = "this is read as the key itself, not as the name of a variable"
        hint = "write ${NAME}"
    return Issue(
        path=path,
        message=message,
        hint=hint,
        severity=Severity.WARNING,
        rule=Rule.KEY_IN_CLEAR,
    )


def _usual_name(path: tuple[str | int, ...]) -> str:
    if path[-2] == "env":
        return str(path[-1])
    kind = "TOKEN" if path[1] == "mcp_servers" else "API_KEY"
    return re.sub(r"\W", "_", f"{path[2]}_{kind}").upper()


def _templates(section: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text in which references work, with its path; whatever has another type is skipped."""
    for provider, settings in _pairs(_below(section, "providers")):
        path = (OUR_SECTION, "providers", provider)
        key = _below(settings, "api_key")
        if isinstance(key, str):
            yield (*path, "api_key"), key
        for header, value in _pairs(_below(settings, "headers")):
            if isinstance(value, str):
                yield (*path, "headers", header), value
    for server, settings in _pairs(_below(section, "mcp_servers")):
        for place in ("env", "headers"):
            for name, value in _pairs(_below(settings, place)):
                if isinstance(value, str):
                    yield (OUR_SECTION, "mcp_servers", server, place, name), value


def _below(data: Any, key: str) -> Any:
    return data.get(key) if isinstance(data, dict) else None


def _pairs(data: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict):
        yield from ((str(key), value) for key, value in data.items())
