"""Bare LiteLLM: the stock proxy with one worker, started as its documentation says."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import end, environment, free_port, seconds_until, secret, write_private
from benchmarks.wire import Connection, Target

START_SECONDS = 180.0
# Groups whose calls have to be translated.
CHAT_ONLY, CLAUDE = "chat-only", "claude"

# With these and the settings below it calls nobody but the simulated provider (measured).
_OFFLINE = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_DONT_SHOW_FEEDBACK_BOX": "true",
    "LITELLM_LOG": "ERROR",
    "HF_HUB_OFFLINE": "1",
    "DEFAULT_MAX_RETRIES": "0",
    # Without it an MCP server that is a program has no tools there.
    "LITELLM_ENABLE_MCP_STDIO": "true",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """A running LiteLLM.

    Args:
        pid: its process.
        target: its port and key.
        ready_s: seconds from its start to its first good answer.
    """

    pid: int
    target: Target
    ready_s: float


@contextmanager
def running(
    directory: Path,
    provider_port: int,
    *,
    limited: int = 0,
    mcp: Mapping[str, Any] | None = None,
    translated: bool = False,
) -> Iterator[Bare]:
    """Start LiteLLM on the simulated provider, and wait for an answer.

    Args:
        directory: an empty one, for its files.
        provider_port: the provider's.
        limited: how many groups begin with a rate limit.
        mcp: an MCP server of its gateway.
        translated: whether there are groups whose calls it has to translate.
    """
    target = Target(port=free_port(), model="plain", key=secret())
    file = directory / "litellm.yml"
    servers = {"mcp_servers": {"it": {"transport": "stdio", **mcp}}} if mcp else {}
    told = config(provider_port, limited)
    if translated:
        told["model_list"] += translating(provider_port)
    write_private(file, told | servers)
    program = Path(sys.executable).parent / "litellm"
    options = ("--config", file, "--host", "127.0.0.1", "--port", str(target.port))
    begun = time.perf_counter()
    with (directory / "litellm.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *options],
            env=environment(directory)
            | _OFFLINE
            | {"LITELLM_MASTER_KEY": target.key, "PYTHONPATH": str(without_ours(directory))},
            cwd=directory,
            stdout=log,
            stderr=log,
        )
        try:
            ready = seconds_until(
                lambda: _answers(process, target), begun=begun, limit=START_SECONDS
            )
            yield Bare(pid=process.pid, target=target, ready_s=ready)
        finally:
            end(process)


def without_ours(directory: Path) -> Path:
    """Keep from LiteLLM what only our own installation brings, and uvicorn would make use of."""
    hidden = directory / "hidden"
    hidden.mkdir()
    (hidden / "httptools.py").write_text("raise ImportError('LiteLLM does not ask for it')\n")
    return hidden


def config(provider_port: int, limited: int) -> dict[str, Any]:
    """Its config: the group `plain`, and groups `limited-N` that begin with a rate limit."""
    echo = _params("echo", provider_port)
    groups = [{"model_name": "plain", "litellm_params": echo}]
    for n in range(limited):
        name = f"limited-{n}"
        first = _params(name, provider_port) | {"order": 1}
        groups.append({"model_name": name, "litellm_params": first})
        groups.append({"model_name": name, "litellm_params": {**echo, "order": 2}})
    return {
        "model_list": groups,
        "litellm_settings": {"telemetry": False, "disable_hf_tokenizer_download": True},
        "router_settings": {"num_retries": 0, "cooldown_time": 600},
        "general_settings": {"disable_model_info_refresh": True},
    }


def translating(provider_port: int) -> list[dict[str, Any]]:
    """Groups of a provider that speaks chat only, and of one that speaks Anthropic's protocol."""
    chat = _params("echo", provider_port) | {"model": "custom_openai/echo"}
    claude = {
        "model": "anthropic/echo",
        "api_base": f"http://127.0.0.1:{provider_port}",
        "api_key": "bench-key-not-a-secret",
    }
    told = {CHAT_ONLY: chat, CLAUDE: claude}
    return [{"model_name": name, "litellm_params": params} for name, params in told.items()]


def _params(model: str, provider_port: int) -> dict[str, Any]:
    return {
        "model": f"openai/{model}",
        "api_base": f"http://127.0.0.1:{provider_port}/v1",
        "api_key": "bench-key-not-a-secret",
    }


def _answers(process: "subprocess.Popen[bytes]", target: Target) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"LiteLLM ended with status {process.returncode} during its start")
    try:
        with Connection(target.port) as connection:
            connection.ask(target.request())
    except OSError:
        return False
    return True
