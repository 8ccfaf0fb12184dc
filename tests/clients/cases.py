"""Which real clients are run, in which versions, and what each must be able to do."""

from dataclasses import dataclass

ANSWERS = "answers"
TOOL = "tool round"
RATE_LIMIT = "first link 429"
SERVER = "first link 500"
CONTEXT = "prompt too long"
SCENARIOS = (ANSWERS, TOOL, RATE_LIMIT, SERVER, CONTEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client in one version.

    Args:
        package: where it comes from: `npm:NAME` or `pypi:NAME`.
        version: the version that is installed, and that the table in docs/agents.md names.
        endpoint: what it calls.
        alias: what it asks for.
        prompt: the agent's arguments for one question: `{}` in its place, or `{words}`.
        tool: asks it to read `{marker}` with a tool of its own.
        beside: packages that it needs and does not name.
        elsewhere: whether its package gets the program from outside the registry, which may fail.
    """

    name: str
    package: str
    version: str
    endpoint: str
    alias: str
    prompt: tuple[str, ...] = ("{}",)
    tool: str = ""
    beside: tuple[str, ...] = ()
    elsewhere: bool = False


# Versions that run with Node 20; npm does not check it by itself.
AGENTS = (
    Client(
        name="claude",
        package="npm:@anthropic-ai/claude-code",
        version="2.1.197",
        endpoint="/v1/messages",
        alias="claude",
        prompt=("-p", "{}"),
        tool='call the tool Read with {{"file_path": "{marker}"}}',
    ),
    Client(
        name="codex",
        package="npm:@openai/codex",
        version="0.169.0",
        endpoint="/v1/responses",
        alias="default",
        prompt=(
            "exec",
            "--skip-git-repo-check",
            "--dangerously-bypass-approvals-and-sandbox",
            "{}",
        ),
        tool='call the tool exec_command with {{"cmd": "cat {marker}"}}',
    ),
    Client(
        name="opencode",
        package="npm:opencode-ai",
        version="1.18.33",
        endpoint="/v1/chat/completions",
        alias="default",
        prompt=("run", "{words}"),  # it puts quotes around an argument with blanks
        tool='call the tool bash with {{"command":"cat\\u0020{marker}","description":"read"}}',
    ),
    Client(
        name="qwen",
        package="npm:@qwen-code/qwen-code",
        version="0.15.10",
        endpoint="/v1/chat/completions",
        alias="default",
        prompt=("-p", "{}"),
        tool='call the tool read_file with {{"file_path": "{marker}"}}',
    ),
    Client(
        name="llm",
        package="pypi:llm",
        version="0.32",
        endpoint="/v1/chat/completions",
        alias="default",
        prompt=("--functions", "def look(path: str):\n    return open(path).read()", "{}"),
        tool='call the tool look with {{"path": "{marker}"}}',
        beside=("httpx<1",),
    ),
    Client(
        name="gemini",
        package="npm:@google/gemini-cli",
        version="0.61.0",
        endpoint="/v1beta/models/{model}:streamGenerateContent",
        alias="default",
        prompt=("-p", "{}"),
        tool='call the tool read_file with {{"file_path": "{marker}"}}',
    ),
    Client(
        name="aider",
        package="pypi:aider-chat",
        version="0.86.2",
        endpoint="/v1/chat/completions",
        alias="default",
        prompt=("--no-git", "--yes-always", "--no-pretty", "--message", "{}"),
    ),
    Client(
        name="crush",
        package="npm:@charmland/crush",
        version="0.96.1",
        endpoint="/v1/chat/completions",
        alias="default",
        prompt=("run", "{}"),
        tool='call the tool view with {{"file_path": "{marker}"}}',
        elsewhere=True,
    ),
)
LANGCHAIN = Client(
    name="langchain-openai",
    package="pypi:langchain-openai",
    version="1.7.4",
    endpoint="/v1/chat/completions",
    alias="default",
    tool='call the tool look with {{"path": "{marker}"}}',
)
_LOOK = 'call the tool look with {{"path": "{marker}"}}'
_OPENAI = ("openai (Python)", "pypi:openai", "2.54.0")
_ANTHROPIC = ("anthropic (Python)", "pypi:anthropic", "2.12.0")
# The last that runs on Node 20.
_OPENAI_NODE = ("openai (Node)", "npm:openai", "6.49.0")
_ANTHROPIC_NODE = ("@anthropic-ai/sdk (Node)", "npm:@anthropic-ai/sdk", "1.14.0")


def _sdk(
    named: tuple[str, str, str], endpoint: str, alias: str, program: str, tool: str = _LOOK
) -> Client:
    """An SDK that runs a program of tests/clients/programs."""
    name, package, version = named
    return Client(
        name=name,
        package=package,
        version=version,
        endpoint=endpoint,
        alias=alias,
        prompt=(program,),
        tool=tool,
    )


SDKS = (
    _sdk(_OPENAI, "/v1/chat/completions", "default", "openai_chat.py"),
    _sdk(_OPENAI, "/v1/responses", "default", "openai_responses.py"),
    _sdk(_OPENAI, "/v1/embeddings", "vectors", "openai_embeddings.py", tool=""),
    _sdk(_ANTHROPIC, "/v1/messages", "claude", "anthropic_messages.py"),
    _sdk(_OPENAI_NODE, "/v1/chat/completions", "default", "openai_chat.cjs"),
    _sdk(_OPENAI_NODE, "/v1/responses", "default", "openai_responses.cjs"),
    _sdk(_ANTHROPIC_NODE, "/v1/messages", "claude", "anthropic_messages.cjs"),
)
CLIENTS = (*AGENTS, LANGCHAIN, *SDKS)
