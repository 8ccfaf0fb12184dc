"""The real LiteLLM with three deployments, one for each way it is told of a provider."""

from pathlib import Path

from pydantic import SecretStr

from agentbox_cli.engine.plan import EnginePlan
from agentbox_cli.engine.render import render
from agentbox_cli.engine.warmup import warm_up
from agentbox_cli.providers.model import ModelKind
from tests.fakes.deployments import deployment

EGRESS_SECRET = "egress-secret-of-this-test"

# The most that a start takes while other tests run beside it.
START_SECONDS = 120.0

# The id holds what model ids may hold: a slash, a colon, dots, an @.
OPENAI_STYLE = deployment("saia/org/llama-3.3:70b@x")
ANTHROPIC = deployment("claude/sonnet-4-5", prefix="anthropic")
VECTORS = deployment("saia/e5-mistral", prefix="openai", kind=ModelKind.EMBEDDING)
DEPLOYMENTS = (OPENAI_STYLE, ANTHROPIC, VECTORS)


def plan_in(place: Path, egress_url: str) -> EnginePlan:
    return EnginePlan(
        rendered=render(DEPLOYMENTS, egress_url),
        egress_secret=SecretStr(EGRESS_SECRET),
        directory=place / "engine",
        socket=place / "engine" / "engine.sock",
        config_file=place / "litellm.rendered.yml",
        warm_up=warm_up(DEPLOYMENTS),
    )
