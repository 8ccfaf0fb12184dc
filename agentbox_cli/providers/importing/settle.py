"""A draft becomes a section that validates and resolves; what does not fit is left out."""

from typing import Any

from agentbox_cli.config.document import Path, parse
from agentbox_cli.config.problems import Issue, Severity
from agentbox_cli.config.validate import validate
from agentbox_cli.errors import ConfigError
from agentbox_cli.providers.importing.draft import Draft
from agentbox_cli.providers.importing.section import section_text
from agentbox_cli.providers.registry import Registry
from agentbox_cli.providers.resolve import resolve


def settle(draft: Draft, registry: Registry) -> dict[str, Any]:
    """The section that a draft makes; may be empty. The draft gets a note for what was left out.

    Our own check decides what fits, so that an import never writes what it would refuse.

    Raises:
        ConfigError: something does not fit that cannot be left out.
    """
    _drop_unused(draft)
    section = section_of(draft)
    while errors := _errors(section, registry):
        for issue in errors:
            _leave_out(issue, draft)
        _drop_unused(draft)
        before, section = section, section_of(draft)
        if section == before:
            raise ConfigError(f"this cannot be taken over: {errors[0].message}")
    return section


def section_of(draft: Draft) -> dict[str, Any]:
    """A draft as plain data, without what it says nothing about."""
    section: dict[str, Any] = {
        "providers": {name: account.data for name, account in draft.accounts.items()},
        "models": {alias: [step.data for step in steps] for alias, steps in draft.chains.items()},
        "model_patterns": {name: draft.patterns[name][0] for name in _exact_first(draft)},
        "router": {name: value for name, (value, _) in draft.router.items()},
    }
    return {name: value for name, value in section.items() if value}


def _exact_first(draft: Draft) -> list[str]:
    # The first pattern that fits counts, so the narrow ones come first.
    return sorted(draft.patterns, key=lambda name: ("*" in name, -len(name) * ("*" in name)))


def _errors(section: dict[str, Any], registry: Registry) -> list[Issue]:
    document = parse(section_text(section), "section")
    if document.faults:
        raise ConfigError(f"this cannot be written as YAML: {document.faults[0].message}")
    host, issues = validate(document)
    if host is not None:
        _, issues = resolve(host, registry, lambda _: None)
    return [issue for issue in issues if issue.severity is Severity.ERROR]


def _leave_out(issue: Issue, draft: Draft) -> None:
    kind, name, *rest = (*issue.path[1:], None, None)
    why = f"left out: {issue.message}"
    if kind == "providers" and name in draft.accounts:
        draft.note(draft.accounts.pop(str(name)).path, "provider", why)
    elif kind == "models" and name in draft.chains:
        _leave_out_link(str(name), rest[0], why, draft)
    elif kind == "model_patterns" and name in draft.patterns:
        draft.note(draft.patterns.pop(str(name))[1], "name", why)
    elif kind == "router" and name in draft.router:
        draft.note(draft.router.pop(str(name))[1], "setting", why)


def _leave_out_link(alias: str, index: Any, why: str, draft: Draft) -> None:
    steps = draft.chains[alias]
    if isinstance(index, int) and index < len(steps):
        draft.note(steps.pop(index).path, f"link of {alias}", why)
    else:
        path: Path = steps[0].path if steps else ()
        draft.note(path, f"alias {alias}", why)
        del draft.chains[alias]


def _drop_unused(draft: Draft) -> None:
    """Leave out links without a provider, and what then leads nowhere."""
    for alias, steps in list(draft.chains.items()):
        draft.chains[alias] = [step for step in steps if step.provider in draft.accounts]
        if not draft.chains[alias]:
            del draft.chains[alias]
    used = {step.provider for steps in draft.chains.values() for step in steps}
    for name in [name for name in draft.accounts if name not in used]:
        draft.note(draft.accounts.pop(name).path, f"provider {name}", "no link uses it")
    for pattern in [
        one for one, (alias, _) in draft.patterns.items() if alias not in draft.chains
    ]:
        del draft.patterns[pattern]
