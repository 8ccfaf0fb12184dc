"""What LiteLLM may know of the user's environment."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from agentbox_cli.engine.environment import engine_environment

MASTER, EGRESS = SecretStr("sk-master"), SecretStr("egress-secret")


def made_of(environ: dict[str, str]) -> dict[str, str]:
    return engine_environment(
        environ,
        home=Path("/private"),
        config_file=Path("/private/config.yml"),
        master_key=MASTER,
        egress_secret=EGRESS,
    )


def test_what_a_program_needs_passes() -> None:
    needed = {"PATH": "/bin", "LANG": "C.UTF-8", "TMPDIR": "/t", "SSL_CERT_FILE": "/ca.pem"}
    assert needed.items() <= made_of(needed).items()


@pytest.mark.parametrize(
    "name",
    [
        *("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GWDG_API_KEY", "LITELLM_MASTER_KEY"),
        *("HOST", "PORT", "DEBUG", "NUM_WORKERS", "DATABASE_URL", "REDIS_HOST"),
        *("HTTP_PROXY", "https_proxy", "ALL_PROXY", "OPENAI_BASE_URL", "LITELLM_RUST"),
        *("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "LD_PRELOAD"),
        *("LITELLM_LICENSE", "LANGFUSE_SECRET_KEY", "AWS_ACCESS_KEY_ID", "AGENTBOX_CONFIG"),
    ],
)
def test_nothing_that_litellm_would_act_on_passes(name: str) -> None:
    assert name not in made_of({name: "x"})


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_no_variable_of_the_user_changes_a_setting(environ: dict[str, str]) -> None:
    settings = made_of({})
    assert settings.items() <= made_of({**environ, **dict.fromkeys(settings, "x")}).items()


def test_home_and_config_are_the_private_ones() -> None:
    made = made_of({"HOME": "/home/me", "CONFIG_FILE_PATH": "/elsewhere"})
    assert (made["HOME"], made["CONFIG_FILE_PATH"]) == ("/private", "/private/config.yml")


def test_the_two_secrets_have_names_of_their_own() -> None:
    made = made_of({})
    assert {name for name, value in made.items() if value in {"sk-master", "egress-secret"}} == {
        "AGENTBOX_ENGINE_MASTER_KEY",
        "AGENTBOX_ENGINE_EGRESS_SECRET",
    }
