// The anthropic package for Node asks for messages: whole, streamed, in a form, with a tool; and
// counts.
const fs = require("node:fs");
const Anthropic = require("@anthropic-ai/sdk").default;

const SCHEMA = (name) => ({
  type: "object",
  properties: { [name]: { type: "string" } },
  required: [name],
  additionalProperties: false,
});

async function main(url, question) {
  const sdk = new Anthropic({ baseURL: url, apiKey: "agentbox", maxRetries: 0 });
  const messages = [{ role: "user", content: "say hello" }];
  const hello = { model: "claude", max_tokens: 99, messages };
  const whole = await sdk.messages.create(hello);
  const streamed = await sdk.messages.stream(hello).finalMessage();
  const formed = await sdk.messages.create({
    ...hello,
    output_config: { format: { type: "json_schema", schema: SCHEMA("word") } },
  });
  const counted = await sdk.messages.countTokens({ model: "claude", messages });

  const tools = [{ name: "look", input_schema: SCHEMA("path") }];
  const asked = [{ role: "user", content: question }];
  const more = { model: "claude", max_tokens: 99, tools };
  const called = await sdk.messages.stream({ ...more, messages: asked }).finalMessage();
  const use = called.content[0];
  const text = fs.readFileSync(use.input.path, "utf8");
  const result = { type: "tool_result", tool_use_id: use.id, content: text };
  const went_on = [
    ...asked,
    { role: "assistant", content: called.content },
    { role: "user", content: [result] },
  ];
  const last = await sdk.messages.create({ ...more, messages: went_on });
  return {
    plain: whole.content[0].text,
    streamed: streamed.content[0].text,
    form: JSON.parse(formed.content[0].text).word,
    counted: counted.input_tokens,
    tool: last.content[0].text,
  };
}

main(...process.argv.slice(2)).then((told) => console.log(JSON.stringify(told)));
