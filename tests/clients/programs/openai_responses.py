"""The openai SDK asks for responses: whole, streamed, in a form, and with a tool."""

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
whole = sdk.responses.create(model="default", input="say hello")
with sdk.responses.stream(model="default", input="say hello") as events:
    streamed = events.until_done().get_final_response()
formed = sdk.responses.parse(model="default", input="say hello", text_format=Form)

schema = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
tools = [{"type": "function", "name": "look", "parameters": schema, "strict": False}]
asked = [{"role": "user", "content": question}]
called = sdk.responses.create(model="default", input=asked, tools=tools, store=False)
call = next(item for item in called.output if item.type == "function_call")
text = Path(json.loads(call.arguments)["path"]).read_text()
result = {"type": "function_call_output", "call_id": call.call_id, "output": text}
last = sdk.responses.create(
    model="default", input=[*asked, *called.output, result], tools=tools, store=False
)
print(
    json.dumps(
        {
            "plain": whole.output_text,
            "streamed": streamed.output_text,
            "form": formed.output_parsed.word,
            "tool": last.output_text,
        }
    )
)
