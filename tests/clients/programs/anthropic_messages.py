"""The anthropic SDK asks for messages: whole, streamed, in a form, with a tool; and counts."""

import json
import sys
from pathlib import Path

from anthropic import Anthropic
from pydantic import BaseModel


class Form(BaseModel):
    """What is asked for."""

    word: str


url, question, marker = sys.argv[1:]
sdk = Anthropic(base_url=url, api_key="agentbox", max_retries=0)
hello = [{"role": "user", "content": "say hello"}]
whole = sdk.messages.create(model="claude", max_tokens=99, messages=hello)
with sdk.messages.stream(model="claude", max_tokens=99, messages=hello) as events:
    streamed = events.get_final_message()
formed = sdk.messages.parse(model="claude", max_tokens=99, messages=hello, output_format=Form)
counted = sdk.messages.count_tokens(model="claude", messages=hello)

schema = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
tools = [{"name": "look", "input_schema": schema}]
asked = [{"role": "user", "content": question}]
called = sdk.messages.create(model="claude", max_tokens=99, messages=asked, tools=tools)
use = called.content[0]
result = {
    "type": "tool_result",
    "tool_use_id": use.id,
    "content": Path(use.input["path"]).read_text(),
}
went_on = [
    *asked,
    {"role": "assistant", "content": called.content},
    {"role": "user", "content": [result]},
]
last = sdk.messages.create(model="claude", max_tokens=99, messages=went_on, tools=tools)
print(
    json.dumps(
        {
            "plain": whole.content[0].text,
            "streamed": streamed.content[0].text,
            "form": formed.parsed_output.word,
            "counted": counted.input_tokens,
            "tool": last.content[0].text,
        }
    )
)
