// Real clients from npm, each doing what people do with them: text, streams, a tool round trip of
// three turns, a picture, structured output, errors. Upstream is scripted and checks what arrives.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { Output, generateText, stepCountIs, streamText, tool as aiTool } from 'ai';
import OpenAI from 'openai';
import { zodResponseFormat, zodFunction } from 'openai/helpers/zod';
import { z } from 'zod';
import { TOKEN, gm, stage } from './lib.mjs';

const MODEL = 'gemini-3.8-flash';
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const CITY = z.object({ name: z.string(), population: z.number().int(), rivers: z.array(z.string()) });
const OSLO = { name: 'Oslo', population: 709037, rivers: ['Akerselva', 'Alna'] };
const usage = { promptTokenCount: 20, candidatesTokenCount: 8, thoughtsTokenCount: 4, totalTokenCount: 32 };
const PAGE = 'https://pictures.example.com/oslo.png';
const SIGNED = (n) => Buffer.from(`signature of step ${n}`).toString('base64');

// ------------------------------------------------------------------- a Gemini that plays its part

/** The steps of the trip: two calls, one after the other, then the answer. Each step's call is
 *  signed, and must come back signed, with its result, as Gemini 3 demands. */
const CALLS = [
  { id: 'a1b2c3d4', name: 'get_weather', args: { city: 'Oslo' } },
  { id: 'e5f6g7h8', name: 'to_fahrenheit', args: { celsius: 4 } },
];

function checkTrip(contents) {
  const results = contents.filter((c) => c.parts.some((p) => p.functionResponse));
  for (const [n, content] of results.entries()) {
    const before = contents[contents.indexOf(content) - 1];
    assert.equal(before.role, 'model');
    const calls = before.parts.filter((p) => p.functionCall);
    assert.equal(calls.length, 1);
    assert.equal(calls[0].functionCall.name, CALLS[n].name);
    assert.deepEqual(calls[0].functionCall.args, CALLS[n].args);
    assert.equal(calls[0].thoughtSignature, SIGNED(n), 'the signature came back');
    assert.equal(content.role, 'user');
    assert.ok(content.parts.every((p) => p.functionResponse), 'results stand alone in their turn');
    const { name, id, response } = content.parts[0].functionResponse;
    assert.equal(name, CALLS[n].name);
    assert.equal(id, calls[0].functionCall.id, 'call and result have one id');
    assert.equal(typeof response, 'object');
    assert.ok(!Array.isArray(response));
  }
  return results.length;
}

function answerTrip(req, res, body) {
  const n = checkTrip(body.contents);
  const parts = n < CALLS.length
    ? [{ functionCall: CALLS[n], thoughtSignature: SIGNED(n) }]
    : [{ text: 'It is 4 °C, which is 39 °F.' }];
  if (!req.url.includes('alt=sse')) return gm.json(res, gm.chunk(parts, { finish: 'STOP', usage }));
  gm.head(res);
  gm.event(res, gm.chunk(parts, { usage }));
  gm.event(res, gm.chunk('', { finish: 'STOP', usage }));
  return res.end();
}

