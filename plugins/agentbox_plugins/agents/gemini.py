"""Google's Gemini CLI: it speaks Google's protocol only, so it gets the tools but no model."""

from agentbox_cli.api import AgentSpec, Settings, SettingsFormat, ToolProgram

CONFIG = "${GEMINI_CLI_HOME:-~}/.gemini/settings.json"


def tools(url: str) -> tuple[Settings, ...]:
    values = ((("mcpServers", "agentbox"), {"httpUrl": url}),)
    return (Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),)


def server(program: ToolProgram) -> tuple[Settings, ...]:
    entry = {"command": program.command, "args": list(program.args)}
    values = ((("mcpServers", "agentbox-models"), entry),)
    return (Settings(path=CONFIG, format=SettingsFormat.JSON, values=values),)


AGENT = AgentSpec(
    name="gemini",
    title="Gemini CLI",
    program="gemini",
    install="npm install -g @google/gemini-cli",
    protocol=None,
    tools=tools,
    server=server,
    minimum="0.10.0",
    docs_url="https://geminicli.com/docs",
    note="it speaks Google's protocol only, which the proxy does not serve; "
    "qwen, which was made from it, can use the proxy",
)
