"""Which links may serve a request that names things that a provider keeps.

A response, a conversation, a file or a container is known to the provider that made it and to no
other, so such a request never goes to another link: it is served there or refused with the reason.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from agentbox_cli.providers.model import Protocol
from agentbox_cli.providers.resolved import Chain, Lane, Link
from agentbox_cli.proxy.endpoints import RESPONSES, Endpoint
from agentbox_cli.proxy.finding import holds
from agentbox_cli.proxy.pins import Maker, Pins
from agentbox_cli.proxy.request import Ask

# What the things are called in the protocols, bare quotes and all: words of a prompt have escaped
# ones. Each look at a long prompt costs time, so only what may be there is looked for.
_IN_PROMPT = (b'"file_id"',)
_IN_INPUT = (b'"file_id"', b'"item_reference"')
_IN_TOOLS = (b'"container"', b'"vector_store_ids"', b'"file_ids"')
_FILE_KEYS = ("file_id", "input_file_id", "container_id")
_STATE_KEYS = ("previous_response_id", "conversation", "container", "input_file_id")


class Unpinnable(Exception):  # noqa: N818 - it names what the request is
    """No link of the chain may serve a request; the message says why."""


def named_things(ask: Ask, endpoint: Endpoint) -> list[str]:
    """The ids of things that a provider keeps, as a request names them."""
    found: list[str | None] = []
    if not ask.fields.keys().isdisjoint(_STATE_KEYS):
        found += [_id_of(_read(ask, name)) for name in _STATE_KEYS if name in ask.fields]
    marks = _IN_INPUT if endpoint is RESPONSES else _IN_PROMPT
    if ask.form is None and holds(ask.body, *marks):
        found += [*_ids_in(_read(ask, "input")), *_ids_in(_read(ask, "messages"))]
    if "tools" in ask.fields:
        tools = bytes(ask.fields["tools"])
        if holds(tools, *_IN_TOOLS):
            found += _ids_in(_read(ask, "tools"))
    return list(dict.fromkeys(name for name in found if name)) if found else []


def links_for(chain: Chain, things: list[str], protocol: Protocol, pins: Pins) -> frozenset[int]:
    """The numbers of the links that know all of these things; raises Unpinnable."""
    numbers = {link.number for link in chain.links}
    for thing in things:
        maker = pins.maker(thing)
        if maker is None:
            if len(chain.links) > 1:
                raise Unpinnable(_unknown(chain, thing))
            continue
        found = _links_of(chain, maker)
        if not found:
            raise Unpinnable(
                f"{thing!r} was made by {maker}, which is no link of {chain.alias!r}: ask for a"
                f" model that has it, or send the whole conversation instead"
            )
        if all(link.deployment.lane(protocol) is not Lane.DIRECT for link in found):
            raise Unpinnable(
                f"{thing!r} was made by {maker} by way of a translation, which keeps no state:"
                " send the whole conversation instead"
            )
        numbers &= {link.number for link in found}
    if not numbers:
        raise Unpinnable(f"{', '.join(map(repr, things))} were made by different links")
    return frozenset(numbers)


def _links_of(chain: Chain, maker: Maker) -> list[Link]:
    """The link itself, or in another chain those of its provider, which knows the thing too."""
    same = [link for link in chain.links if link.deployment.name == maker.deployment]
    return same or [
        link for link in chain.links if link.deployment.provider.name == maker.provider
    ]


def _unknown(chain: Chain, thing: str) -> str:
    first = chain.links[0].deployment.name
    return (
        f"nobody here knows which link of {chain.alias!r} made {thing!r}: name the link itself as"
        f" the model, such as {first!r}, or send the whole conversation instead"
    )


def _read(ask: Ask, name: str) -> Any:
    try:
        return msgspec.json.decode(ask.fields.get(name, b"null"))
    except (ValueError, RecursionError):
        return None


def _id_of(value: Any) -> str | None:
    """An id, or that of an object."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else None


def _ids_in(value: Any) -> Iterator[str | None]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            yield from _ids_of_object(item)
            waiting.extend(each for each in item.values() if isinstance(each, dict | list))


def _ids_of_object(item: dict[str, Any]) -> Iterator[str | None]:
    for key in _FILE_KEYS:
        yield _id_of(item.get(key))
    if isinstance(item.get("container"), str):
        yield item["container"]
    if item.get("type") == "item_reference":
        yield _id_of(item.get("id"))
    for key in ("vector_store_ids", "file_ids"):
        listed = item.get(key)
        yield from (map(_id_of, listed) if isinstance(listed, list) else ())
