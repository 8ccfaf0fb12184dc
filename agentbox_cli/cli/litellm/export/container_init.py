"""`agentbox litellm export container-init`: how a container starts the proxy."""

from agentbox_cli.cli.app import command

app = command()


@app.command()
def container_init() -> None:
    """Print the script that starts the proxy in a container, or the bridge.

    It is plain sh, for ENTRYPOINT or to be called from a start script. It starts what is
    mounted, and never keeps the container from starting.

    Example: agentbox litellm export container-init
    """
    import sys

    from agentbox_cli.deploy import export

    sys.stdout.write(export.container_init())
