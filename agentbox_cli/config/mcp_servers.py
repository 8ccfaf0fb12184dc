"""The section `mcp_servers:`: the MCP servers that the gateway at `/mcp` brings together."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from agentbox_cli.config.section import Section
from agentbox_cli.config.shapes import (
    HEADER_NAME,
    HeaderName,
    Seconds,
    keys_shaped,
    shaped,
)

# The name stands before each tool's, and models take tool names of these characters only.
SERVER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
# A query may belong to it, and a slash at its end may matter.
ENDPOINT = re.compile(r"https?://[^\s/?#]+[^\s#]*")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_USER_INFO = re.compile(r"https?://[^/?#]*@")
_OF_A_COMMAND = ("args", "env", "cwd")
_OF_AN_ADDRESS = ("headers", "transport")


def _server_name(value: str) -> str:
    if not SERVER_NAME.fullmatch(value):
        raise ValueError("use up to 32 letters, digits, _ and -; start with a letter or digit")
    return value


def _variable(value: str) -> str:
    if not VARIABLE.fullmatch(value):
        raise ValueError("a variable's name has letters, digits and _ only")
    return value


def _program(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise ValueError("this is no program's name or path")
    return value


def _argument(value: str) -> str:
    if "\0" in value:
        raise ValueError("an argument cannot have a NUL character")
    return value


def _glob(value: str) -> str:
    if not value:
        raise ValueError("an empty pattern fits no tool")
    return value


def _endpoint(value: str) -> str:
    if not ENDPOINT.fullmatch(value):
        raise ValueError("this is not an http:// or https:// address")
    if _USER_INFO.match(value):
        raise ValueError("user and password do not belong into an address; use headers")
    return value


ServerName = Annotated[str, AfterValidator(_server_name)]
Variable = Annotated[str, AfterValidator(_variable)]
Program = Annotated[str, AfterValidator(_program)]
Argument = Annotated[str, AfterValidator(_argument)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
Glob = Annotated[str, AfterValidator(_glob)]
OutputBytes = Annotated[int, Field(ge=1_000, le=100_000_000)]


class McpServerConfig(Section):
    """One entry of `litellm.mcp_servers`: a program that is started, or an address."""

    command: Program | None = Field(
        None,
        description="The program that is started and spoken to over stdio.",
        examples=["npx", "/usr/local/bin/my-server"],
    )
    args: tuple[Argument, ...] = Field(
        (),
        strict=False,
        description="The program's arguments.",
        examples=[["-y", "@modelcontextprotocol/server-filesystem", "/srv/docs"]],
    )
    env: dict[Variable, SecretStr] = Field(
        default_factory=dict,
        description="Variables for the program, beside PATH, HOME and the like; `${NAME}` works.",
        examples=[{"GITHUB_TOKEN": "${GITHUB_TOKEN}"}],
        json_schema_extra=keys_shaped(VARIABLE),
    )
    cwd: str | None = Field(
        None,
        description="The program's working directory; the home directory by default.",
        examples=["/srv/docs"],
    )
    url: Endpoint | None = Field(
        None,
        description="The address of a server that runs already.",
        examples=["https://mcp.example.org/mcp"],
        json_schema_extra=shaped(ENDPOINT),
    )
    transport: Literal["http", "sse"] | None = Field(
        None,
        description="How the address is spoken to: streamable HTTP, the default, or the old SSE.",
    )
    headers: dict[HeaderName, SecretStr] = Field(
        default_factory=dict,
        description="Headers for the address; `${NAME}` works.",
        examples=[{"Authorization": "Bearer ${DOCS_TOKEN}"}],
        json_schema_extra=keys_shaped(HEADER_NAME),
    )
    enabled: bool = Field(default=True, description="Whether the gateway uses it.")
    allow: tuple[Glob, ...] = Field(
        (),
        strict=False,
        description="Globs of the tools that may be used; all by default.",
        examples=[["read_*", "search"]],
    )
    deny: tuple[Glob, ...] = Field(
        (),
        strict=False,
        description="Globs of tools that may not be used, whatever `allow` says.",
        examples=[["delete_*"]],
    )
    timeout: Seconds = Field(60.0, description="Seconds that a call may take.")
    connect_timeout: Seconds = Field(
        30.0, description="Seconds that it may take to start and to tell its tools."
    )
    max_output_bytes: OutputBytes = Field(
        1_000_000, description="Bytes of a tool's answer; more is cut off, and said so."
    )

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("a server has either a `command` or a `url`")
        kind, others = ("url", _OF_A_COMMAND) if self.url else ("command", _OF_AN_ADDRESS)
        for name in others:
            if getattr(self, name):
                raise ValueError(f"`{name}` has no meaning for a server with a `{kind}`")
        return self
