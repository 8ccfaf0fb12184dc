"""Ask the running proxy one question, as any client would."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentbox_cli.daemon.client import connect, key_to_show
from agentbox_cli.daemon.probe import probe
from agentbox_cli.daemon.states import SERVES
from agentbox_cli.errors import ConfigError, ProviderError, ProxyError
from agentbox_cli.paths import Paths
from agentbox_cli.proxy.callers import PROJECT, project_name

PATH = "/v1/chat/completions"
TIMEOUT_SECONDS = 600.0
NOT_FOUND = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer and who gave it, by the proxy's own headers."""

    text: str
    alias: str
    served_by: str
    link: str
    attempts: str
    request_id: str


def ask(  # noqa: PLR0913 - each is told by name, and most have a default
    paths: Paths,
    prompt: str,
    *,
    model: str,
    on_text: Callable[[str], None],
    project: str = "",
    environ: Mapping[str, str] | None = None,
) -> Answered:
    """Ask, and hand over the text as it comes.

    Args:
        paths: where the proxy's files are.
        prompt: the question.
        model: an alias, or provider/model.
        on_text: takes the text, piece by piece.
        project: what it is for, as usage shows it; empty for the proxy's own.
        environ: may name a token to show instead of the install's key.

    Raises:
        UsageError: the environment names a token that cannot be one.
        ProxyError: the proxy does not run, or went away.
        ConfigError: it does not know the model.
        ProviderError: no link answered, or the answer was cut.
    """
    import http.client  # noqa: PLC0415 - not needed to find out that nothing runs

    headers = _headers(key_to_show(paths.key_file, environ or {}), project)
    seen = probe(paths)
    if seen.state not in SERVES or seen.instance is None:
        raise ProxyError(f"the proxy is {seen.state}", hint="agentbox litellm start")
    found = seen.instance
    connection = connect(found, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", PATH, body=_body(prompt, model), headers=headers)
        response = connection.getresponse()
        if response.status != 200:  # noqa: PLR2004 - HTTP's OK
            raise _refused(response.status, response.read())
        text = "".join(_told(response, on_text))
        named = {name.lower(): value for name, value in response.getheaders()}
    except (OSError, http.client.HTTPException) as error:
        raise ProxyError(f"the proxy on {found.url} went away: {error}") from error
    finally:
        connection.close()
    return Answered(
        text=text,
        alias=named.get("x-agentbox-alias", model),
        served_by=named.get("x-agentbox-served-by", "?"),
        link=named.get("x-agentbox-link", "?"),
        attempts=named.get("x-agentbox-attempts", ""),
        request_id=named.get("x-agentbox-request-id", "?"),
    )


def _body(prompt: str, model: str) -> bytes:
    messages = [{"role": "user", "content": prompt}]
    return json.dumps({"model": model, "stream": True, "messages": messages}).encode()


def _headers(key: str | None, project: str) -> dict[str, str | bytes]:
    headers: dict[str, str | bytes] = {
        "content-type": "application/json",
        "user-agent": "agentbox-ask",
    }
    if name := project_name(project):
        headers[PROJECT] = name.encode()  # as text, http.client would have it Latin-1
    if key:
        headers["authorization"] = f"Bearer {key}"
    return headers


def _told(response: Any, on_text: Callable[[str], None]) -> Iterator[str]:
    for line in response:
        data = line.strip().removeprefix(b"data:").strip()
        if not line.startswith(b"data:") or data == b"[DONE]":
            continue
        chunk = json.loads(data)
        if "error" in chunk:
            raise ProviderError(f"the answer was cut: {chunk['error'].get('message')}")
        for choice in chunk.get("choices", []):
            text = (choice.get("delta") or {}).get("content")
            if text:
                on_text(text)
                yield text


def _refused(status: int, body: bytes) -> ProviderError | ConfigError:
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = f"the proxy answered {status}"
    if status == NOT_FOUND:
        return ConfigError(message, hint="agentbox litellm models")
    return ProviderError(message, hint="agentbox litellm status")
