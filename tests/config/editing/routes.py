"""Routes and edits as tests name them: by text."""

from collections.abc import Iterable

from agentbox_cli.config.document import parse
from agentbox_cli.config.editing.route import Route, route_to
from agentbox_cli.config.editing.splices import Edit, spliced


def way(text: str, *path: str | int) -> Route:
    """The way down a path of a text."""
    return route_to(parse(text, "config.yml"), path)


def results(route: Route, edits: Iterable[Edit]) -> list[str]:
    """The text that each edit gives, right or not."""
    return [spliced(route.text, edit) for edit in edits]
