"""`test-fallback --live`: what it may cost, the question before, and the asking."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from agentbox_cli.cli.output import notice
from agentbox_cli.cli.setting import current_setup
from agentbox_cli.errors import NotSo, UsageError

if TYPE_CHECKING:
    from agentbox_cli.fallback.live import Price
    from agentbox_cli.fallback.verdicts import Report


def ask_providers(ctx: typer.Context, aliases: Sequence[str], *, yes: bool) -> "Report":
    """Ask each link of these aliases once, after a yes to what it may cost."""
    from agentbox_cli.cli.progress import Bar
    from agentbox_cli.fallback.choosing import chosen
    from agentbox_cli.fallback.live import ask_all, worst_case
    from agentbox_cli.providers.catalog import read_catalog

    resolved = current_setup(ctx).resolved
    chains = chosen(resolved.chains, aliases)
    _ask_before(worst_case(chains, resolved.config.usage.prices, read_catalog()), yes=yes)
    with Bar() as bar:
        return ask_all(chains, bar.show)


def _ask_before(price: "Price", *, yes: bool) -> None:
    cost = f"at most ${price.dollars:.4f}"
    if price.unknown:
        cost += f", and what {', '.join(price.unknown)} cost, which is not known"
    notice(f"{price.requests} tiny requests to real providers with your keys: {cost}")
    if yes or not price.requests:
        return
    if not sys.stdin.isatty():
        raise UsageError("--live asks before it spends", hint="--yes goes on without asking")
    if not typer.confirm("Go on?", err=True):
        raise NotSo("nothing was asked")
