"""How a service manager starts what runs here."""

import os

import typer

from agentbox_cli.cli.own_program import own_words
from agentbox_cli.deploy.export import Program


def this_program(ctx: typer.Context) -> Program:
    """This agentbox in the foreground, with the config that was named."""
    words = (*own_words(ctx), "litellm", "start", "--foreground", "--if-enabled")
    return Program(words=words, environ=os.environ)
