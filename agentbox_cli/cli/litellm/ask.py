"""`agentbox litellm ask`: one question through the proxy, and who answered it."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, for_reading, notice, say
from agentbox_cli.paths import standard_paths

if TYPE_CHECKING:
    from agentbox_cli.daemon.asking import Answered

app = command()


@app.command()
def ask(
    prompt: Annotated[str, typer.Argument(help="The question; `-` reads it from stdin.")],
    *,
    model: Annotated[str, typer.Option("--model", "-m", help="An alias.")] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON when it is done.")] = False,
) -> None:
    """Ask one question through the running proxy.

    The answer is printed as it comes, and who served it is told on stderr. Exit code 4 if no link
    answered, 5 if nothing runs. Usage counts it for the project of $AGENTBOX_PROJECT.

    Example: agentbox litellm ask "Say hello" -m fast
    """
    from agentbox_cli.daemon.asking import ask as ask_proxy
    from agentbox_cli.proxy.callers import PROJECT_VARIABLE

    question = sys.stdin.read() if prompt == "-" else prompt
    answered = ask_proxy(
        standard_paths(),
        question,
        model=model,
        on_text=_ignore if as_json else _show,
        project=os.environ.get(PROJECT_VARIABLE, ""),
        environ=os.environ,
    )
    if as_json:
        emit_json("ask", _document(answered))
        return
    say()
    notice(_served(answered))


def _show(text: str) -> None:
    sys.stdout.write(for_reading(text, sys.stdout))
    sys.stdout.flush()


def _ignore(_: str) -> None:
    """Text is printed whole at the end."""


def _document(answered: "Answered") -> dict[str, object]:
    return {
        "alias": answered.alias,
        "served_by": answered.served_by,
        "link": answered.link,
        "attempts": answered.attempts,
        "request_id": answered.request_id,
        "text": answered.text,
    }


def _served(answered: "Answered") -> str:
    told = f"[{answered.alias}: served by {answered.served_by}, link {answered.link}"
    return f"{told}; {answered.attempts}]" if answered.attempts else f"{told}]"
