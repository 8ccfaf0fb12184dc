"""The openai SDK asks for chats: whole, streamed, in a form, and with a tool."""

import json
import sys
from pathlib import Path

from openai import OpenAI
from pydantic import BaseModel


class Form(BaseModel):
    """What is asked for."""

    word: str


url, question, marker = sys.argv[1:]
sdk = OpenAI(base_url=f"{url}/v1", api_key="agentbox", max_retries=0)
hello = [{"role": "user", "content": "say hello"}]
whole = sdk.chat.completions.create(model="default", messages=hello)
with sdk.chat.completions.stream(model="default", messages=hello) as events:
    streamed = events.until_done().get_final_completion()
formed = sdk.chat.completions.parse(model="default", messages=hello, response_format=Form)

schema = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
tools = [{"type": "function", "function": {"name": "look", "parameters": schema}}]
asked = [{"role": "user", "content": question}]
called = sdk.chat.completions.create(model="default", messages=asked, tools=tools)
message = called.choices[0].message
path = json.loads(message.tool_calls[0].function.arguments)["path"]
result = {
    "role": "tool",
    "tool_call_id": message.tool_calls[0].id,
    "content": Path(path).read_text(),
}
last = sdk.chat.completions.create(
    model="default", messages=[*asked, message, result], tools=tools
)
print(
    json.dumps(
        {
            "plain": whole.choices[0].message.content,
            "streamed": streamed.choices[0].message.content,
            "form": formed.choices[0].message.parsed.word,
            "tool": last.choices[0].message.content,
        }
    )
)
