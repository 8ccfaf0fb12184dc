"""A call to a link as tests look at it: the attempt, with what its request adds."""

from dataclasses import dataclass
from typing import Any

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy.story import Attempt, Story
from agentbox_cli.usage.record import Tokens


@dataclass(frozen=True)
class Called:
    """One attempt of one story."""

    story: Story
    of: Attempt

    @property
    def ended(self) -> bool:
        return self.of.elapsed_ms is not None

    @property
    def request_id(self) -> str:
        return self.story.request_id

    @property
    def alias(self) -> str:
        return self.story.chain.alias if self.story.chain else ""

    @property
    def attempt(self) -> int:
        return self.of.call.number

    @property
    def link(self) -> int:
        return self.of.call.link.number

    @property
    def provider(self) -> str:
        return self.of.call.link.deployment.provider.name

    @property
    def model(self) -> str:
        return self.of.call.link.deployment.model.id

    @property
    def lane(self) -> str:
        return self.of.lane.value

    @property
    def endpoint(self) -> str:
        return self.story.endpoint.path

    @property
    def stream(self) -> bool:
        return self.story.stream

    @property
    def caller(self) -> str | None:
        return self.story.caller

    @property
    def failure(self) -> ErrorKind | None:
        return self.of.kind

    @property
    def status(self) -> int | None:
        return self.of.status

    @property
    def complete(self) -> bool:
        return self.of.complete

    @property
    def cancelled(self) -> bool:
        return self.of.cancelled

    @property
    def maybe_charged(self) -> bool:
        return self.of.maybe_charged

    @property
    def started_at(self) -> float:
        return self.of.started_at

    @property
    def elapsed_ms(self) -> float:
        return self.of.elapsed_ms or 0.0

    @property
    def first_content_ms(self) -> float | None:
        return self.of.first_content_ms

    @property
    def tokens(self) -> Tokens:
        assert self.of.tokens is not None
        return self.of.tokens

    @property
    def raw_usage(self) -> dict[str, Any] | None:
        return self.of.spent.usage if self.of.spent else None
