// The openai package for Node asks for chats: whole, streamed, in a form, and with a tool.
const fs = require("node:fs");
const OpenAI = require("openai").default;

const SCHEMA = (name) => ({
  type: "object",
  properties: { [name]: { type: "string" } },
  required: [name],
  additionalProperties: false,
});

async function main(url, question) {
  const sdk = new OpenAI({ baseURL: `${url}/v1`, apiKey: "agentbox", maxRetries: 0 });
  const hello = { model: "default", messages: [{ role: "user", content: "say hello" }] };
  const whole = await sdk.chat.completions.create(hello);
  const streamed = await sdk.chat.completions.stream(hello).finalChatCompletion();
  const formed = await sdk.chat.completions.parse({
    ...hello,
    response_format: {
      type: "json_schema",
      json_schema: { name: "form", strict: true, schema: SCHEMA("word") },
    },
  });

  const tools = [{ type: "function", function: { name: "look", parameters: SCHEMA("path") } }];
  const asked = [{ role: "user", content: question }];
  const stream = sdk.chat.completions.stream({ model: "default", messages: asked, tools });
  const message = (await stream.finalChatCompletion()).choices[0].message;
  const call = message.tool_calls[0];
  const text = fs.readFileSync(JSON.parse(call.function.arguments).path, "utf8");
  const last = await sdk.chat.completions.create({
    model: "default",
    messages: [...asked, message, { role: "tool", tool_call_id: call.id, content: text }],
    tools,
  });
  return {
    plain: whole.choices[0].message.content,
    streamed: streamed.choices[0].message.content,
    form: JSON.parse(formed.choices[0].message.content).word,
    tool: last.choices[0].message.content,
  };
}

main(...process.argv.slice(2)).then((told) => console.log(JSON.stringify(told)));
