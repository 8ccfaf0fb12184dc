"""`agentbox litellm init`: the litellm section, written into config.yml."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import (
    AsJson,
    DryRun,
    apply_edit,
    current_registry,
    refusal,
    tell_change,
)
from agentbox_cli.cli.output import notice
from agentbox_cli.cli.setting import config_target
from agentbox_cli.config.dummy import DUMMY_KEY
from agentbox_cli.errors import ConfigError, UsageError
from agentbox_cli.paths import SCHEMA_NAME

if TYPE_CHECKING:
    from agentbox_cli.config.document import Document
    from agentbox_cli.providers.model import ProviderSpec
    from agentbox_cli.providers.registry import Registry

app = command()

_EDITOR_HINT = "# yaml-language-server:"
_SCHEMA_HINT = f"{_EDITOR_HINT} $schema={SCHEMA_NAME}\n"


@app.command()
def init(
    ctx: typer.Context,
    *,
    provider: Annotated[
        list[str] | None,
        typer.Option("--provider", "-p", help="Set this one up; may be repeated."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Take every provider whose key is set.")
    ] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Simulated providers: no key, no network.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write the litellm section of config.yml.

    Everything else in the file stays as it is. Keys are looked for in the environment, and the
    providers they belong to are set up. The JSON Schema is written beside it, for editors.

    Example: agentbox litellm init --yes
    """
    from agentbox_cli.providers.starter import demo_section, starter_section

    if demo:
        section = demo_section()
    else:
        section = starter_section(_chosen(current_registry(ctx), provider or [], yes=yes))
    file = config_target(ctx)
    change = apply_edit(
        ctx, file, lambda document: _with_section(file, document, section), dry_run=dry_run
    )
    written = refusal(change) is None and not dry_run
    if written and _SCHEMA_HINT in change.after:
        _write_schema(file)
    tell_change(ctx, change, dry_run=dry_run, as_json=as_json)
    if written:
        notice("next: agentbox litellm start")


def _chosen(registry: "Registry", names: Sequence[str], *, yes: bool) -> "list[ProviderSpec]":
    for name in names:
        if name not in registry.providers:
            raise UsageError(
                f"no plugin knows the provider {name!r}",
                hint=f"known: {', '.join(registry.providers)}",
            )
    if names:
        return [registry.providers[name] for name in dict.fromkeys(names)]
    found = [
        spec
        for spec in registry.providers.values()
        if spec.api_key_env and os.environ.get(spec.api_key_env) not in {None, "", DUMMY_KEY}
    ]
    if sys.stdin.isatty() and not yes:
        found = _asked(registry, found)
    elif not yes:
        raise UsageError(
            "which providers?", hint="use --yes for those whose key is set, or --provider NAME"
        )
    if not found:
        variables = ", ".join(s.api_key_env for s in registry.providers.values() if s.api_key_env)
        raise UsageError(
            f"no provider chosen: none of {variables} is set",
            hint="set one, or name a provider with --provider, or try --demo",
        )
    return found


def _asked(registry: "Registry", found: "Sequence[ProviderSpec]") -> "list[ProviderSpec]":
    return [
        spec
        for spec in registry.providers.values()
        if spec.api_key_env
        and typer.confirm(
            f"Use {spec.title} ({spec.api_key_env} is {'set' if spec in found else 'not set'})?",
            default=spec in found,
            err=True,
        )
    ]


def _with_section(file: Path, document: "Document", section: str) -> str:
    from agentbox_cli.config.store import insert_section

    if "litellm" in document.data:
        line, _ = document.position(document.find(("litellm",)).node.start)
        raise ConfigError(
            f"{file} has a litellm section already (line {line})",
            hint="edit it, or remove it first; agentbox config check reports its problems",
        )
    # Editors look for this comment anywhere in the file; one that stands there already counts.
    hint = "" if _EDITOR_HINT in document.text else _SCHEMA_HINT
    return insert_section(document.text, hint + section)


def _write_schema(file: Path) -> None:
    from agentbox_cli.config.schema import schema_text
    from agentbox_cli.config.store import write

    try:
        write(file.with_name(SCHEMA_NAME), schema_text())
    except ConfigError as error:
        # In a container config.yml alone may be writable; editors then check nothing.
        notice(f"warning: {error.message}")
