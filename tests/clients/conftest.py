"""One real proxy with the real LiteLLM, for every client of a worker."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import anthropic
import pytest

from agentbox_cli.fallback.stage import Cast
from agentbox_cli.simulate.faults import Fault
from agentbox_cli.simulate.wording import Wording
from tests.clients.cases import ANSWERS, CONTEXT, RATE_LIMIT, SERVER, TOOL
from tests.clients.installing import cache
from tests.e2e.conftest import KEYS, User, section

PROVIDERS = ("anthropic", "gwdg_saia", "openai")
MODELS = {
    "default": [
        {"provider": "openai", "model": "gpt-4o"},
        {"provider": "gwdg_saia", "model": "llama-3.3-70b"},
    ],
    "claude": [
        {"provider": "anthropic", "model": "claude-sonnet-4-5"},
        {"provider": "openai", "model": "gpt-4o-mini"},
    ],
    "vectors": [
        {"provider": "openai", "model": "text-embedding-3-small"},
        {"provider": "gwdg_saia", "model": "text-embedding-3-small"},
    ],
}
FIRST = {alias: f"{links[0]['provider']}/{links[0]['model']}" for alias, links in MODELS.items()}
SECOND = {alias: f"{links[1]['provider']}/{links[1]['model']}" for alias, links in MODELS.items()}
FAULTS = {
    ANSWERS: None,
    TOOL: None,
    RATE_LIMIT: Fault(status=429, headers={"retry-after": "1"}),
    SERVER: Fault(status=500),
    CONTEXT: Fault(status=400, wording=Wording.CONTEXT_WINDOW),
}
# No agent tells anybody of a test, or looks for a newer one of itself.
QUIET = {
    "AIDER_ANALYTICS": "false",
    "AIDER_CHECK_UPDATE": "false",
    "AIDER_SHOW_RELEASE_NOTES": "false",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    # The test made the folder that it works in.
    "GEMINI_CLI_TRUST_WORKSPACE": "true",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "QWEN_TELEMETRY_ENABLED": "0",
}


@pytest.fixture(scope="session")
def cast() -> Iterator[Cast]:
    providers = Cast(list(PROVIDERS))
    yield providers
    providers.close()


@pytest.fixture(scope="session")
def private_home() -> Iterator[Path]:
    """A home that others cannot write above: Gemini CLI trusts no settings in a shared place."""
    cache().mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="home-", dir=cache()) as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def user(private_home: Path, cast: Cast) -> Iterator[User]:
    """Somebody whose proxy runs, with LiteLLM warm: its first streams are slow."""
    somebody = User(private_home, {**KEYS, **QUIET})
    router = {"timeout": 30, "num_retries": 1, "retry_after_seconds": 0}
    somebody.writes(section(cast, MODELS, router=router))
    started = somebody.runs("litellm", "start", "--wait", "engine")
    try:
        assert started.returncode == 0, started.stderr
        with anthropic.Anthropic(base_url=url_of(somebody), api_key="x") as client:
            client.messages.create(
                model="default", max_tokens=9, messages=[{"role": "user", "content": "warm up"}]
            )
        yield somebody
    finally:
        stopped = somebody.runs("litellm", "stop", "--force")
    assert stopped.returncode == 0


def url_of(user: User) -> str:
    url: str = user.reads("litellm", "status")["url"]
    return url


@pytest.fixture
def fails(cast: Cast) -> Iterator[Callable[[str, str], str]]:
    """Makes the first link of an alias fail as a scenario says; gives who answers then."""

    def prepare(alias: str, scenario: str) -> str:
        fault = FAULTS[scenario]
        if fault is None:
            return FIRST[alias]
        cast[FIRST[alias].partition("/")[0]].faults.put(FIRST[alias], fault)
        return SECOND[alias]

    yield prepare
    for name in PROVIDERS:
        cast[name].faults.clear()


@pytest.fixture
def marker(user: User) -> Path:
    """A file that a tool is to read, with a text that stands nowhere else."""
    project = user.home / "project"
    project.mkdir(exist_ok=True)
    file = project / "marker.txt"
    file.write_text("the-text-of-the-marker\n")
    return file
