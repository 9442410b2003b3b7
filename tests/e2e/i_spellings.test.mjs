// Every base URL that users come up with leads to the same place.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import OpenAI from 'openai';
import { Gateway, Scripted, TOKEN, gm, hello } from './lib.mjs';

const upstream = await Scripted.start((req, res) => {
  if (/^\/v1beta\/models($|\?)/.test(req.url))
    gm.json(res, { models: [{ name: 'models/gemini-3.8-flash', supportedGenerationMethods: ['generateContent'] }] });
  else gm.answer(req, res, 'hi');
});
const g = await Gateway.start({ upstream });
after(async () => {
  await g.stop();
  await upstream.stop();
});

const PREFIXES = ['', '/v1', '/v1/v1', '/v1beta', '/v1beta/openai', '/v1/v1beta/openai', '/openai', '/openai/v1', '/api/v1', '//v1', '/v1/'];

for (const prefix of PREFIXES) {
  test(`base URL ending in "${prefix}"`, async () => {
    for (const slash of ['', '/']) {
      const chat = await g.fetch(`${prefix}/chat/completions${slash}`, { json: { model: 'gemini-3.8-flash', messages: hello } });
      assert.equal(chat.status, 200, `${chat.url}: ${await chat.clone().text()}`);
      assert.equal((await chat.json()).choices[0].message.content, 'hi');
      for (const method of ['GET', 'POST']) {
        const list = await g.fetch(`${prefix}/models${slash}`, { method });
        assert.equal(list.status, 200, list.url);
        assert.equal((await list.json()).data[0].id, 'gemini-3.8-flash');
      }
      const one = await g.fetch(`${prefix}/models/gemini-3.8-flash${slash}`);
      assert.equal(one.status, 200, one.url);
      assert.equal((await one.json()).object, 'model');
    }
  });
  test(`the SDK with base URL ending in "${prefix}", with and without a slash`, async () => {
    for (const slash of ['', '/']) {
      const client = new OpenAI({ apiKey: TOKEN, baseURL: `${g.url}${prefix}${slash}`, maxRetries: 0 });
      const c = await client.chat.completions.create({ model: 'gemini-3.8-flash', messages: hello });
      assert.equal(c.choices[0].message.content, 'hi');
      assert.equal((await client.models.list()).data[0].id, 'gemini-3.8-flash');
    }
  });
}

test('the whole endpoint pasted as base URL', async () => {
  const client = new OpenAI({ apiKey: TOKEN, baseURL: `${g.url}/v1/chat/completions`, maxRetries: 0 });
  const c = await client.chat.completions.create({ model: 'gemini-3.8-flash', messages: hello });
  assert.equal(c.choices[0].message.content, 'hi');
});

test('a query does not change the endpoint', async () => {
  assert.equal((await g.fetch('/v1/chat/completions?api-version=2024-10-21', { json: { model: 'gemini-3.8-flash', messages: hello } })).status, 200);
  assert.equal((await g.fetch('/v1/models?limit=100')).status, 200);
  for (const seen of upstream.seen) assert.ok(!seen.url.includes('api-version'), 'no client query goes upstream');
});

test('health has its spellings, too', async () => {
  for (const target of ['/', '/health', '/health/', '/v1/health', '/v1', '/v1/'])
    assert.equal((await g.fetch(target, { token: null })).status, 200, target);
});

test('what is no endpoint stays none', async () => {
  for (const target of ['/v1/chat', '/v1/chat/completion', '/chatcompletions', '/v1/models/a/b/c/d'])
    assert.equal((await g.fetch(target, { json: {} })).status >= 400, true, target);
});