let lastBody = null;
const s = await stage({
  play(req, res, body) {
    lastBody = body;
    const text = JSON.stringify(body.contents);
    if (text.includes('over quota')) return gm.error(res, 429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota.');
    if (text.includes('bad request')) return gm.error(res, 400, 'INVALID_ARGUMENT', 'Request contains an invalid argument.');
    if (text.includes('no such model')) return gm.error(res, 404, 'NOT_FOUND', 'models/gemini-0 is not found for API version v1beta');
    if (text.includes('break off')) {
      gm.head(res);
      gm.event(res, gm.chunk('one ', { usage }));
      return res.end();
    }
    if (body.generationConfig?.responseMimeType === 'application/json') return gm.answer(req, res, JSON.stringify(OSLO), { usage });
    if (body.tools?.some((t) => t.functionDeclarations?.some((f) => f.name === 'get_weather'))) return answerTrip(req, res, body);
    if (!req.url.includes('alt=sse')) return gm.json(res, gm.chunk('one two three', { finish: 'STOP', usage }));
    gm.head(res);
    for (const word of ['one ', 'two ']) gm.event(res, gm.chunk(word, { usage }));
    gm.event(res, gm.chunk('three', { finish: 'STOP', usage }));
    return res.end();
  },
  env: { GEMINI_API_KEY: Array.from({ length: 20 }, (_, i) => `key-number-${i}-0123456789`).join(',') },
});
after(() => s.close());
const baseURL = `${s.gateway.url}/v1`;

const openai = new OpenAI({ apiKey: TOKEN, baseURL, maxRetries: 0 });
const ai = createOpenAICompatible({ name: 'queqiao', apiKey: TOKEN, baseURL, includeUsage: true, supportsStructuredOutputs: true,
  supportedUrls: () => ({ 'image/*': [/^https:/] }) })(MODEL);
const chain = new ChatOpenAI({ model: MODEL, apiKey: TOKEN, maxRetries: 0, configuration: { baseURL } });

const run = {
  get_weather: ({ city }) => ({ city, celsius: 4 }),
  to_fahrenheit: ({ celsius }) => ({ fahrenheit: Math.round(celsius * 1.8 + 32) }),
};
const SHAPES = {
  get_weather: z.object({ city: z.string() }),
  to_fahrenheit: z.object({ celsius: z.number() }),
};
const ask = 'What is the weather in Oslo, in Fahrenheit?';
const trip = 'It is 4 °C, which is 39 °F.';

const saw = (mimeType) => lastBody.contents[0].parts.find((p) => (p.inlineData ?? p.fileData)?.mimeType === mimeType);

// -------------------------------------------------------------------------------------- openai

test('openai: text, system prompt, usage', async () => {
  const c = await openai.chat.completions.create({
    model: MODEL, messages: [{ role: 'system', content: 'Count.' }, { role: 'user', content: 'to three' }],
  });
  assert.equal(c.choices[0].message.content, 'one two three');
  assert.equal(c.usage.completion_tokens, 12);
  assert.equal(c.usage.completion_tokens_details.reasoning_tokens, 4);
  assert.deepEqual(lastBody.systemInstruction.parts, [{ text: 'Count.' }]);
});

test('openai: a stream', async () => {
  const stream = await openai.chat.completions.create({
    model: MODEL, messages: [{ role: 'user', content: 'to three' }], stream: true, stream_options: { include_usage: true },
  });
  const words = [];
  let seen = null;
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) words.push(chunk.choices[0].delta.content);
    seen = chunk.usage ?? seen;
  }
  assert.deepEqual(words, ['one ', 'two ', 'three']);
  assert.equal(seen.completion_tokens, 12);
});

test('openai: a tool trip of three turns with runTools, whole and streamed', async () => {
  for (const stream of [false, true]) {
    const seen = [];
    const runner = openai.chat.completions.runTools({
      model: MODEL, stream, messages: [{ role: 'user', content: ask }],
      tools: Object.keys(run).map((name) => zodFunction({
        name, parameters: SHAPES[name],
        function: (args) => {
          seen.push([name, args]);
          return JSON.stringify(run[name](args));
        },
      })),
    });
    assert.equal(await runner.finalContent(), trip);
    assert.deepEqual(seen, [['get_weather', { city: 'Oslo' }], ['to_fahrenheit', { celsius: 4 }]]);
  }
});

test('openai: the call as it stands in the answer', async () => {
  const c = await openai.chat.completions.create({
    model: MODEL, messages: [{ role: 'user', content: ask }],
    tools: [zodFunction({ name: 'get_weather', parameters: SHAPES.get_weather })],
  });
  assert.equal(c.choices[0].finish_reason, 'tool_calls');
  assert.equal(c.choices[0].message.content, null);
  const [call] = c.choices[0].message.tool_calls;
  assert.match(call.id, /^[A-Za-z0-9_-]{1,40}$/);
  assert.equal(call.type, 'function');
  assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Oslo' });
  assert.equal(call.extra_content.google.thought_signature, SIGNED(0));
});

