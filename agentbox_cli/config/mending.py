"""Whether an edit mends a config that stays wrong: fewer errors than before, and no new one."""

from collections import Counter
from collections.abc import Callable, Iterable

from agentbox_cli.config.document import Document, Path
from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.problems import Issue, Severity
from agentbox_cli.config.sound import sound_part
from agentbox_cli.config.validate import validate

Check = Callable[[HostConfig], Iterable[Issue]]


def mends(before: Document, after: Document, check: Check) -> bool:
    """Whether all errors of `after` are errors of `before`, and some of those are gone.

    Args:
        before: the text without the edit.
        after: the text with it.
        check: what is wrong with a valid config beyond what the model says.
    """
    if before.faults or after.faults:
        return False
    return _errors(after, check) < _errors(before, check)


def _errors(document: Document, check: Check) -> Counter[tuple[Path, str]]:
    """Every error by its place and message, those too that the others hide."""
    _, issues = validate(document)
    wrong = [issue for issue in issues if issue.severity is Severity.ERROR]
    sound = sound_part(document, [issue.path for issue in wrong])
    hidden = check(sound) if sound is not None else ()
    wrong += [issue for issue in hidden if issue.severity is Severity.ERROR]
    return Counter((_names(issue.path), issue.message) for issue in wrong)


def _names(path: Path) -> Path:
    # An item that goes changes the indexes of those behind it.
    return tuple(part for part in path if isinstance(part, str))
