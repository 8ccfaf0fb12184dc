"""`agentbox litellm usage vacuum`: a database no larger than what is in it."""

from typing import TYPE_CHECKING

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson
from agentbox_cli.cli.output import emit_json, say
from agentbox_cli.cli.spending import reading, usage_place

if TYPE_CHECKING:
    from pathlib import Path

app = command()


@app.command()
def vacuum(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Shrink the database to what is in it.

    Example: agentbox litellm usage vacuum
    """
    from agentbox_cli.usage.upkeep import vacuum as shrink

    place = usage_place(ctx)
    before = _size(place.file)
    with reading(ctx) as engine:
        shrink(engine)
    after = _size(place.file)
    if as_json:
        emit_json("usage-vacuum", {"before_bytes": before, "after_bytes": after})
    elif before is None or after is None:
        say("done")
    else:
        say(f"{before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB now")


def _size(file: "Path | None") -> int | None:
    return file.stat().st_size if file is not None and file.exists() else None
