"""Google's Gemini CLI: it speaks Google's protocol only, so it gets the tools but no model."""

from agentbox_cli.api import AgentSpec, Settings, SettingsFormat


def tools(url: str) -> tuple[Settings, ...]:
    return (
        Settings(
            path="${GEMINI_CLI_HOME:-~}/.gemini/settings.json",
            format=SettingsFormat.JSON,
            values=((("mcpServers", "agentbox"), {"httpUrl": url}),),
        ),
    )


AGENT = AgentSpec(
    name="gemini",
    title="Gemini CLI",
    program="gemini",
    install="npm install -g @google/gemini-cli",
    protocol=None,
    tools=tools,
    minimum="0.10.0",
    docs_url="https://geminicli.com/docs",
    note="it speaks Google's protocol only, which the proxy does not serve; "
    "qwen, which was made from it, can use the proxy",
)
