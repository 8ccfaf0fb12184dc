"""`agentbox litellm import`: the config of another program, brought into config.yml."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import (
    AsJson,
    DryRun,
    apply_edit,
    current_registry,
    follow_up,
    refusal,
    shown_diff,
    tell_change,
)
from agentbox_cli.cli.output import emit_json, say
from agentbox_cli.cli.setting import config_target
from agentbox_cli.errors import NotSo, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentbox_cli.config.change import Change
    from agentbox_cli.providers.importing.merging import Plan
    from agentbox_cli.providers.importing.model import Imported, Note

app = command()


@app.command("import")
def import_file(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The config to take over.")],
    *,
    kind: Annotated[
        Literal["litellm", "ccr", "llm"] | None,
        typer.Option("--as", help="Whose it is; else its content tells.", show_default=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take over a config of LiteLLM, claude-code-router or llm.

    Providers, aliases and fallbacks become our section. What config.yml has already is kept, and
    what has no counterpart is listed. No key is copied, only the name of a variable for it.

    Example: agentbox litellm import ~/litellm/config.yaml --dry-run
    """
    imported = _converted(ctx, file, kind)
    if not (yes or dry_run or (sys.stdin.isatty() and not as_json)):
        raise UsageError(
            "nobody can be asked here", hint="look with --dry-run, then write with --yes"
        )
    target = config_target(ctx)
    change = _apply(ctx, target, imported, dry_run=True)
    planned = _plan(ctx, change, imported)
    changes = change.before != change.after
    if not as_json:
        _show(file, change, imported, planned, with_diff=not yes or dry_run)
    if changes and not dry_run:
        if not yes and not typer.confirm(f"Write this to {target}?", default=True, err=True):
            raise NotSo("nothing was written")
        change = _apply(ctx, target, imported, dry_run=False)
    if as_json:
        emit_json("import", _document(file, change, imported, planned))
        if changes and not dry_run:
            follow_up(ctx, target)
    elif not dry_run:
        tell_change(ctx, change, dry_run=False, as_json=False)


def _converted(ctx: typer.Context, file: str, kind: str | None) -> "Imported":
    from agentbox_cli.config.store import read_text
    from agentbox_cli.providers.importing.convert import convert
    from agentbox_cli.providers.importing.model import Source

    path = Path(file).expanduser()
    source = Source(kind) if kind else None
    return convert(read_text(path), path.name, current_registry(ctx), os.environ, source)


def _apply(ctx: typer.Context, target: Path, imported: "Imported", *, dry_run: bool) -> "Change":
    from agentbox_cli.providers.importing.merging import bring_in

    registry = current_registry(ctx)
    change = apply_edit(
        ctx,
        target,
        lambda document: bring_in(document, imported.section, registry),
        dry_run=dry_run,
    )
    refused = refusal(change)
    if refused is not None:
        raise refused
    return change


def _plan(ctx: typer.Context, change: "Change", imported: "Imported") -> "Plan":
    from agentbox_cli.config.document import parse
    from agentbox_cli.providers.importing.merging import plan

    document = parse(change.before, change.file.name)
    return plan(document, imported.section, current_registry(ctx))


def _show(
    file: str, change: "Change", imported: "Imported", planned: "Plan", *, with_diff: bool
) -> None:
    if with_diff and change.diff:
        sys.stdout.write(shown_diff(change))
        say()
    say(f"{file} is {imported.source.described}")
    for line in _report(change.file, imported, planned):
        say(line)


def _report(target: Path, imported: "Imported", planned: "Plan") -> Iterator[str]:
    if imported.keys:
        yield "\nKeys to set:"
    for key in imported.keys:
        copied = "; the file holds it, and it was not copied" if key.in_source else ""
        provider = planned.names.get(key.provider, key.provider)
        yield f"  {key.variable} for {provider}{copied}"
    if planned.conflicts:
        yield f"\nKept in {target.name}:"
        yield from _listed(planned.conflicts)
    if imported.notes:
        yield "\nWithout a counterpart, or changed:"
        yield from _listed(imported.notes)


def _listed(notes: "Sequence[Note]") -> Iterator[str]:
    """One line for each reason, with the first place that it holds for."""
    places: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        places.setdefault((note.what, note.why), []).append(note.where)
    for (what, why), where in places.items():
        more = f" and {len(where) - 1} more" if len(where) > 1 else ""
        yield f"  {where[0]}{more} ({what}): {why}"


def _document(
    file: str, change: "Change", imported: "Imported", planned: "Plan"
) -> dict[str, Any]:
    return {
        "source": imported.source.value,
        "source_file": file,
        "file": str(change.file),
        "changed": change.before != change.after,
        "diff": shown_diff(change),
        "backup": str(change.backup) if change.backup else None,
        "section": imported.section,
        "keys": [
            {"variable": key.variable, "provider": key.provider, "in_source": key.in_source}
            for key in imported.keys
        ],
        "kept": [_row(note) for note in planned.conflicts],
        "notes": [_row(note) for note in imported.notes],
    }


def _row(note: "Note") -> dict[str, str]:
    return {"path": note.where, "what": note.what, "why": note.why}
