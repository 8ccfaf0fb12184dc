"""The user's chains as a config for LiteLLM alone, with its own fallbacks.

LiteLLM falls back from one model group to others, and only then looks at the kind of error, so
each link is a group of its own: the alias is the group of its first link, and its fallbacks are
the groups of the later ones. With several links in one group, errors of context and content
policy never moved on (measured).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from agentbox_cli.deploy import shortcomings
from agentbox_cli.deploy.key_names import NOT_NEEDED, KeyNames
from agentbox_cli.deploy.yaml_text import comment, yaml_text
from agentbox_cli.engine.render import UNTRANSLATED
from agentbox_cli.providers.model import ModelKind, Protocol
from agentbox_cli.providers.resolved import Chain, Deployment, Link, Resolved

MASTER_KEY_VARIABLE = "LITELLM_MASTER_KEY"

# What keeps LiteLLM from retrying by itself, and from asking the internet for its own tables.
SWITCHES: Mapping[str, str] = MappingProxyType(
    {
        "DEFAULT_MAX_RETRIES": "0",
        "INITIAL_RETRY_DELAY": "0.1",
        "JITTER": "0.1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
        "LITELLM_LOCAL_BLOG_POSTS": "True",
        "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
        "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    }
)

# More failures than anybody counts: the class never begins a cooldown.
_NEVER = 1_000_000
# A list that names no alias is taken for "as the others" when it is empty (measured).
_NOBODY = "(nobody)"

_ADDRESS = "http://127.0.0.1:4000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable that LiteLLM needs, and what for."""

    name: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standalone:
    """A config for LiteLLM alone.

    Args:
        config: what LiteLLM reads.
        variables: what must be in its environment: keys, each by its name.
        switches: what else should be there, with values.
        shortcomings: what the user's config says and LiteLLM does not do.
    """

    config: Mapping[str, Any]
    variables: tuple[Variable, ...]
    switches: Mapping[str, str]
    shortcomings: tuple[str, ...]

    def text(self) -> str:
        """The config as YAML, with the rest in comments."""
        return comment(_heading(self)) + "\n" + yaml_text(self.config)


def standalone(resolved: Resolved) -> Standalone:
    """Make the config; links that LiteLLM cannot call are left out and told."""
    keys = KeyNames(resolved)
    groups = _Groups(resolved, keys)
    chains = dict(_served(resolved, groups))
    fallbacks = {alias: later for alias, later in chains.items() if later}
    config = {
        "model_list": groups.listed(),
        "litellm_settings": _LITELLM_SETTINGS,
        "router_settings": _router_settings(resolved, fallbacks),
        "general_settings": _GENERAL_SETTINGS,
    }
    master = Variable(
        name=MASTER_KEY_VARIABLE, purpose="what callers must show; a long random one"
    )
    variables = (Variable(name=name, purpose=purpose) for name, purpose in keys.used.items())
    return Standalone(
        config=config,
        variables=(master, *variables),
        switches=SWITCHES,
        shortcomings=(*keys.notes, *shortcomings.of(resolved)),
    )


class _Groups:
    """LiteLLM's model groups: one for each alias, and one for each deployment as a link has it."""

    def __init__(self, resolved: Resolved, keys: KeyNames) -> None:
        self._resolved = resolved
        self._keys = keys
        self._aliases: dict[str, dict[str, Any]] = {}
        self._deployments: dict[str, dict[str, Any]] = {}

    def first(self, alias: str, link: Link) -> None:
        """Let the alias be the group of a link; the deployment's name goes on to work too."""
        self._aliases[alias] = self._params(link)
        self.later(alias, link)

    def later(self, alias: str, link: Link) -> str:
        """The group of a later link; chains that call a deployment alike share one."""
        name, params = link.deployment.name, self._params(link)
        if self._deployments.setdefault(name, params) != params:
            name = f"{name}@{alias}"
            self._deployments[name] = params
        return name

    def listed(self) -> list[dict[str, Any]]:
        """All groups, as LiteLLM's `model_list`."""
        return [
            {"model_name": name, "litellm_params": params}
            for name, params in (self._aliases | self._deployments).items()
        ]

    def _params(self, link: Link) -> dict[str, Any]:
        deployment = link.deployment
        prefix = prefix_of(deployment)
        params: dict[str, Any] = {
            "model": f"{prefix}/{deployment.model.id}",
            "api_base": self._keys.without_password(deployment.provider),
            "api_key": self._key(deployment),
            # Its time to the first byte of a stream, ours to the first content.
            "timeout": link.timeout,
            "stream_timeout": link.timeout,
        }
        dropped = [*(() if prefix == "anthropic" else UNTRANSLATED), *_dropped(link)]
        if dropped:
            params["additional_drop_params"] = dropped
        return params

    def _key(self, deployment: Deployment) -> str:
        # A name without a value would make LiteLLM send OPENAI_API_KEY there (measured).
        name = self._keys.of(deployment.provider)
        return NOT_NEEDED if name is None else f"os.environ/{name}"


def prefix_of(deployment: Deployment) -> str:
    """LiteLLM's provider prefix of a deployment, for a call that goes to the provider itself."""
    spec, kind = deployment.provider.spec, deployment.model.kind
    if Protocol.ANTHROPIC_MESSAGES in spec.protocols and len(spec.protocols) == 1:
        return "anthropic"
    # `openai` calls /responses for other protocols, which only some providers have (measured).
    if kind is ModelKind.EMBEDDING or Protocol.OPENAI_RESPONSES in spec.protocols:
        return "openai"
    return spec.litellm_prefix.get(kind, "custom_openai")


