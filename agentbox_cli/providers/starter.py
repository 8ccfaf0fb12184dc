"""The `litellm:` section that `init` proposes, as commented text."""

from collections.abc import Iterator, Sequence

from agentbox_cli.config.model import DEFAULT_PORT
from agentbox_cli.providers.model import ModelKind, ModelSpec, ProviderSpec

HEAD = f"""\
litellm:
  enabled: true
  port: {DEFAULT_PORT}                    # agents call http://127.0.0.1:{DEFAULT_PORT}
"""

TOGGLES = """
  # Which failures move a call to the next link
  fallbacks:
    on_rate_limit: true         # 429
    on_context_window: true     # the prompt is too long for this link
    on_error: true              # anything else: 5xx, timeout, refused, 401/403/404
"""

_TAIL = f"""{TOGGLES}
  router:
    num_retries: 3
    timeout: 120                # seconds for one link to answer
    retry_after_seconds: 60     # cooldown of a failing link when the provider names none
"""

_DEMO_MODELS = """
  # Alias to chain: the first link is tried first. These two need no key and no network.
  models:
    default:
      - provider: simulated
        model: rate-limited     # always answers 429
      - provider: simulated
        model: echo
"""


def demo_section() -> str:
    """A section that works without any key: a chain of simulated providers."""
    return HEAD + _DEMO_MODELS + _TAIL


def starter_section(specs: Sequence[ProviderSpec]) -> str:
    """A section for these providers: their keys by reference, their default aliases as chains.

    Args:
        specs: the providers to set up; links stand in the order of their rank.
    """
    ranked = sorted(specs, key=lambda spec: (spec.rank, spec.name))
    parts = [HEAD, "\n  # Keys are read from the environment, or from a .env beside this file\n"]
    parts.append("  providers:\n")
    parts += [_provider(spec) for spec in ranked]
    parts.append("\n  # Alias to chain: the first link is tried first\n  models:\n")
    parts += [_alias(alias, ranked) for alias in _aliases(ranked)]
    return "".join(parts) + _TAIL


def _provider(spec: ProviderSpec) -> str:
    lines = [f"    {spec.name}:\n"]
    if spec.api_base is not None:
        lines.append(f"      api_base: {spec.api_base}\n")
    if spec.api_key_env is not None:
        lines.append(f"      api_key: ${{{spec.api_key_env}}}\n")
    return "".join(lines) if len(lines) > 1 else f"    {spec.name}: {{}}\n"


def _aliases(specs: Sequence[ProviderSpec]) -> list[str]:
    return list(dict.fromkeys(alias for spec in specs for alias in spec.default_aliases))


def _alias(alias: str, specs: Sequence[ProviderSpec]) -> str:
    links = "".join(
        f"      - provider: {name}\n        model: {model.id}\n"
        for name, model in _links(alias, specs)
    )
    return f"    {alias}:\n{links}"


def _links(alias: str, specs: Sequence[ProviderSpec]) -> Iterator[tuple[str, ModelSpec]]:
    first: ModelSpec | None = None
    for spec in specs:
        model = spec.model(spec.default_aliases.get(alias, ""))
        if model is not None and (first is None or _may_replace(model, first)):
            first = first or model
            yield spec.name, model


def _may_replace(model: ModelSpec, first: ModelSpec) -> bool:
    # Vectors of different models do not fit together, so an embedding chain keeps to one space.
    if model.kind is not first.kind:
        return False
    if model.kind is not ModelKind.EMBEDDING:
        return True
    return (model.embedding_space or model.id) == (first.embedding_space or first.id)
