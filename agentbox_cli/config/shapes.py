"""The shapes of texts in config.yml: names, model ids, and what is made of them."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.1
HTTP_URL = re.compile(r"https?://[^\s/?#]+[^\s?#]*")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+:-]*")
MODEL_ID = re.compile(r"[!-~]+")
DEPLOYMENT = re.compile(f"{NAME.pattern}/{MODEL_ID.pattern}")
# `usage.database`: a whole path, or the address of a database. SQLAlchemy's words for the drivers.
DATABASE = re.compile(r"(?:sqlite:///)?[/~].*|(?:postgres|postgresql(?:\+psycopg)?)://\S+")
_PASSWORD = re.compile(r"://[^\s/@:]*:[^\s@]+@|[?&](?:ssl)?password=[^\s&]")


def shaped(pattern: re.Pattern[str]) -> dict[str, Any]:
    """What the JSON Schema says of a text that a pattern checks."""
    return {"pattern": f"^(?:{pattern.pattern})$"}


def keys_shaped(pattern: re.Pattern[str]) -> dict[str, Any]:
    """What the JSON Schema says of a section whose keys a pattern checks."""
    return {"propertyNames": shaped(pattern)}


def has_password(address: str) -> bool:
    """Whether a password stands in an address."""
    return _PASSWORD.search(address) is not None


def _header_name(value: str) -> str:
    if not HEADER_NAME.fullmatch(value):
        raise ValueError("a header's name has letters, digits and - only")
    return value


def _http_url(value: str) -> str:
    if not HTTP_URL.fullmatch(value):
        raise ValueError("this is not an http:// or https:// address")
    return value.rstrip("/")


def _named(value: str) -> str:
    # Names travel in HTTP headers and in `provider/model`, so blanks and slashes cannot be part.
    if not NAME.fullmatch(value):
        raise ValueError("use letters, digits and . _ - + @ : only; start with a letter or digit")
    return value


def _model_id(value: str) -> str:
    if not MODEL_ID.fullmatch(value):
        raise ValueError("a model id has no blanks and only ASCII characters")
    return value


def _deployment(value: str) -> str:
    if not DEPLOYMENT.fullmatch(value):
        raise ValueError("write provider/model, such as openai/gpt-4o")
    return value


def _database(value: str) -> str:
    if DATABASE.fullmatch(value):
        return value
    scheme, found, _ = value.partition("://")
    if found and scheme not in {"sqlite", "postgres", "postgresql", "postgresql+psycopg"}:
        raise ValueError("SQLite and Postgres are the databases that usage can be kept in")
    if found and scheme != "sqlite":
        raise ValueError("write postgresql+psycopg://user@host/name")
    # The proxy and the commands have different working directories.
    raise ValueError("write the whole path of the file, from / or ~ on")


HeaderName = Annotated[str, AfterValidator(_header_name)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Name = Annotated[str, AfterValidator(_named)]
ModelId = Annotated[str, AfterValidator(_model_id)]
DeploymentName = Annotated[str, AfterValidator(_deployment)]
DatabaseAddress = Annotated[str, AfterValidator(_database)]
