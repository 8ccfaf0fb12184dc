"""What a program behind the gateway sees of the user's environment: no key, no setting of ours."""

from collections.abc import Mapping

from pydantic import SecretStr

# What programs need to run at all, and to find certificates.
PASSED = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "XDG_CACHE_HOME",
)


def server_environment(environ: Mapping[str, str], own: Mapping[str, SecretStr]) -> dict[str, str]:
    """The variables of a server's process.

    Args:
        environ: ours.
        own: those of its `env`, looked up.
    """
    passed = {name: environ[name] for name in PASSED if name in environ}
    return passed | {name: value.get_secret_value() for name, value in own.items()}
