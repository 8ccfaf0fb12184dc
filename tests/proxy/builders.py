"""Deployments, chains, failures and walks in few words; time is a float that tests pass on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pydantic import SecretStr

from agentbox_cli.config.model import LiteLLMConfig
from agentbox_cli.providers.model import (
    ErrorKind,
    ModelKind,
    ModelSpec,
    Protocol,
    ProviderSpec,
    QuotaWindow,
    RateLimitScope,
)
from agentbox_cli.providers.resolved import (
    Chain,
    Deployment,
    KeyState,
    Link,
    NamePattern,
    ProviderKey,
    Resolved,
    ResolvedProvider,
    Router,
    Toggles,
)
from agentbox_cli.proxy.call import Call, Needs
from agentbox_cli.proxy.chain import Walk
from agentbox_cli.proxy.cooldown import Cooldowns
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.memory import Memory
from agentbox_cli.proxy.verdict import Verdict

WALL = 1_760_000_000.0  # 2025-10-09T08:53:20Z
CHAT = Needs(protocol=Protocol.OPENAI_CHAT)
STATUS_OF = {
    ErrorKind.THROTTLE: 429,
    ErrorKind.QUOTA: 429,
    ErrorKind.SERVER: 500,
    ErrorKind.AUTH: 401,
    ErrorKind.PAYMENT: 402,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
}
MINUTE = QuotaWindow(
    name="minute",
    limit_header="x-ratelimit-limit-minute",
    remaining_header="x-ratelimit-remaining-minute",
    reset_header="ratelimit-reset",
    seconds=60,
)
DAY = QuotaWindow(
    name="day",
    limit_header="x-ratelimit-limit-day",
    remaining_header="x-ratelimit-remaining-day",
    seconds=86_400,
)


def spec(
    name: str = "alpha",
    *,
    scope: RateLimitScope = RateLimitScope.MODEL,
    windows: tuple[QuotaWindow, ...] = (),
    protocols: Iterable[Protocol] = (Protocol.OPENAI_CHAT, Protocol.OPENAI_EMBEDDINGS),
    idempotency_key: bool = False,
) -> ProviderSpec:
    return ProviderSpec(
        name=name,
        title=name.title(),
        protocols=frozenset(protocols),
        rate_limit_scope=scope,
        quota_windows=windows,
        idempotency_key=idempotency_key,
    )


def provider(
    of: ProviderSpec | str = "alpha",
    *,
    key: KeyState = KeyState.SET,
    value: str | None = "sk-own",
    headers: Mapping[str, str] | None = None,
    configured: bool = True,
) -> ResolvedProvider:
    secret = SecretStr(value) if value and key is KeyState.SET else None
    return ResolvedProvider(
        spec=spec(of) if isinstance(of, str) else of,
        api_base="https://api.example/v1",
        key=ProviderKey(state=key, value=secret),
        headers={name: SecretStr(text) for name, text in (headers or {}).items()},
        configured=configured,
    )


def deployment(
    of: ResolvedProvider | ProviderSpec | str = "alpha",
    model: ModelSpec | str = "one",
    *,
    key: KeyState = KeyState.SET,
) -> Deployment:
    at = of if isinstance(of, ResolvedProvider) else provider(of, key=key)
    return Deployment(provider=at, model=ModelSpec(id=model) if isinstance(model, str) else model)


def link(
    number: int = 1,
    of: Deployment | str | None = None,
    *,
    timeout: float = 120.0,
    max_input_tokens: int | None = None,
    drop_params: Iterable[str] = (),
) -> Link:
    if of is None or isinstance(of, str):
        of = deployment(of or f"p{number}")
    return Link(
        number=number,
        deployment=of,
        timeout=timeout,
        max_input_tokens=max_input_tokens,
        drop_params=frozenset(drop_params),
    )


def chain(
    *links: Link | Deployment | str, alias: str = "default", source: str = "config"
) -> Chain:
    """Make a chain; a word is a provider of its own."""
    numbered = [
        replace(item, number=number) if isinstance(item, Link) else link(number, item)
        for number, item in enumerate(links, start=1)
    ]
    return Chain(alias=alias, links=tuple(numbered), source=source)


def embedding(model_id: str = "embed") -> ModelSpec:
    return ModelSpec(id=model_id, kind=ModelKind.EMBEDDING)


def resolved(*chains: Chain, patterns: Mapping[str, str] | None = None) -> Resolved:
    return Resolved(
        config=LiteLLMConfig(model_patterns=dict(patterns or {})),
        providers={
            each.deployment.provider.name: each.deployment.provider
            for one in chains
            for each in one.links
        },
        chains={one.alias: one for one in chains},
        toggles=Toggles(),
        router=Router(),
        patterns=tuple(NamePattern(pattern=p, alias=a) for p, a in (patterns or {}).items()),
    )


def failure(
    kind: ErrorKind = ErrorKind.SERVER,
    *,
    retry_after: float | None = None,
    sent: bool = True,
    reused_closed: bool = False,
    status: int | None = None,
    message: str = "it failed",
) -> Failure:
    answered = kind not in {ErrorKind.TIMEOUT, ErrorKind.CONNECTION}
    return Failure(
        kind=kind,
        status=status or (STATUS_OF.get(kind, 400) if answered else None),
        message=message,
        retry_after=retry_after,
        sent=sent,
        reused_closed=reused_closed,
        protocol=Protocol.OPENAI_CHAT,
    )


REFUSED = failure(ErrorKind.CONNECTION, sent=False)
REUSED_CLOSED = failure(ErrorKind.CONNECTION, reused_closed=True)


def memory(default_seconds: float = 60.0) -> Memory:
    return Memory(cooldowns=Cooldowns(default_seconds))


@dataclass
class Scene:
    """What requests share, and a clock that only moves when told."""

    chain: Chain
    toggles: Toggles = field(default_factory=Toggles)
    router: Router = field(default_factory=Router)
    memory: Memory = field(default_factory=memory)
    now: float = 0.0
    jitter: float = 1.0

    def wall(self) -> float:
        return WALL + self.now

    def walk(self, needs: Needs = CHAT, *, chain: Chain | None = None) -> Walk:
        return Walk(
            chain or self.chain,
            needs,
            router=self.router,
            toggles=self.toggles,
            memory=self.memory,
            now=self.now,
            wall=self.wall,
            jitter=lambda: self.jitter,
        )

    def step(self, walk: Walk) -> Call | Verdict:
        return walk.next(self.now)

    def call(self, walk: Walk) -> Call:
        step = walk.next(self.now)
        assert isinstance(step, Call), step
        return step

    def verdict(self, walk: Walk) -> Verdict:
        step = walk.next(self.now)
        assert isinstance(step, Verdict), step
        return step

    def fail(self, walk: Walk, how: Failure | ErrorKind) -> None:
        walk.failed(how if isinstance(how, Failure) else failure(how), self.now)

    def ask(
        self,
        answers: Mapping[int, Failure | ErrorKind | list[Failure | ErrorKind]] | None = None,
        needs: Needs = CHAT,
    ) -> "Story":
        """Send one request down the chain.

        Args:
            answers: by link number, how it fails each time, or one after the other; a link that
                has no failure (left) answers.
            needs: what the request asks.
        """
        left = {
            number: list(how) if isinstance(how, list) else [how] * 20
            for number, how in (answers or {}).items()
        }
        walk, calls = self.walk(needs), list[Call]()
        while isinstance(step := walk.next(self.now), Call):
            calls.append(step)
            self.now += step.delay
            if not left.get(step.link.number):
                walk.answered()
                return Story(walk=walk, calls=calls, served_by=step.link.number)
            self.fail(walk, left[step.link.number].pop(0))
        return Story(walk=walk, calls=calls, verdict=step)

    def pause(self, number: int = 1) -> float | None:
        """Seconds that a link is still paused; None if it is not."""
        found = self.memory.cooldowns.pause(self.chain.links[number - 1].deployment, self.now)
        return None if found is None else found.remaining


@dataclass
class Story:
    """How a request went."""

    walk: Walk
    calls: list[Call]
    served_by: int | None = None
    verdict: Verdict | None = None

    @property
    def called(self) -> list[int]:
        return [call.link.number for call in self.calls]

    @property
    def end(self) -> Verdict:
        assert self.verdict is not None
        return self.verdict

    @property
    def passed_on(self) -> ErrorKind | None:
        """The kind of the failure that the client gets as it is."""
        return self.end.passed_on.kind if self.end.passed_on else None

    @property
    def labels(self) -> list[str]:
        return [outcome.label for outcome in self.walk.outcomes]


def leaks(of: Memory) -> list[str]:
    """What is still held after every walk has ended."""
    probing = [key for key, entry in of.cooldowns._entries.items() if entry.probing]
    return probing + [key for key, count in of.quotas._in_flight.items() if count]
