"""What the failure of a real link means in words, and what to do next."""

import math
from dataclasses import dataclass

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.resolved import Deployment
from agentbox_cli.proxy.failure import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Words and the next step; `unasked` if the link was not called at all."""

    words: str
    hint: str
    unasked: bool = False


def no_key(deployment: Deployment) -> Advice:
    """The advice on a link whose provider has no key."""
    name = deployment.provider.name
    return Advice(
        words="not asked: its key is not set",
        hint=f"{name}: agentbox litellm providers login {name}",
        unasked=True,
    )


def only_translated(deployment: Deployment) -> Advice:
    """The advice on a link that only LiteLLM can call."""
    return Advice(
        words="not asked: only LiteLLM can call it",
        hint=f"{deployment.name}: agentbox litellm start, then agentbox litellm ask",
        unasked=True,
    )


def simulated(deployment: Deployment) -> Advice:
    """The advice on a link that the proxy serves itself."""
    return Advice(
        words="not asked: it is simulated, and always here",
        hint=f"{deployment.name}: nothing to do",
        unasked=True,
    )


def advice_on(failure: Failure, deployment: Deployment) -> Advice:
    """Say what a failure means for its link, and what to do."""
    words, step = _WORDS[failure.kind]
    name = deployment.provider.name
    hint = step.format(provider=name, model=deployment.model.id, place=_place(deployment))
    return Advice(words=f"{words}{_told(failure)}", hint=f"{deployment.name}: {hint}")


def _told(failure: Failure) -> str:
    status = f" ({failure.status})" if failure.status else ""
    wait = f", again in {math.ceil(failure.retry_after)} s" if failure.retry_after else ""
    return f"{status}{wait}: {failure.message}"


def _place(deployment: Deployment) -> str:
    return deployment.provider.spec.docs_url or "the provider's account page"


_WORDS: dict[ErrorKind, tuple[str, str]] = {
    ErrorKind.AUTH: (
        "the key is refused",
        "set a valid key: agentbox litellm providers login {provider}",
    ),
    ErrorKind.FORBIDDEN: (
        "the key may not use this model",
        "ask for access to {model} at {place}, or use another model",
    ),
    ErrorKind.NOT_FOUND: (
        "there is no such model or address",
        "check the model's id ({model}) and the api_base of {provider}",
    ),
    ErrorKind.QUOTA: ("the quota is used up", "raise the limit or wait for it at {place}"),
    ErrorKind.PAYMENT: ("the account has no credit", "add credit at {place}"),
    ErrorKind.THROTTLE: ("rate limited for now", "wait; the chain moves on meanwhile"),
    ErrorKind.CONNECTION: (
        "cannot be reached",
        "check the api_base of {provider}, the network and proxy variables",
    ),
    ErrorKind.TIMEOUT: ("no answer in time", "try again; if it stays, use another model"),
    ErrorKind.SERVER: ("the provider failed", "try again later; nothing is wrong on this side"),
    ErrorKind.CONTEXT_WINDOW: (
        "even a tiny prompt is too long",
        "check that {model} is a model that answers prompts",
    ),
    ErrorKind.UNSUPPORTED: (
        "the model refuses a parameter",
        "name it under drop_params of this link",
    ),
    ErrorKind.BAD_REQUEST: (
        "the request is refused",
        "check that {model} is a model of this kind",
    ),
    ErrorKind.CONTENT_POLICY: ("refused by content policy", "look at the policy at {place}"),
}
