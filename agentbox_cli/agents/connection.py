"""What an agent must know of the proxy: asked of a running one, else read in the config."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentbox_cli.config.dummy import DUMMY_KEY
from agentbox_cli.daemon import client
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.daemon.probe import Probe
from agentbox_cli.daemon.states import SERVES
from agentbox_cli.errors import ConfigError
from agentbox_cli.paths import Paths
from agentbox_cli.providers.agent import AgentSpec, Alias, Connection

KEY_COMMAND = "agentbox litellm key"
# Where the environment holds a token, it stays there: an agent's config never has it.
TOKEN_COMMAND = f"printenv {client.KEY_VARIABLE}"
_CHAT = ("chat", "messages", "responses")
_FAST = ("fast",)
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - translated, never bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the proxy serves.

    Args:
        url: its address.
        aliases: its chat aliases, in their order.
        others: names of other models that it knows: `provider/model`.
        by_key: whether a caller needs the install's key.
    """

    url: str
    aliases: tuple[Alias, ...]
    others: tuple[Alias, ...] = ()
    by_key: bool = False


def served_by(found: Probe) -> Served | None:
    """What a running proxy says of itself; None if none answers."""
    if found.state not in SERVES or found.instance is None or found.status is None:
        return None
    return served_from(found.status, local_url(found.instance))


def served_from(status: Mapping[str, Any], url: str) -> Served:
    """What a proxy serves, by what `/agentbox/status` tells."""
    rows = status.get("aliases", [])
    return Served(
        url=url,
        aliases=tuple(_alias(row) for row in rows if _chats(row)),
        others=tuple(_others(rows)),
        by_key=status.get("auth") == "key",
    )


def served_by_config(file: Path, environ: Mapping[str, str], working_dir: Path) -> Served:
    """What the proxy of a config would serve.

    Raises:
        ConfigError: the config cannot be used.
        UsageError: `LITELLM_PORT` is no port.
    """
    from agentbox_cli.daemon.startup import chosen_port  # noqa: PLC0415 - 200 ms
    from agentbox_cli.providers.listing import models_document  # noqa: PLC0415 - as above
    from agentbox_cli.providers.load import load_setup  # noqa: PLC0415 - as above

    setup = load_setup(file, environ, working_dir)
    rows = models_document(setup.resolved)["aliases"]
    return Served(
        url=f"http://127.0.0.1:{chosen_port(None, setup, environ)}",
        aliases=tuple(_alias(row) for row in rows if _chats(row)),
        others=tuple(_others(rows)),
        by_key=setup.resolved.config.auth == "key" or setup.resolved.config.bind is not None,
    )


def local_url(instance: Instance) -> str:
    """The address of a proxy as this machine calls it, even when it listens everywhere."""
    return f"http://{_ANYWHERE.get(instance.host, instance.host)}:{instance.port}"


def connection_for(
    agent: AgentSpec,
    served: Served,
    model: str | None,
    *,
    key: str = DUMMY_KEY,
    key_command: str = KEY_COMMAND,
) -> Connection:
    """What an agent is told: the model that was asked for, else the first that it prefers.

    Args:
        agent: which one.
        served: what there is.
        model: the name that was asked for; None for the agent's choice.
        key: what to show the proxy, where nobody else can read it.
        key_command: prints the key, where the proxy wants one.

    Raises:
        ConfigError: there is no such model, or none at all.
    """
    main = _main(agent, served, model)
    fast = next((each for each in served.aliases if each.name in _FAST), main)
    aliases = served.aliases if main in served.aliases else (*served.aliases, main)
    command = key_command if served.by_key else None
    return Connection(
        url=served.url, model=main, fast=fast, aliases=aliases, key=key, key_command=command
    )


def key_for(served: Served, paths: Paths, environ: Mapping[str, str]) -> str:
    """What to show the proxy: the environment's token, its key where it wants one, else a word.

    Raises:
        UsageError: the environment names a token that cannot be one.
    """
    token = client.token_named(environ)
    return token or (client.read_key(paths.key_file) if served.by_key else None) or DUMMY_KEY


def key_command_for(environ: Mapping[str, str]) -> str:
    """The command that prints what to show a proxy that wants a key.

    Raises:
        UsageError: the environment names a token that cannot be one.
    """
    return TOKEN_COMMAND if client.token_named(environ) else KEY_COMMAND


def _main(agent: AgentSpec, served: Served, model: str | None) -> Alias:
    if not served.aliases:
        raise ConfigError(
            "there is no alias that an agent could use", hint="agentbox litellm models add --help"
        )
    known = {each.name: each for each in (*served.others, *served.aliases)}
    if model is None:
        wanted = (known[name] for name in agent.prefers if name in known)
        return next(wanted, served.aliases[0])
    if model not in known:
        raise _unknown(model, served, known)
    return known[model]


def _unknown(model: str, served: Served, known: Iterable[str]) -> ConfigError:
    import difflib  # noqa: PLC0415 - rarely needed

    close = difflib.get_close_matches(model, known, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    names = ", ".join(each.name for each in served.aliases)
    return ConfigError(f"unknown alias {model!r}", hint=f"{guess}there are: {names}")


def _alias(row: Mapping[str, Any]) -> Alias:
    return Alias(name=row["alias"], context_window=_window(row["links"]))


def _others(rows: Iterable[Mapping[str, Any]]) -> Iterable[Alias]:
    for row in rows:
        for link in row["links"] if _chats(row) else ():
            name = f"{link['provider']}/{link['model']}"
            yield Alias(name=name, context_window=link.get("context_window"))


def _window(links: Iterable[Mapping[str, Any]]) -> int | None:
    """The window of the link that usually answers: a longer prompt goes on to the next."""
    usable = [link for link in links if link.get("state") != "key-missing"]
    return usable[0].get("context_window") if usable else None


def _chats(row: Mapping[str, Any]) -> bool:
    return any(link["lanes"].get(name) != "none" for link in row["links"] for name in _CHAT)
