"""The environment that LiteLLM runs in: nothing of the user's but what a program needs to run.

LiteLLM takes settings, keys and addresses from dozens of variables, so only an allow-list passes:
no provider's key, no HOST, PORT or DATABASE_URL, no proxy (its only outside is loopback).
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import SecretStr

MASTER_KEY_VARIABLE = "AGENTBOX_ENGINE_MASTER_KEY"
EGRESS_SECRET_VARIABLE = "AGENTBOX_ENGINE_EGRESS_SECRET"  # noqa: S105 - the name of one

_PASSED = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "VIRTUAL_ENV",
)

_SWITCHES: Mapping[str, str] = MappingProxyType(
    {
        # Everything else than DEV keeps it from reading a .env file.
        "LITELLM_MODE": "PRODUCTION",
        # The package's own copies instead of downloads at import (measured).
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
        "LITELLM_LOCAL_BLOG_POSTS": "True",
        "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
        "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
        "LITELLM_DONT_SHOW_FEEDBACK_BOX": "true",
        # Otherwise every failed call, an everyday thing here, fills the log with tracebacks that
        # quote prompts; the egress knows the true failure.
        "LITELLM_LOG": "CRITICAL",
        # The SDKs inside it would repeat calls on their own; embeddings did so (measured).
        "DEFAULT_MAX_RETRIES": "0",
        # It would end the stream of a model that says the same a hundred times in a row, such as
        # the lines of a table, and quote the answer in its error (measured).
        "REPEATED_STREAMING_CHUNK_LIMIT": "1000000000",
        "DISABLE_ADMIN_UI": "True",
        "NO_DOCS": "True",
        "NO_REDOC": "True",
        "HF_HUB_OFFLINE": "1",
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
    }
)


def engine_environment(
    environ: Mapping[str, str],
    *,
    home: Path,
    config_file: Path,
    master_key: SecretStr,
    egress_secret: SecretStr,
) -> dict[str, str]:
    """The variables of the LiteLLM process.

    Args:
        environ: ours.
        home: its private directory; what it takes for the user's home.
        config_file: the rendered config.
        master_key: what its callers must show.
        egress_secret: what it must show at the egress.
    """
    passed = {name: environ[name] for name in _PASSED if name in environ}
    return {
        **passed,
        **_SWITCHES,
        "HOME": str(home),
        "CONFIG_FILE_PATH": str(config_file),
        MASTER_KEY_VARIABLE: master_key.get_secret_value(),
        EGRESS_SECRET_VARIABLE: egress_secret.get_secret_value(),
    }
