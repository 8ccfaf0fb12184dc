"""Who may call, and where keys travel: settings that do less, or more, than they seem to."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from agentbox_cli.config.model import LiteLLMConfig
from agentbox_cli.config.problems import Issue, Severity
from agentbox_cli.config.rules import Rule
from agentbox_cli.providers.resolved import KeyState, Resolved

FIRST_OPEN_PORT = 1_024

# What browsers send (RFC 6454, section 6.1), and `null` for pages without an origin.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#*\s@]+/?|null", re.IGNORECASE)
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:@/*\s]+)(:[0-9]{1,5})?", re.IGNORECASE)
_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - looked for, never bound


def advise_on_exposure(resolved: Resolved) -> Iterator[Issue]:
    """Say what about callers, addresses and transport is most likely not meant."""
    config = resolved.config
    yield from _port(config)
    yield from _bind(config)
    yield from _clients(config)
    yield from _unmatched("allowed_origins", config.allowed_origins, _ORIGIN, "https://host:port")
    yield from _unmatched("allowed_hosts", config.allowed_hosts, _HOST, "host or host:port")
    yield from _unencrypted(resolved)


def _port(config: LiteLLMConfig) -> Iterator[Issue]:
    if 0 < config.port < FIRST_OPEN_PORT:
        yield _warning(
            ("port",),
            f"a port below {FIRST_OPEN_PORT} is usually closed to everybody but root",
            "take a higher one; 4000 is the default",
            Rule.LOW_PORT,
        )


def _bind(config: LiteLLMConfig) -> Iterator[Issue]:
    if config.bind is None:
        return
    if _is_loopback(config.bind):
        yield _warning(
            ("bind",),
            f"{config.bind} is loopback, and `bind` makes every caller need the key",
            "remove it: without it the proxy listens on loopback",
            Rule.IGNORED_SETTING,
        )
        return
    yield _warning(
        ("bind",),
        f"the proxy listens on {config.bind}, so other machines may call it, unencrypted",
        "every caller needs the key that `agentbox litellm key` prints",
        Rule.OPEN_ADDRESS,
    )
    if config.bind in _ANY_ADDRESS and not config.allowed_hosts:
        yield _warning(
            ("bind",),
            f"callers that use a name or address of this machine are refused: {config.bind} is"
            " what no `Host` says",
            "name them under allowed_hosts",
            Rule.NO_MATCH,
        )
    if config.auth == "same-user" and "auth" in config.model_fields_set:
        yield _warning(
            ("auth",), "`bind` forces `auth: key`", "write `auth: key`", Rule.IGNORED_SETTING
        )


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _clients(config: LiteLLMConfig) -> Iterator[Issue]:
    if config.allowed_clients and (config.auth == "key" or config.bind):
        yield _warning(
            ("allowed_clients",),
            "nobody is known by user where every caller needs the key",
            "remove it, or take `auth: same-user` without `bind`",
            Rule.IGNORED_SETTING,
            on_key=True,
        )


def _unmatched(
    key: str, entries: tuple[str, ...], form: re.Pattern[str], example: str
) -> Iterator[Issue]:
    for index, entry in enumerate(entries):
        if not form.fullmatch(entry):
            wild = "'*' is no wildcard here" if "*" in entry else "it is compared as it stands"
            yield _warning(
                (key, index),
                f"this entry of {key} admits nobody: {wild}",
                f"write {example}, as callers send it",
                Rule.NO_MATCH,
            )


def _unencrypted(resolved: Resolved) -> Iterator[Issue]:
    for name, entry in resolved.config.providers.items():
        provider = resolved.providers.get(name)
        if entry.api_base is None or provider is None:
            continue
        if provider.key.state is not KeyState.SET or not _is_plain(entry.api_base):
            continue
        yield _warning(
            ("providers", name, "api_base"),
            f"the key of {name!r} travels unencrypted to another machine",
            "use https://, or a tunnel to this machine",
            Rule.UNENCRYPTED,
        )


def _is_plain(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme.lower() == "http" and not _is_loopback(host)


def _warning(
    below: tuple[str | int, ...], message: str, hint: str, rule: Rule, *, on_key: bool = False
) -> Issue:
    return Issue(
        path=("litellm", *below),
        severity=Severity.WARNING,
        message=message,
        hint=hint,
        on="key" if on_key else "value",
        rule=rule,
    )
