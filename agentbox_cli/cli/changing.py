"""What every command that changes config.yml shares: how it is written, and what is told of it."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.output import emit_json, notice, problem_row, say
from agentbox_cli.cli.setting import config_file
from agentbox_cli.errors import ConfigError, Exit
from agentbox_cli.paths import standard_paths

if TYPE_CHECKING:
    from agentbox_cli.config.change import Change
    from agentbox_cli.config.document import Document
    from agentbox_cli.config.mending import Check
    from agentbox_cli.config.problems import Problem
    from agentbox_cli.providers.registry import Registry

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the change and write nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_REGISTRY = "agentbox.registry"


def change_config(
    ctx: typer.Context,
    edit: "Callable[[Document], str]",
    *,
    dry_run: bool,
    as_json: bool,
    restart: bool = True,
    hints: "Mapping[str, str] | None" = None,
) -> None:
    """Make one change of the user's config.yml, and tell what became of it.

    Of several errors in the file, one at a time can be mended.

    Args:
        ctx: of the command.
        edit: gives the new text.
        dry_run: write nothing.
        as_json: tell it as JSON.
        restart: a running proxy has to be restarted to take the change.
        hints: for hints that say what to write into config.yml, what to type instead.
    """
    from agentbox_cli.config.change import apply_or_mend

    file = config_file(ctx)
    change = apply_or_mend(standard_paths(), file, edit, check=_check(ctx, hints), dry_run=dry_run)
    tell_change(ctx, change, dry_run=dry_run, as_json=as_json, restart=restart)


def apply_edit(
    ctx: typer.Context, file: Path, edit: "Callable[[Document], str]", *, dry_run: bool
) -> "Change":
    """Write the new text if it can be used; the change says what keeps it from that."""
    from agentbox_cli.config.change import apply

    return apply(standard_paths(), file, edit, check=_check(ctx), dry_run=dry_run)


def _check(ctx: typer.Context, hints: "Mapping[str, str] | None" = None) -> "Check":
    from agentbox_cli.providers.load import issues_of

    words = hints or {}
    return lambda host: [
        replace(issue, hint=words.get(issue.hint or "", issue.hint))
        for issue in issues_of(host, current_registry(ctx))
    ]


def refusal(change: "Change") -> ConfigError | None:
    """Why the change was not written; None if it may be."""
    from agentbox_cli.config.problems import render

    if change.accepted:
        return None
    shown = render(_errors(change.problems), change.file.name)
    return ConfigError(f"this is not valid, so {change.file} is left as it was:\n{shown}")


def tell_change(
    ctx: typer.Context, change: "Change", *, dry_run: bool, as_json: bool, restart: bool = True
) -> None:
    """Print what became of a change; a refused one ends the command.

    Raises:
        ConfigError: it was refused, and JSON is not asked for.
    """
    refused = refusal(change)
    if as_json:
        emit_json("config-change", _document(change, ok=refused is None))
    elif refused is not None:
        raise refused
    elif change.before == change.after:
        say(f"{change.file} is so already")
    elif dry_run:
        sys.stdout.write(shown_diff(change))
    else:
        say(f"wrote {change.file}")
    if refused is not None:
        raise typer.Exit(Exit.CONFIG)
    _tell_new_warnings(ctx, change)
    _tell_remaining(change)
    if change.before != change.after and not dry_run:
        follow_up(ctx, change.file, restart=restart)


def _tell_remaining(change: "Change") -> None:
    count = len(_errors(change.problems))
    if count:
        what = "1 error remains" if count == 1 else f"{count} errors remain"
        notice(f"{what} in {change.file}: agentbox config check")


def current_registry(ctx: typer.Context) -> "Registry":
    """What the plugins describe, asked once for each command line."""
    from agentbox_cli.providers.registry import PluginChoice, discover

    if _REGISTRY not in ctx.meta:
        ctx.meta[_REGISTRY] = discover(PluginChoice.from_environ(os.environ))
    registry: Registry = ctx.meta[_REGISTRY]
    return registry


def _errors(problems: "Iterable[Problem]") -> "list[Problem]":
    from agentbox_cli.config.problems import Severity

    return [problem for problem in problems if problem.severity is Severity.ERROR]


def _document(change: "Change", *, ok: bool) -> dict[str, object]:
    return {
        "ok": ok,
        "file": str(change.file),
        "changed": ok and change.before != change.after,
        "diff": shown_diff(change),
        "backup": str(change.backup) if change.backup else None,
        "problems": [problem_row(problem) for problem in _errors(change.problems)],
    }


def shown_diff(change: "Change") -> str:
    """The change as a unified diff in which no key stands."""
    from agentbox_cli.config.document import parse
    from agentbox_cli.config.masking import masked

    texts = (change.before, change.after)
    return masked(change.diff, *(parse(text, change.file.name) for text in texts))


def _tell_new_warnings(ctx: typer.Context, change: "Change") -> None:
    from agentbox_cli.config.document import parse
    from agentbox_cli.config.problems import locate, render
    from agentbox_cli.config.validate import validate
    from agentbox_cli.providers.load import issues_of

    if not change.problems:
        return
    document = parse(change.before, change.file.name)
    host, issues = validate(document)
    more = issues_of(host, current_registry(ctx)) if host else ()
    known = {(old.path, old.message) for old in locate(document, (*issues, *more))}
    new = [found for found in change.problems if (found.path, found.message) not in known]
    if new:
        notice(render(new, change.file.name))


def follow_up(ctx: typer.Context, file: Path, *, restart: bool = True) -> None:
    """What a written change asks for: fresh words for shells, and a new start of the proxy."""
    from agentbox_cli.daemon import instance
    from agentbox_cli.daemon.identity import Sameness, compare
    from agentbox_cli.providers.words import refresh_words

    paths = standard_paths()
    refresh_words(paths, file, current_registry(ctx))
    if not restart:
        return
    running = instance.read(paths.state_file)
    if running and running.config_file == file and compare(running.identity) is Sameness.SAME:
        notice("restart the proxy to apply: agentbox litellm restart")
