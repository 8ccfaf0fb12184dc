"""Stories on a clock of their own, told in few words."""

from dataclasses import dataclass, field

from agentbox_cli.providers.model import ErrorKind, Protocol
from agentbox_cli.providers.resolved import Chain, Lane
from agentbox_cli.proxy.answers import Spent
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.endpoints import CHAT
from agentbox_cli.proxy.story import Attempt, End, Stories, Story


@dataclass
class Teller:
    """Makes stories of requests that went down one chain."""

    chain: Chain
    kept: int = 1_000
    stories: Stories = field(init=False)
    _told: int = 0

    def __post_init__(self) -> None:
        self.stories = Stories(self.kept)

    def running(self, number: int, began: float) -> Story:
        """A request whose call to a link is under way."""
        story = self._begin(began)
        self._attempt(story, number, began)
        return story

    def answered(
        self,
        number: int,
        began: float,
        *,
        ms: float = 100.0,
        content: float | None = None,
        tokens: tuple[int, int] = (0, 0),
    ) -> Story:
        """A request that a link answered."""
        story = self._begin(began)
        attempt = self._attempt(story, number, began)
        attempt.elapsed_ms, attempt.complete = ms, True
        attempt.first_content_ms = ms if content is None else content
        usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
        attempt.spent = Spent(protocol=Protocol.OPENAI_CHAT, usage=usage)
        story.ends(End.ANSWERED, 200)
        return story

    def failed(self, number: int, began: float, *, ms: float = 100.0) -> Story:
        """A request whose only call failed."""
        story = self._begin(began)
        self._fail(story, number, began, ms)
        story.ends(End.FAILED, 503)
        return story

    def moved_on(self, began: float) -> Story:
        """A request that the second link answered."""
        story = self._begin(began)
        self._fail(story, 1, began, 10.0)
        attempt = self._attempt(story, 2, began)
        attempt.elapsed_ms, attempt.first_content_ms, attempt.complete = 100.0, 50.0, True
        story.ends(End.ANSWERED, 200)
        return story

    def _begin(self, began: float) -> Story:
        story = self.stories.begin(f"req_{self._told}", CHAT, None)
        self._told += 1
        story.began, story.chain = began, self.chain
        return story

    def _attempt(self, story: Story, number: int, began: float) -> Attempt:
        link = self.chain.links[number - 1]
        attempt = story.attempt(Call(link=link, number=number, timeout=9.0), Lane.DIRECT)
        attempt.began = began
        return attempt

    def _fail(self, story: Story, number: int, began: float, ms: float) -> None:
        attempt = self._attempt(story, number, began)
        attempt.elapsed_ms, attempt.kind = ms, ErrorKind.SERVER