test('openai: a picture', async () => {
  await openai.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: [
    { type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}`, detail: 'auto' } }] }] });
  const image = lastBody.contents[0].parts.find((p) => p.inlineData);
  assert.deepEqual(image.inlineData, { mimeType: 'image/png', data: PNG });
});

test('openai: a picture by its address', async () => {
  await openai.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: [
    { type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: PAGE } }] }] });
  assert.deepEqual(saw('image/png').fileData, { mimeType: 'image/png', fileUri: PAGE });
});

test('openai: structured output with parse', async () => {
  const c = await openai.chat.completions.parse({
    model: MODEL, messages: [{ role: 'user', content: 'Oslo' }], response_format: zodResponseFormat(CITY, 'city'),
  });
  assert.deepEqual(c.choices[0].message.parsed, OSLO);
  const schema = lastBody.generationConfig.responseJsonSchema ?? lastBody.generationConfig.responseSchema;
  assert.deepEqual(Object.keys(schema.properties), ['name', 'population', 'rivers']);
});

test('openai: structured output, parsed at the end of a stream', async () => {
  const stream = openai.chat.completions.stream({
    model: MODEL, messages: [{ role: 'user', content: 'Oslo' }], response_format: zodResponseFormat(CITY, 'city'),
  });
  assert.deepEqual((await stream.finalChatCompletion()).choices[0].message.parsed, OSLO);
});

test('openai: errors by their classes, before a stream too', async () => {
  for (const stream of [false, true]) {
    const say = (content) => openai.chat.completions.create({ model: MODEL, stream, messages: [{ role: 'user', content }] });
    await assert.rejects(say('bad request'), OpenAI.BadRequestError);
    await assert.rejects(say('no such model'), OpenAI.NotFoundError);
    await assert.rejects(say('over quota'), OpenAI.RateLimitError);
  }
});

test('openai: an answer that breaks off is an error in its stream', async () => {
  const stream = await openai.chat.completions.create({ model: MODEL, stream: true, messages: [{ role: 'user', content: 'break off' }] });
  let text = '';
  await assert.rejects(async () => {
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  }, OpenAI.APIError);
  assert.equal(text, 'one ');
});

// ------------------------------------------------------------------------------- ai (Vercel AI SDK)

test('ai: text and usage', async () => {
  const r = await generateText({ model: ai, system: 'Count.', prompt: 'to three', maxRetries: 0 });
  assert.equal(r.text, 'one two three');
  assert.equal(r.finishReason, 'stop');
  assert.equal(r.usage.inputTokens, 20);
  assert.equal(r.usage.outputTokens, 12);
});

test('ai: a stream', async () => {
  const r = streamText({ model: ai, prompt: 'to three', maxRetries: 0 });
  const words = [];
  for await (const word of r.textStream) words.push(word);
  assert.deepEqual(words, ['one ', 'two ', 'three']);
  assert.equal((await r.usage).outputTokens, 12);
});

const aiTools = Object.fromEntries(Object.keys(run).map((name) => [name, aiTool({
  description: name, inputSchema: SHAPES[name], execute: async (args) => run[name](args),
})]));

test('ai: a tool trip of three turns', async () => {
  const r = await generateText({ model: ai, prompt: ask, tools: aiTools, stopWhen: stepCountIs(5), maxRetries: 0 });
  assert.equal(r.text, trip);
  assert.equal(r.steps.length, 3);
  assert.deepEqual(r.steps.map((x) => x.finishReason), ['tool-calls', 'tool-calls', 'stop']);
});

test('ai: the same trip, streamed', async () => {
  const r = streamText({ model: ai, prompt: ask, tools: aiTools, stopWhen: stepCountIs(5), maxRetries: 0 });
  let text = '';
  for await (const word of r.textStream) text += word;
  assert.equal(text, trip);
  assert.equal((await r.steps).length, 3);
});

test('ai: a picture', async () => {
  await generateText({ model: ai, maxRetries: 0, messages: [{ role: 'user', content: [
    { type: 'text', text: 'What is this?' }, { type: 'image', image: Buffer.from(PNG, 'base64'), mediaType: 'image/png' }] }] });
  const image = lastBody.contents[0].parts.find((p) => p.inlineData);
  assert.equal(image.inlineData.data, PNG);
});

test('ai: a picture by its address', async () => {
  await generateText({ model: ai, maxRetries: 0, messages: [{ role: 'user', content: [
    { type: 'text', text: 'What is this?' }, { type: 'image', image: new URL(PAGE), mediaType: 'image/png' }] }] });
  assert.deepEqual(saw('image/png').fileData, { mimeType: 'image/png', fileUri: PAGE });
});

test('ai: structured output', async () => {
  const r = await generateText({ model: ai, prompt: 'Oslo', output: Output.object({ schema: CITY }), maxRetries: 0 });
  assert.deepEqual(r.output, OSLO);
});

test('ai: structured output, streamed', async () => {
  const r = streamText({ model: ai, prompt: 'Oslo', output: Output.object({ schema: CITY }), maxRetries: 0 });
  assert.deepEqual(await r.output, OSLO);
});

test('ai: an answer that breaks off is an error in its stream', async () => {
  const r = streamText({ model: ai, prompt: 'break off', maxRetries: 0, onError: () => {} });
  const parts = [];
  for await (const part of r.fullStream) parts.push(part);
  assert.equal(parts.filter((p) => p.type === 'text-delta').map((p) => p.text).join(''), 'one ');
  assert.ok(parts.some((p) => p.type === 'error'));
  assert.ok(!parts.some((p) => p.type === 'finish' && p.finishReason === 'stop'));
});

test('ai: errors with their status', async () => {
  await assert.rejects(generateText({ model: ai, prompt: 'no such model', maxRetries: 0 }), (e) => e.statusCode === 404);
  await assert.rejects(generateText({ model: ai, prompt: 'bad request', maxRetries: 0 }), (e) => e.statusCode === 400);
  await assert.rejects(generateText({ model: ai, prompt: 'over quota', maxRetries: 0 }), (e) => e.statusCode === 429 && e.isRetryable);
});

// ------------------------------------------------------------------------------------- langchain

test('langchain: text and usage', async () => {
  const r = await chain.invoke([new SystemMessage('Count.'), new HumanMessage('to three')]);
  assert.equal(r.content, 'one two three');
  assert.equal(r.usage_metadata.input_tokens, 20);
  assert.equal(r.usage_metadata.output_tokens, 12);
});

test('langchain: a stream', async () => {
  let text = '';
  let usageSeen = null;
  for await (const chunk of await chain.stream('to three')) {
    text += chunk.content;
    usageSeen = chunk.usage_metadata ?? usageSeen;
  }
  assert.equal(text, 'one two three');
  assert.equal(usageSeen.output_tokens, 12);
});

const chainTools = Object.keys(run).map((name) => langchainTool(async (args) => JSON.stringify(run[name](args)), {
  name, description: name, schema: SHAPES[name],
}));

for (const streamed of [false, true]) {
  test(`langchain: a tool trip of three turns${streamed ? ', streamed' : ''}`, async () => {
    const bound = chain.bindTools(chainTools);
    const messages = [new HumanMessage(ask)];
    for (let turn = 0; ; turn++) {
      assert.ok(turn < 5);
      let reply = null;
      if (streamed) {
        for await (const chunk of await bound.stream(messages)) reply = reply === null ? chunk : reply.concat(chunk);
      } else {
        reply = await bound.invoke(messages);
      }
      messages.push(reply);
      if (!reply.tool_calls?.length) {
        assert.equal(reply.content, trip);
        assert.equal(turn, 2);
        break;
      }
      for (const call of reply.tool_calls) {
        const content = await chainTools.find((t) => t.name === call.name).invoke(call.args);
        messages.push(new ToolMessage({ content, tool_call_id: call.id }));
      }
    }
  });
}

test('langchain: a picture', async () => {
  await chain.invoke([new HumanMessage({ content: [
    { type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }] })]);
  assert.equal(lastBody.contents[0].parts.find((p) => p.inlineData).inlineData.data, PNG);
});

test('langchain: a picture by its address', async () => {
  await chain.invoke([new HumanMessage({ content: [
    { type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: PAGE } }] })]);
  assert.deepEqual(saw('image/png').fileData, { mimeType: 'image/png', fileUri: PAGE });
});

test('langchain: structured output', async () => {
  const r = await chain.withStructuredOutput(CITY, { name: 'city', method: 'jsonSchema' }).invoke('Oslo');
  assert.deepEqual(r, OSLO);
});

test('langchain: errors with their status', async () => {
  await assert.rejects(chain.invoke('bad request'), (e) => e.status === 400);
  await assert.rejects(chain.invoke('no such model'), (e) => e.status === 404);
  await assert.rejects(chain.invoke('over quota'), (e) => e.status === 429);
});

test('langchain: an answer that breaks off is an error in its stream', async () => {
  let text = '';
  await assert.rejects(async () => {
    for await (const chunk of await chain.stream('break off')) text += chunk.content;
  });
  assert.equal(text, 'one ');
});

test('the process is well after all of this', async () => assert.ok(await s.gateway.well()));
