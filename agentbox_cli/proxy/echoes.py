"""Keys that a provider repeats when it refuses them: they are taken out before anybody sees them.

Only some keys have a known shape, and a client, a container for one, must not learn them.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from agentbox_cli.providers.resolved import ResolvedProvider
from agentbox_cli.proxy.errortext import REDACTED
from agentbox_cli.proxy.failure import Failure

# A shorter "secret" is a placeholder, and replacing it would spoil the text.
SHORTEST = 6


def without_echoes(failure: Failure, provider: ResolvedProvider) -> Failure:
    """A failure without the keys of the provider that it is of."""
    echo = _echo_of(provider)
    if echo is None:
        return failure

    def clean(text: str) -> str:
        return echo.sub(REDACTED, text)

    return replace(
        failure,
        message=clean(failure.message),
        code=failure.code and clean(failure.code),
        error_type=failure.error_type and clean(failure.error_type),
        body=failure.body and body_without_echoes(failure.body, provider),
        headers=failure.headers
        and {name: clean(value) for name, value in failure.headers.items()},
    )


def body_without_echoes(body: bytes, provider: ResolvedProvider) -> bytes:
    """An error's body without the keys of its provider."""
    echo = _echo_of(provider)
    if echo is None:
        return body
    # Latin-1 gives each byte back as it was, whatever the body is written in.
    return echo.sub(REDACTED, body.decode("latin-1")).encode("latin-1")


def _echo_of(provider: ResolvedProvider) -> re.Pattern[str] | None:
    """What to look for; None if the provider has no key."""
    known = {form for secret in provider.secrets() for form in _forms(secret.get_secret_value())}
    if not known:
        return None
    return re.compile("|".join(map(re.escape, sorted(known, key=len, reverse=True))))


def _forms(secret: str) -> Iterator[str]:
    """A secret as texts quote it: as it is, without its scheme, and as JSON writes it."""
    for told in (secret, secret.removeprefix("Bearer ")):
        if len(told) >= SHORTEST:
            quoted = json.dumps(told)[1:-1]
            yield from (told, quoted, quoted.replace("/", "\\/"))
