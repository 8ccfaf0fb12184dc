"""A subject of any size, and one answer about it: at once, or by parts and then together."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agentbox_cli.errors import AgentboxError, ProviderError, UsageError
from agentbox_cli.mcp.analyst import wording
from agentbox_cli.mcp.analyst.size import Reader
from agentbox_cli.mcp.analyst.subject import Piece, Skipped, Subject, packed
from agentbox_cli.mcp.calls.chat import Listening, Message, Question, Said, ask
from agentbox_cli.mcp.calls.costs import NOTHING, Ledger, Spent
from agentbox_cli.mcp.calls.proxy import Proxy

PARALLEL = 4
PARTS_LIMIT = 60
TEMPERATURE = 0.2
NOTES_TOKENS = 1_500

# Models that think aloud do so before they answer.
_THOUGHTS = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)


@dataclass(slots=True, kw_only=True)
class Analyst:
    """Asks one model as often as it takes, and adds up what it costs.

    Args:
        proxy: who is asked.
        ledger: knows what it costs.
        reader: the model, and what it holds.
        max_tokens: how long the last answer may be.

    Attributes:
        served_by: the links that answered.
        spent: everything together.
        truncated: whether the last answer was cut by its length.
        lost: files whose part was not analysed, and why.
    """

    proxy: Proxy
    ledger: Ledger
    reader: Reader
    max_tokens: int
    served_by: dict[str, None] = field(default_factory=dict, init=False)
    requests: list[str] = field(default_factory=list, init=False)
    spent: Spent = field(default=NOTHING, init=False)
    truncated: bool = field(default=False, init=False)
    lost: list[Skipped] = field(default_factory=list, init=False)
    _heard: Listening | None = field(default=None, init=False)
    _parts: tuple[int, int] = field(default=(0, 0), init=False)

    async def answer(self, task: str, form: str, subject: Subject) -> str:
        """Do a task with a subject.

        Args:
            task: what to do.
            form: what the answer is to look like.
            subject: with what.

        Raises:
            UsageError: the subject is far too large.
            ProviderError: no link answered.
            ProxyError, ConfigError: the proxy cannot be asked.
        """
        chunks = packed(subject.pieces, self.reader.characters)
        if len(chunks) == 1:
            return await self.say(wording.whole(task, form, subject.title, chunks[0]))
        if len(chunks) > PARTS_LIMIT:
            raise UsageError(
                f"the subject has {len(chunks)} parts of {self.reader.characters:,} characters,"
                f" more than {PARTS_LIMIT}",
                hint="name fewer files, or a model with a larger window",
            )
        notes = await self._notes(task, subject.title, chunks)
        return await self.say(wording.from_notes(task, form, subject.title, notes))

    async def say(self, prompt: str, *earlier: Message) -> str:
        """Ask for the last answer, with what was said before it."""
        messages = [{"role": "user", "content": prompt}, *earlier]
        said = await self._ask(messages, self.max_tokens)
        self.truncated = said.finish_reason == "length"
        return _spoken(said)

    def words(self) -> str:
        """How far it is, for people."""
        done, total = self._parts
        if done < total:
            return f"{done} of {total} parts read"
        return self._heard.words() if self._heard else "gathering"

    async def _notes(
        self, task: str, title: str, chunks: Sequence[tuple[Piece, ...]]
    ) -> list[Piece]:
        self._parts = (0, len(chunks))
        turns = asyncio.Semaphore(PARALLEL)

        async def read(number: int) -> Piece | AgentboxError:
            prompt = wording.one_part(task, title, chunks[number], number + 1, len(chunks))
            async with turns:
                noted = await self._note(f"notes of part {number + 1}", prompt)
            self._parts = (self._parts[0] + 1, len(chunks))
            return noted

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read(number)) for number in range(len(chunks))]
        noted = [each.result() for each in tasks]
        return await self._fitting(task, self._kept(chunks, noted))

    def _kept(
        self, chunks: Sequence[tuple[Piece, ...]], noted: Sequence[Piece | AgentboxError]
    ) -> list[Piece]:
        """The notes that there are; a part that nobody read is told and does not undo the rest."""
        failed = [each for each in noted if isinstance(each, AgentboxError)]
        if len(failed) == len(noted):
            raise failed[0]
        for chunk, each in zip(chunks, noted, strict=True):
            if isinstance(each, AgentboxError):
                why = f"not analysed: {each.message}"
                self.lost += [Skipped(name=piece.name, why=why) for piece in chunk]
        return [each for each in noted if isinstance(each, Piece)]

    async def _fitting(self, task: str, notes: list[Piece]) -> list[Piece]:
        """As few notes as fit into one question."""
        groups = packed(notes, self.reader.characters)
        while len(groups) > 1:
            notes = [
                Piece(name=f"notes {number}", text=await self._shortened(task, group))
                for number, group in enumerate(groups, start=1)
            ]
            before, groups = len(groups), packed(notes, self.reader.characters)
            if len(groups) >= before:
                raise ProviderError(
                    f"{self.reader.model} makes its notes no shorter",
                    hint="name fewer files, or a model with a larger window",
                )
        return notes

    async def _shortened(self, task: str, group: Sequence[Piece]) -> str:
        prompt = wording.shorter(task, group)
        return _spoken(await self._ask([{"role": "user", "content": prompt}], NOTES_TOKENS))

    async def _note(self, name: str, prompt: str) -> Piece | AgentboxError:
        try:
            said = await self._ask([{"role": "user", "content": prompt}], NOTES_TOKENS)
            return Piece(name=name, text=_spoken(said))
        except AgentboxError as error:
            return error

    async def _ask(self, messages: Sequence[Message], max_tokens: int) -> Said:
        heard = self._heard = Listening(self.reader.model)
        question = Question(
            model=self.reader.model,
            messages=[{"role": "system", "content": wording.SYSTEM}, *messages],
            max_tokens=max_tokens,
            temperature=TEMPERATURE,
        )
        said = await ask(self.proxy, question, heard)
        self.served_by[said.served.served_by] = None
        self.requests.append(said.served.request_id)
        spent = await self.ledger.spent(said.served.request_id)
        self.spent += spent  # not across the await: others add meanwhile
        return said


def _spoken(said: Said) -> str:
    """The answer without what the model thought aloud before it."""
    text = _THOUGHTS.sub("", said.text).strip()
    if not text:
        raise ProviderError(
            f"{said.served.served_by} gave an empty answer ({said.finish_reason or 'no reason'})",
            hint="ask again with more max_tokens, or another model",
        )
    return text
