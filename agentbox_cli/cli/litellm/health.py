"""`agentbox litellm health`: whether a proxy answers, for HEALTHCHECK and scripts."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, say
from agentbox_cli.errors import Exit

app = command()


@app.command()
def health(
    ctx: typer.Context,
    *,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Ask here; by default $LITELLM_PORT, else the config's, else 4000.",
            show_default=False,
        ),
    ] = None,
    if_enabled: Annotated[
        bool,
        typer.Option("--if-enabled", help="All is well, too, where no proxy is wanted."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask /health on 127.0.0.1, whoever runs the proxy or the bridge behind it.

    Exit code 1 if none of ours answers. No provider is called.

    Example: agentbox litellm health --if-enabled
    """
    from agentbox_cli.cli.container import usual_port
    from agentbox_cli.deploy.health import at_port

    asked = usual_port(ctx) if port is None else port
    url = f"http://127.0.0.1:{asked}"
    serves = at_port(asked) is not None
    why = None if serves or not if_enabled else _why_not_wanted(ctx)
    if as_json:
        emit_json("health", {"serves": serves, "url": url, "why": why})
    elif serves:
        say(f"the proxy answers on {url}")
    else:
        say(f"no proxy is wanted: {why}" if why else f"no proxy answers on {url}")
    raise typer.Exit(Exit.OK if serves or why else Exit.NO)


def _why_not_wanted(ctx: typer.Context) -> str | None:
    from agentbox_cli.cli.container import has_socket
    from agentbox_cli.cli.litellm.start import why_not_enabled

    return None if has_socket() else why_not_enabled(ctx)  # a socket wants a bridge