def _served(resolved: Resolved, groups: _Groups) -> Iterator[tuple[str, list[str]]]:
    """Each alias that LiteLLM can serve, and the groups that its calls fall back to."""
    for alias, chain in resolved.chains.items():
        links = reachable(chain)
        if links:
            groups.first(alias, links[0])
            yield alias, [groups.later(alias, link) for link in links[1:]]


def reachable(chain: Chain) -> list[Link]:
    """The links of a chain that have an address of their own."""
    return [link for link in chain.links if link.deployment.provider.api_base is not None]


def _dropped(link: Link) -> list[str]:
    return sorted(link.drop_params | link.deployment.model.drop)


def _router_settings(resolved: Resolved, fallbacks: Mapping[str, list[str]]) -> dict[str, Any]:
    toggles, router = resolved.toggles, resolved.router
    cooldown = router.retry_after_seconds
    return {
        "fallbacks": _listed(fallbacks, on=toggles.on_rate_limit or toggles.on_error),
        "context_window_fallbacks": _listed(fallbacks, on=toggles.on_context_window),
        "content_policy_fallbacks": _listed(fallbacks, on=toggles.on_content_policy),
        "max_fallbacks": max([20, *map(len, fallbacks.values())]),
        "num_retries": 0,
        "retry_policy": _retry_policy(again=min(1, router.num_retries)),
        "allowed_fails_policy": _allowed_fails(resolved),
        **({"cooldown_time": cooldown} if cooldown else {"disable_cooldowns": True}),
        "timeout": router.timeout,
        "stream_timeout": router.timeout,
    }


def _listed(fallbacks: Mapping[str, list[str]], *, on: bool) -> list[dict[str, list[str]]]:
    listed = [{alias: later} for alias, later in fallbacks.items()] if on else []
    return listed or [{_NOBODY: [_NOBODY]}]


def _retry_policy(*, again: int) -> dict[str, int]:
    return {
        "BadRequestErrorRetries": 0,
        "AuthenticationErrorRetries": 0,
        "TimeoutErrorRetries": 0,
        "RateLimitErrorRetries": 0,
        "ContentPolicyViolationErrorRetries": 0,
        "NotFoundErrorRetries": 0,
        "InternalServerErrorRetries": again,
        "ServiceUnavailableErrorRetries": again,
    }


def _allowed_fails(resolved: Resolved) -> dict[str, int]:
    """How many failures in a minute begin a cooldown; a class that is switched off never does."""
    toggles = resolved.toggles
    at_once = 0 if toggles.on_error else _NEVER
    second = 1 if toggles.on_error else _NEVER
    return {
        "RateLimitErrorAllowedFails": 0 if toggles.on_rate_limit else _NEVER,
        "AuthenticationErrorAllowedFails": at_once,
        "NotFoundErrorAllowedFails": at_once,
        "TimeoutErrorAllowedFails": at_once,
        "InternalServerErrorAllowedFails": second,
        "ServiceUnavailableErrorAllowedFails": second,
        "BadGatewayErrorAllowedFails": second,
        "BadRequestErrorAllowedFails": _NEVER,
        "ContentPolicyViolationErrorAllowedFails": _NEVER,
    }


_LITELLM_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "drop_params": True,
        "num_retries": 0,
        "telemetry": False,
        # A model's name alone would make it look for a tokenizer on the internet (measured).
        "disable_hf_tokenizer_download": True,
        "turn_off_message_logging": True,
    }
)
_GENERAL_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "master_key": f"os.environ/{MASTER_KEY_VARIABLE}",
        # Otherwise it asks every address for its models, again and again (measured).
        "disable_model_info_refresh": True,
    }
)


def _heading(made: Standalone) -> str:
    width = max(len(variable.name) for variable in made.variables)
    needed = [f"  {variable.name:{width}}  {variable.purpose}" for variable in made.variables]
    return "\n".join(
        [
            "Your chains for LiteLLM alone, without agentbox. Made by:",
            "  agentbox litellm render --standalone",
            "",
            "It needs these variables. Set every one: to an address whose own key is not set,",
            "LiteLLM sends the value of OPENAI_API_KEY.",
            *needed,
            "",
            "Set these too, or it retries and sleeps by itself, and asks the internet for tables:",
            *(f"  export {name}={value}" for name, value in made.switches.items()),
            "",
            f"Then: litellm --config THIS-FILE --host 127.0.0.1 --port 4000, and call {_ADDRESS}",
            f"with ${MASTER_KEY_VARIABLE}. Whoever reaches the port sees its pages without it.",
            "",
            "What your config says and LiteLLM does not do:",
            *(f"- {each}" for each in made.shortcomings),
        ]
    )


def as_json(made: Standalone) -> dict[str, Any]:
    """The config and what belongs to it, as `--json` shows it."""
    return {
        "mode": "standalone",
        "config": json.loads(json.dumps(made.config, default=dict)),
        "variables": [{"name": each.name, "purpose": each.purpose} for each in made.variables],
        "switches": dict(made.switches),
        "not_honoured": list(made.shortcomings),
    }
