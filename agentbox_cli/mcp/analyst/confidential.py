"""What no provider is to see: files that hold secrets by their names, and keys in others."""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from agentbox_cli.config.redaction import redact_known, redact_values

_NAMES = (
    ".env",
    ".env.*",
    "*.env",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.gpg",
    "*.ovpn",
    "*.tfstate",
    "*.tfstate.*",
    "*.tfvars",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".htpasswd",
    ".dockercfg",
    ".vault-token",
    "*.secret",
    "*service-account*.json",
    "*service_account*.json",
)
# Such names belong to secrets only where the ending is not that of a program.
_STEMS = ("credentials", "credential", "secrets", "secret")
_ENDINGS = ("", ".json", ".yml", ".yaml", ".toml", ".ini", ".txt", ".xml", ".csv", ".conf", ".cfg")
# Their values are made up.
_EXAMPLES = ("*.example", "*.sample", "*.template", "*.dist", "*.pub")
_FOLDERS = frozenset({".git", ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker"})

_MARK = "[redacted]"
_BLOCK = re.compile(
    r"-----BEGIN (?P<what>[A-Z ]*PRIVATE KEY(?: BLOCK)?)-----.*?(?:-----END (?P=what)-----|\Z)",
    re.DOTALL,
)
_SHAPES = re.compile(
    r"""
      (?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])
    | (?<![A-Za-z0-9])xox[abposr]-[A-Za-z0-9-]{10,}
    | (?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}
    """,
    re.VERBOSE,
)
# A value that is given to something called a key, and has no blank.
_GIVEN = re.compile(
    r"""(?ix)
    (?P<name> [\w.-]* (?:api_?key | access_?key | private_?key | secret | token | passw(?:or)?d)
        ["']? \s* (?: = | : | => | := ) \s* )
    (?P<quote> ["'] ) (?P<value> (?=[^"'\s]*\d) [^"'\s$<{]{10,} ) (?P=quote)
    """
)


def holds_secrets(name: str) -> bool:
    """Whether a file is there to hold secrets, by its path in the workspace."""
    path = PurePosixPath(name.lower())
    if any(part in _FOLDERS for part in path.parts[:-1]) or path.name in _FOLDERS:
        return True
    if any(fnmatchcase(path.name, pattern) for pattern in _EXAMPLES):
        return False
    if path.stem.lstrip(".") in _STEMS and path.suffix in _ENDINGS:
        return True
    return any(fnmatchcase(path.name, pattern) for pattern in _NAMES)


def without_secrets(
    text: str, environ: Mapping[str, str], keys: Iterable[str] = ()
) -> tuple[str, int]:
    """A text without what looks like a key, and how many were taken out.

    Args:
        text: from a file.
        environ: whose keys are known.
        keys: others that are known.
    """
    before = text.count(_MARK)
    text = _BLOCK.sub(_MARK, text)
    text = _SHAPES.sub(_MARK, text)
    text = _GIVEN.sub(rf"\g<name>\g<quote>{_MARK}\g<quote>", text)
    text = redact_values(redact_known(text, environ), keys)
    return text, text.count(_MARK) - before
