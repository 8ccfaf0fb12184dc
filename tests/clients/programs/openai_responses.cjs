// The openai package for Node asks for responses: whole, streamed, in a form, and with a tool.
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
  const hello = { model: "default", input: "say hello" };
  const whole = await sdk.responses.create(hello);
  const streamed = await sdk.responses.stream(hello).finalResponse();
  const formed = await sdk.responses.create({
    ...hello,
    text: { format: { type: "json_schema", name: "form", strict: true, schema: SCHEMA("word") } },
  });

  const tools = [
    { type: "function", name: "look", parameters: SCHEMA("path"), strict: false },
  ];
  const asked = [{ role: "user", content: question }];
  const more = { model: "default", tools, store: false };
  const called = await sdk.responses.stream({ ...more, input: asked }).finalResponse();
  const call = called.output.find((item) => item.type === "function_call");
  const text = fs.readFileSync(JSON.parse(call.arguments).path, "utf8");
  const { parsed_arguments, ...plain } = call;
  const result = { type: "function_call_output", call_id: call.call_id, output: text };
  const last = await sdk.responses.create({ ...more, input: [...asked, plain, result] });
  return {
    plain: whole.output_text,
    streamed: streamed.output_text,
    form: JSON.parse(formed.output_text).word,
    tool: last.output_text,
  };
}

main(...process.argv.slice(2)).then((told) => console.log(JSON.stringify(told)));
