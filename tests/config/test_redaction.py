import subprocess
import sys

import pytest

from agentbox_cli.config.redaction import is_credential, redact_environment, redact_values


def test_the_longest_value_goes_first() -> None:
    assert redact_values("abcdef-0123456", {"abcdef", "abcdef-0123456"}) == "[redacted]"


@pytest.mark.parametrize(
    "name", ["GWDG_API_KEY", "github_token", "SECRET", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY"]
)
def test_the_value_of_a_variable_that_holds_a_key_is_taken_out(name: str) -> None:
    assert redact_environment("it was 0a1b2c3d4e", {name: "0a1b2c3d4e"}) == "it was [redacted]"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSH_KEY", "/home/me/.ssh/id"),
        ("SSH_KEY", "~/.ssh/id"),
        ("OLLAMA_API_KEY", "not-needed"),
        ("API_KEY", "abc"),
        ("KEYBOARD", "german"),
        ("OPENAI_API_KEY_FILE", "keyfile"),
    ],
)
def test_what_is_no_key_stays(name: str, value: str) -> None:
    assert redact_environment(f"see {value}", {name: value}) == f"see {value}"


def test_a_shape_is_taken_out_whatever_the_environment() -> None:
    assert redact_environment("sk-0123456789abcdef", {}) == "[redacted]"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("postgresql+psycopg://me:pw@db/x", "postgresql+psycopg://[redacted]@db/x"),
        ("postgresql://:pw@db/x", "postgresql://[redacted]@db/x"),
        ("postgres://me:a/b:c@db:5432/x", "postgres://[redacted]@db:5432/x"),
        (
            "postgresql://db/x?user=me&password=pw&a=b",
            "postgresql://db/x?user=me&password=[redacted]&a=b",
        ),
        ("postgresql://me@db:5432/x", None),
        ("http://127.0.0.1:4000/v1", None),
        ("from http://127.0.0.1:4000 to me@example.org", None),
        ("?password=${PW}", None),
    ],
)
def test_a_password_in_an_address_is_taken_out(text: str, told: str | None) -> None:
    assert redact_values(text, ()) == (told or text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no 0a1b2c3d4e5f60718293a4b5 here", "no [redacted] here"),
        ("'0a1b2c3d4e5f60718293a4b5'", "'[redacted]'"),
        ("/tmp/0a1b2c3d4e5f60718293a4b5/config.yml", None),
        ("meta-llama-0a1b2c3d4e5f60718293a4b5", None),
        ("0123456789012345678901234567", None),
        ("abcdefghijklmnopqrstuvwxyzabc", None),
    ],
)
def test_a_long_word_of_letters_and_digits_is_taken_out_but_of_paths_and_names(
    text: str, told: str | None
) -> None:
    assert redact_environment(text, {}) == (told or text)


def test_headers_that_carry_a_key_are_told_by_name() -> None:
    assert is_credential("X-Api-Key")
    assert is_credential("Proxy-Authorization")
    assert not is_credential("x-team")


def test_the_module_is_light_to_import() -> None:
    code = "import sys, agentbox_cli.config.redaction; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
