"""The limits in a file, so that a restart does not spend what the last run knew to be used up.

Only what takes long to heal is kept: quota windows, and cooldowns that a provider asked for or
that somebody has to mend. A refused key is not: a restart is how people bring a new one.
"""

import hashlib
import hmac
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct
from pydantic import SecretStr

from agentbox_cli.config.own_file import read_own
from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.resolved import Resolved, ResolvedProvider
from agentbox_cli.proxy.limits import Cooling, Limits, Window
from agentbox_cli.supervise.place import write_private

SCHEMA = 1
# A chain of a hundred links has a few ten thousand bytes; more is not ours.
SIZE_LIMIT = 1024 * 1024

KEPT_KINDS = frozenset(
    {
        ErrorKind.THROTTLE,
        ErrorKind.QUOTA,
        ErrorKind.PAYMENT,
        ErrorKind.FORBIDDEN,
        ErrorKind.NOT_FOUND,
    }
)


class Kept(Struct, frozen=True, kw_only=True):
    """What the file says.

    Args:
        schema: the version of its form.
        accounts: by provider, the mark of the account that its limits are of.
        limits: the limits.
    """

    schema: int
    accounts: dict[str, str]
    limits: Limits


NOTHING = Kept(schema=SCHEMA, accounts={}, limits=Limits(as_of=0.0))

_decode = msgspec.json.Decoder(Kept).decode
_encode = msgspec.json.Encoder().encode


def read(path: Path) -> Kept:
    """Read the file; what is missing, damaged, not ours or of another version says nothing."""
    try:
        kept = _decode(read_own(path, limit=SIZE_LIMIT))
    except (OSError, ValueError, RecursionError):
        return NOTHING
    return kept if kept.schema == SCHEMA else NOTHING


def write(path: Path, kept: Kept) -> None:
    """Replace the file, mode 0600; raises ProxyError."""
    write_private(path, _encode(kept).decode() + "\n")


def worth_keeping(limits: Limits, resolved: Resolved, key: SecretStr) -> Kept:
    """What a restart should know of these limits.

    Args:
        limits: what is known now.
        resolved: whose providers they are of.
        key: the install's key; it makes the marks of accounts worthless elsewhere.
    """
    names = {_provider_of(each) for each in limits.windows}
    names |= {_provider_of(each) for each in limits.cooling}
    accounts = _accounts(resolved, names, key)
    return Kept(schema=SCHEMA, accounts=accounts, limits=_lasting(limits, accounts))


def still_true(kept: Kept, resolved: Resolved, key: SecretStr) -> Limits:
    """The kept limits that hold for a config: of the same accounts, and with its toggles."""
    now = _accounts(resolved, kept.accounts, key)
    same = {name for name, mark in now.items() if kept.accounts[name] == mark}
    found = _lasting(kept.limits, same)
    lengths = {name: _lengths(resolved.providers[name]) for name in same}
    return Limits(
        as_of=found.as_of,
        windows=tuple(
            each
            for each in found.windows
            if lengths[_provider_of(each)].get(each.window) == each.seconds
        ),
        cooling=tuple(each for each in found.cooling if resolved.toggles.move_on(each.kind)),
    )


def _lasting(limits: Limits, providers: Container[str]) -> Limits:
    return Limits(
        as_of=limits.as_of,
        windows=tuple(each for each in limits.windows if _provider_of(each) in providers),
        cooling=tuple(
            each
            for each in limits.cooling
            if each.kind in KEPT_KINDS and _provider_of(each) in providers
        ),
    )


def _provider_of(limit: Window | Cooling) -> str:
    return limit.name.partition("/")[0]


def _lengths(provider: ResolvedProvider) -> Mapping[str, int]:
    return {window.name: window.seconds for window in provider.spec.quota_windows}


def _accounts(resolved: Resolved, names: Iterable[str], key: SecretStr) -> dict[str, str]:
    known = (resolved.providers.get(name) for name in sorted(names))
    # One without an address is served by the daemon itself, and starts anew with it.
    return {each.name: _mark(each, key) for each in known if each and each.api_base is not None}


def _mark(provider: ResolvedProvider, key: SecretStr) -> str:
    """Tell the account of a provider from any other, without its key being told."""
    secrets = [provider.key.value, *(provider.headers[name] for name in sorted(provider.headers))]
    said = [
        provider.api_base or "",
        *(each.get_secret_value() if each else "" for each in secrets),
    ]
    digest = hmac.new(key.get_secret_value().encode(), "\0".join(said).encode(), hashlib.sha256)
    return digest.hexdigest()[:32]
