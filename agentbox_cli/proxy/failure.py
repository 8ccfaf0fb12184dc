"""How one attempt failed, in every detail that the chain and the client need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentbox_cli.providers.model import ErrorClass, ErrorKind, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed attempt.

    Args:
        kind: what it was.
        status: its HTTP status; for an error inside a 200 the status that it amounts to, and 200
            if it is no error but says that there is no answer; None if nothing came.
        message: one line for people, without keys.
        retry_after: seconds after which the provider wants to be asked again.
        body: the provider's answer, fit to be passed on to a client of the same `protocol`.
        content_type: of the body.
        headers: of the answer.
        sent: whether the request may have been processed.
        reused_closed: a kept-alive connection that closed without a byte.
        code: the provider's error code.
        error_type: the provider's error type.
        protocol: what the body is written in.
        usage: the usage object that came with it, in words of `protocol`.
        tier: the service tier that answered, where it stands beside the usage object.
        ours: the engine failed and not the link, which therefore does not cool.
    """

    kind: ErrorKind
    status: int | None
    message: str
    retry_after: float | None = None
    body: bytes | None = field(default=None, repr=False)
    content_type: str | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    sent: bool = True
    reused_closed: bool = False
    code: str | None = None
    error_type: str | None = None
    protocol: Protocol | None = None
    usage: Mapping[str, Any] | None = field(default=None, repr=False)
    tier: Any = None
    ours: bool = False

    @property
    def error_class(self) -> ErrorClass:
        """The class of its kind, which the user's toggles speak about."""
        return self.kind.error_class
