"""A request once more, without the thoughts for which a provider refused it.

Not every conversation tells whose thoughts it holds: it may have begun elsewhere, or at a provider
whose key or address has changed since. An agent would be stuck: it sends the same ones each time.
"""

import re

from agentbox_cli.providers.model import Protocol
from agentbox_cli.proxy.crossing import without_thoughts
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.google_signatures import without_signatures
from agentbox_cli.proxy.request import Ask
from agentbox_cli.proxy.sealing import without_sealed

BAD_REQUEST = 400
_OF_ANTHROPIC = re.compile(
    r"invalid `?signature|expected `?thinking|thinking`? blocks .*cannot be modified",
    re.IGNORECASE,
)
_OF_GOOGLE = re.compile(r"thought[ _]?signature", re.IGNORECASE)
_OF_RESPONSES = re.compile(
    r"encrypted[ _]content|required '?reasoning'? item|required following item", re.IGNORECASE
)


def without_what_was_refused(ask: Ask, protocol: Protocol, failure: Failure) -> Ask | None:
    """The request without any thoughts, if those were refused; None if it was something else."""
    if failure.status != BAD_REQUEST:
        return None
    said = f"{failure.code} {failure.message}"
    if protocol is Protocol.ANTHROPIC_MESSAGES and _OF_ANTHROPIC.search(said):
        plain = without_thoughts(ask)
    elif protocol is Protocol.GOOGLE_GENERATE and _OF_GOOGLE.search(said):
        plain = without_signatures(ask)
    elif protocol is Protocol.OPENAI_RESPONSES and _OF_RESPONSES.search(said):
        plain = without_sealed(ask)
    else:
        return None
    return None if plain is ask else plain
