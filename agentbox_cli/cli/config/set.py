"""`agentbox config set`: one value of config.yml."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, change_config
from agentbox_cli.errors import UsageError

if TYPE_CHECKING:
    from agentbox_cli.config.document import Document, Path

app = command()


@app.command()
def set_one(
    ctx: typer.Context,
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="Where, such as litellm.router.timeout.")
    ],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="What shall stand there.")],
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Set one value of config.yml.

    The schema says how VALUE is read: a number, true or false, text, or a list or section in YAML
    or JSON. Comments and all other lines stay as they are.

    Example: agentbox config set "litellm.models.default[1].model" llama-3.3-70b
    """
    from agentbox_cli.config.address import parse_address
    from agentbox_cli.config.edit import set_value
    from agentbox_cli.config.schema import parse_value

    place = parse_address(path)
    wanted = parse_value(place, value)
    change_config(
        ctx,
        lambda document: _without_keys(place, document, set_value(document, place, wanted)),
        dry_run=dry_run,
        as_json=as_json,
    )


def _without_keys(place: "Path", document: "Document", text: str) -> str:
    """The new text, unless the value holds a key: it would stand in the shell's history too."""
    from agentbox_cli.config.document import parse
    from agentbox_cli.config.rules import Rule
    from agentbox_cli.config.validate import validate

    issues: Any = validate(parse(text, document.name))[1]
    clear = [issue for issue in issues if issue.rule is Rule.KEY_IN_CLEAR]
    if any(issue.path[: len(place)] == place for issue in clear):
        raise UsageError(
            "a key does not belong on the command line",
            hint="write '${NAME}' in single quotes; litellm providers login keeps the key",
        )
    return text
