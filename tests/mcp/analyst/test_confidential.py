"""What no provider is to see."""

import pytest

from agentbox_cli.mcp.analyst.confidential import holds_secrets, without_secrets


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        "deploy/.env.production",
        "prod.env",
        "server.pem",
        "tls/Server.KEY",
        "id_rsa",
        "keys/id_ed25519",
        "id_rsa.old",
        ".ssh/config",
        "a/.aws/config",
        ".git/config",
        "credentials",
        "credentials.json",
        "config/secrets.yaml",
        "secrets.toml",
        ".netrc",
        ".npmrc",
        ".pypirc",
        ".pgpass",
        "terraform.tfstate",
        "terraform.tfstate.backup",
        "my-service-account-3.json",
        "vault.kdbx",
        "store.jks",
    ],
)
def test_files_that_hold_secrets_are_known_by_their_names(name: str) -> None:
    assert holds_secrets(name)


@pytest.mark.parametrize(
    "name",
    [
        ".env.example",
        ".env.sample",
        "id_rsa.pub",
        "credentials.py",
        "secrets.go",
        "environment.md",
        "keys.py",
        "monkey.py",
        "pem.txt",
        "docs/secrets.md",
        ".gitignore",
        ".github/workflows/ci.yml",
    ],
)
def test_others_are_not(name: str) -> None:
    assert not holds_secrets(name)


PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key = 'sk-proj-abcdefgh12345678'", "abcdefgh12345678"),
        ("aws = AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("slack xoxb-1234567890-abcdef", "1234567890-abcdef"),
        (PEM, "MIIEow"),
        (PEM.partition("-----END")[0], "MIIEow"),
        ("Authorization: Bearer abcd1234efgh", "abcd1234efgh"),
        ("postgres://me:hunter22@db/x", "hunter22"),
        ('{"api_key": "q8w7e6r5t4y3u2"}', "q8w7e6r5t4y3u2"),
        ("DB_PASSWORD: 'c0rrect-horse'", "c0rrect-horse"),
        ("t = eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5", "eyJzdWIi"),
        ("it is s3cr3t-of-mine", "s3cr3t-of-mine"),
        ("another is at-hand-0815", "at-hand-0815"),
    ],
)
def test_keys_inside_of_texts_are_taken_out_and_counted(text: str, secret: str) -> None:
    environ = {"MY_API_KEY": "s3cr3t-of-mine"}
    clean, number = without_secrets(text, environ, ["at-hand-0815"])
    assert secret not in clean
    assert "[redacted]" in clean
    assert number == 1


@pytest.mark.parametrize(
    "text",
    [
        "def testAnalyzeReturns404WhenMissing(): pass",
        "sha = 'da39a3ee5e6b4b0d3255bfef95601890afd80709'",
        "api_key = os.environ['OPENAI_API_KEY']",
        "api_key: ${OPENAI_API_KEY}",
        'token = "${TOKEN_123456789}"',
        "password = getpass()",
        "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----",
        "it was [redacted] before",
    ],
)
def test_what_is_no_key_stays(text: str) -> None:
    assert without_secrets(text, {}) == (text, 0)
