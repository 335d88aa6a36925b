// Does one thing with OpenAI's library for Node and prints what came as JSON; the assertions are in openai_node.py.
//
//   node client.mjs DIRECTORY ORDER
//
// DIRECTORY has `node_modules`; ORDER is JSON: {"do", "url", "key", "model", "prompt", "members"}.
import { createRequire } from "node:module";

const [directory, given] = process.argv.slice(2);
const order = JSON.parse(given);
const { default: OpenAI } = createRequire(`${directory}/package.json`)("openai");
const client = new OpenAI({ baseURL: `${order.url}/v1`, apiKey: order.key, maxRetries: 0 });
const chat = { model: order.model, messages: [{ role: "user", content: order.prompt }], ...order.members };

const actions = {
  async chat() {
    return (await client.chat.completions.create(chat)).choices[0];
  },
  async chatStream() {
    const choices = [];
    for await (const chunk of await client.chat.completions.create({ ...chat, stream: true })) {
      choices.push(...chunk.choices);
    }
    return choices;
  },
  // The library's own helper puts the pieces together.
  async chatHelper() {
    return (await client.chat.completions.stream(chat).finalChatCompletion()).choices[0];
  },
  async responses() {
    return client.responses.create({ model: order.model, input: order.prompt });
  },
  async responsesStream() {
    const events = [];
    for await (const event of await client.responses.create({ model: order.model, input: order.prompt, stream: true })) {
      events.push(event);
    }
    return events;
  },
  async embeddings() {
    return (await client.embeddings.create({ model: order.model, input: [order.prompt, order.prompt] })).data;
  },
};

try {
  console.log(JSON.stringify(await actions[order.do]()));
} catch (error) {
  if (!(error instanceof OpenAI.APIError)) throw error;
  console.log(JSON.stringify({ error: error.constructor.name, status: error.status, code: error.code }));
}
