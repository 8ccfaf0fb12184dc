"""`agentbox litellm render`: what LiteLLM runs on, here or without us."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json
from agentbox_cli.cli.setting import current_setup

if TYPE_CHECKING:
    from agentbox_cli.providers.resolved import Resolved

app = command()


@app.command()
def render(
    ctx: typer.Context,
    *,
    alone: Annotated[
        bool,
        typer.Option(
            "--standalone", help="A config for plain LiteLLM, with its own fallbacks, instead."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the config of the LiteLLM that translates behind the proxy.

    It has no fallbacks and no keys: the proxy calls the providers. With --standalone it has
    both, keys by the names of their variables, for `litellm --config FILE`; comments tell what
    LiteLLM cannot do.

    Example: agentbox litellm render --standalone
    """
    resolved = current_setup(ctx).resolved
    if alone:
        _print_standalone(resolved, as_json=as_json)
    else:
        _print_engine(resolved, as_json=as_json)


def _print_standalone(resolved: "Resolved", *, as_json: bool) -> None:
    import sys

    from agentbox_cli.deploy.standalone import as_json as document
    from agentbox_cli.deploy.standalone import standalone

    made = standalone(resolved)
    if as_json:
        emit_json("render", document(made))
    else:
        sys.stdout.write(made.text())


def _print_engine(resolved: "Resolved", *, as_json: bool) -> None:
    import json

    from agentbox_cli.deploy.yaml_text import comment, yaml_text
    from agentbox_cli.engine.render import needs_engine, render

    # The egress has another port with each start.
    config: dict[str, Any] = json.loads(
        render(resolved.deployments().values(), "http://127.0.0.1:EGRESS-PORT")
    )
    needed = needs_engine(resolved.deployments().values())
    if as_json:
        emit_json(
            "render",
            {
                "mode": "engine" if needed else "not-needed",
                "config": config,
                "variables": [],
                "switches": {},
                "not_honoured": [],
            },
        )
        return
    import sys

    said = _ENGINE if needed else _NO_ENGINE
    sys.stdout.write(comment(said) + "\n" + yaml_text(config))


_ENGINE = """\
What the LiteLLM behind the proxy runs on. The proxy writes it with each start; a change here
changes nothing. Its only outside is the proxy's egress on 127.0.0.1."""
_NO_ENGINE = """\
No chain needs LiteLLM here: every call is in its provider's own protocol, or `engine.mode` is off.
It would run on this."""
