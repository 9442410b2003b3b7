// The examples of the proxy that queqiao replaces, verbatim but for the address: whoever used it
// changes nothing but the base URL.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { Gateway, Scripted, gm } from './lib.mjs';

const seen = [];
const upstream = await Scripted.start((req, res, body) => {
  seen.push({ url: req.url, body });
  if (req.url.startsWith('/v1beta/models?') || req.url === '/v1beta/models')
    gm.json(res, { models: [{ name: 'models/gemini-2.5-flash', supportedGenerationMethods: ['generateContent'] }] });
  else gm.answer(req, res, '你好！我是 Gemini...');
});
// Its documentation sets AUTH_TOKEN=Bearer_token and lets clients send `dummy`: with the check off.
const g = await Gateway.start({ upstream, env: { AUTH_TOKEN: '', QUEQIAO_ALLOW_ANONYMOUS: '1' } });
after(async () => {
  await g.stop();
  await upstream.stop();
});

test('the curl call, which sends no token', async () => {
  const { stdout } = await promisify(execFile)('sh', ['-c', `curl -sS -X POST "${g.url}/v1/chat/completions" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "gemini-1.5-flash",
    "messages": [
      {
        "role": "user", 
        "content": "你好，请介绍一下自己"
      }
    ],
    "temperature": 0.7
  }'`]);
  const c = JSON.parse(stdout);
  assert.equal(c.choices[0].message.content, '你好！我是 Gemini...');
  assert.equal(seen.at(-1).body.contents[0].parts[0].text, '你好，请介绍一下自己');
  assert.equal(seen.at(-1).body.generationConfig.temperature, 0.7);
});

test('the documented request and response, with true usage figures', async () => {
  const r = await g.fetch('/v1/chat/completions', { token: null, json: {
    model: 'gemini-2.5-flash', messages: [{ role: 'user', content: '你好，请介绍一下自己' }], temperature: 0.7, max_tokens: 1000,
  } });
  const c = await r.json();
  assert.match(c.id, /^chatcmpl-/);
  assert.equal(c.object, 'chat.completion');
  assert.equal(c.model, 'gemini-2.5-flash');
  assert.equal(c.choices[0].index, 0);
  assert.equal(c.choices[0].message.role, 'assistant');
  assert.equal(c.choices[0].finish_reason, 'stop');
  assert.deepEqual([c.usage.prompt_tokens, c.usage.completion_tokens, c.usage.total_tokens], [7, 5, 12]);
});

test('POST /v1/models', async () => {
  const list = await (await g.fetch('/v1/models', { method: 'POST', token: null })).json();
  assert.equal(list.object, 'list');
  assert.equal(list.data[0].id, 'gemini-2.5-flash');
  assert.equal(list.data[0].object, 'model');
  assert.equal(list.data[0].owned_by, 'google');
  assert.ok(Number.isInteger(list.data[0].created));
});

test('the JavaScript client, whose base URL has no /v1', async () => {
  const openai = new OpenAI({
    apiKey: 'dummy', // Gemini API Key 通过环境变量设置
    baseURL: g.url,
  });
  const completion = await openai.chat.completions.create({
    messages: [{ role: 'user', content: '你好，请介绍一下自己' }],
    model: 'gemini-1.5-flash',
  });
  assert.equal(completion.choices[0].message.content, '你好！我是 Gemini...');
});

test('the Python client, whose base URL has no /v1 either', async () => {
  // What the Python SDK sends for base_url="https://your-fc-domain.com": /chat/completions, and these headers.
  const r = await g.fetch('/chat/completions', {
    token: 'dummy',
    json: { messages: [{ role: 'user', content: '你好，请介绍一下自己' }], model: 'gemini-1.5-flash' },
    headers: {
      accept: 'application/json', 'user-agent': 'OpenAI/Python 2.8.0', 'x-stainless-lang': 'python',
      'x-stainless-package-version': '2.8.0', 'x-stainless-os': 'Linux', 'x-stainless-arch': 'x64',
      'x-stainless-runtime': 'CPython', 'x-stainless-runtime-version': '3.12.3', 'x-stainless-async': 'false',
      'x-stainless-retry-count': '0', 'x-stainless-read-timeout': '600',
    },
  });
  assert.equal((await r.json()).choices[0].message.content, '你好！我是 Gemini...');
});

test('AUTH_TOKEN as the documentation shows it: the client sends what was set', async () => {
  const own = await Gateway.start({ upstream, env: { AUTH_TOKEN: 'Bearer_token' } });
  try {
    assert.equal((await own.fetch('/v1/models', { token: 'Bearer_token' })).status, 200);
    assert.equal((await own.fetch('/v1/models', { token: 'dummy' })).status, 401);
  } finally {
    await own.stop();
  }
});
