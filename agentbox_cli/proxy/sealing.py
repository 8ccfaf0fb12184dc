"""Thoughts in responses that only the provider which had them can read (`encrypted_content`).

They go back to that provider and to no other. The ids of the other items are left out with them: a
provider that gets a call without the thought before it takes its id for a mistake.
"""

from collections.abc import Callable

import msgspec

from agentbox_cli.providers.model import Protocol
from agentbox_cli.providers.resolved import Chain, Lane, Link
from agentbox_cli.proxy.pins import Maker, Pins, digest_of
from agentbox_cli.proxy.request import Ask
from agentbox_cli.proxy.sealed import MARK

_THOUGHTS = frozenset({"reasoning", "compaction"})

_Fields = dict[str, msgspec.Raw]
_items = msgspec.json.Decoder(list[_Fields]).decode


def note_sealed(texts: list[str], link: Link, pins: Pins) -> None:
    """Remember who made them."""
    maker = Maker(link.deployment.provider.name)
    for text in texts:
        pins.note(digest_of(text), maker)


def unsealed(ask: Ask, link: Link, chain: Chain, pins: Pins) -> Ask:
    """The request as a link may see it: without the thoughts of other providers.

    Those of which nobody knows who had them are taken for the first provider's.
    """
    if MARK not in ask.body:
        return ask
    first = _first_provider(chain)
    provider = link.deployment.provider.name

    def crosses(item: _Fields) -> bool:
        if _text(item, "type") not in _THOUGHTS:
            return True
        maker = pins.maker(digest_of(_text(item, "encrypted_content") or ""))
        return provider == (maker.provider if maker else first)

    return _without(ask, crosses)


def without_sealed(ask: Ask) -> Ask:
    """The request without any thoughts, for a provider that cannot read them after all."""
    return _without(ask, lambda item: _text(item, "type") not in _THOUGHTS)


def _without(ask: Ask, crosses: Callable[[_Fields], bool]) -> Ask:
    try:
        items = _items(ask.told["input"])
    except (KeyError, ValueError, RecursionError):
        return ask
    left = [item for item in items if crosses(item)]
    if len(left) == len(items):
        return ask
    return ask.telling("input", [_without_id(item) for item in left])


def _without_id(item: _Fields) -> _Fields:
    if _text(item, "type") == "item_reference":
        return item
    return {name: value for name, value in item.items() if name != "id"}


def _text(item: _Fields, name: str) -> str | None:
    try:
        value = msgspec.json.decode(item.get(name, b"null"))
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def _first_provider(chain: Chain) -> str:
    spoken = Protocol.OPENAI_RESPONSES
    direct = (link for link in chain.links if link.deployment.lane(spoken) is Lane.DIRECT)
    return next(direct, chain.links[0]).deployment.provider.name
