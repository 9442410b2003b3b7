// The main job, seen by a client that knows nothing but HTTP.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Gateway, KEY, Raw, SLOW, Scripted, gather, gm, haveEmulator, hello, request, stage, until } from './lib.mjs';

const s = haveEmulator ? null : await stage();
after(() => s?.close());
const opts = { skip: haveEmulator };

test('PRC-8: GET /health and / tell status, version, uptime and the number of keys, and no secret', opts, async () => {
  for (const target of ['/health', '/']) {
    const r = await s.gateway.fetch(target, { token: null });
    assert.equal(r.status, 200);
    assert.match(r.headers.get('content-type'), /^application\/json/);
    const text = await r.text();
    const health = JSON.parse(text);
    assert.equal(health.status, 'ok');
    assert.match(health.version, /^\d+\.\d+\.\d+/);
    assert.equal(health.keys, 1);
    assert.ok(Number.isInteger(health.uptime_s) && health.uptime_s >= 0);
    assert.ok(!text.includes(KEY));
  }
});

test('a whole answer has every member that typed clients expect', opts, async () => {
  const before = Math.floor(Date.now() / 1000) - 1;
  const r = await s.gateway.chat({ messages: hello });
  assert.equal(r.status, 200);
  assert.match(r.headers.get('content-type'), /^application\/json/);
  assert.ok(r.headers.get('x-request-id'));
  const c = await r.json();
  assert.match(c.id, /^chatcmpl-/);
  assert.equal(c.object, 'chat.completion');
  assert.ok(c.created >= before && c.created <= Date.now() / 1000 + 1);
  assert.equal(c.choices.length, 1);
  const [choice] = c.choices;
  assert.equal(choice.index, 0);
  assert.equal(choice.finish_reason, 'stop');
  assert.equal(choice.logprobs, null);
  assert.equal(choice.message.role, 'assistant');
  assert.equal(choice.message.refusal, null);
  assert.ok(choice.message.content.length > 0);
  const u = c.usage;
  assert.ok(u.prompt_tokens > 0 && u.completion_tokens > 0);
  assert.equal(u.total_tokens, u.prompt_tokens + u.completion_tokens);
});

test('the model of the answer is the model that was asked for', opts, async () => {
  const c = await (await s.gateway.chat({ model: 'models/gemini-2.5-flash', messages: hello })).json();
  assert.match(c.model, /^(models\/)?gemini-2\.5-flash$/);
});

test('a stream is made of chunks, one finish reason and [DONE]', opts, async () => {
  const r = await s.gateway.chat({ messages: hello, stream: true });
  assert.equal(r.status, 200);
  assert.match(r.headers.get('content-type'), /^text\/event-stream/);
  assert.match(r.headers.get('cache-control'), /no-cache.*no-store/); // WEB-5
  assert.equal(r.headers.get('x-accel-buffering'), 'no');
  assert.equal(r.headers.get('content-length'), null);
  const { chunks, done, text } = await gather(r);
  assert.ok(done);
  assert.ok(text.length > 0);
  assert.deepEqual(chunks[0].choices[0].delta.role, 'assistant');
  assert.equal(chunks.filter((c) => c.choices[0].finish_reason !== null).length, 1);
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
  assert.deepEqual(chunks.at(-1).choices[0].delta, {});
  assert.equal(new Set(chunks.map((c) => c.id)).size, 1);
  assert.equal(new Set(chunks.map((c) => c.created)).size, 1);
  for (const c of chunks) {
    assert.equal(c.object, 'chat.completion.chunk');
    assert.ok(!('usage' in c), 'usage was not asked for');
  }
});

test('include_usage: null on every chunk, then one chunk of true figures without choices', opts, async () => {
  const { chunks, done } = await gather(
    await s.gateway.chat({ messages: hello, stream: true, stream_options: { include_usage: true } }));
  assert.ok(done);
  const last = chunks.pop();
  assert.deepEqual(last.choices, []);
  assert.ok(last.usage.prompt_tokens > 0 && last.usage.completion_tokens > 0);
  assert.equal(last.usage.total_tokens, last.usage.prompt_tokens + last.usage.completion_tokens);
  for (const c of chunks) assert.equal(c.usage, null);
});

test('whole and streamed answers say the same', opts, async () => {
  const ask = { messages: [{ role: 'user', content: 'Say the same thing twice.' }], seed: 7 };
  const whole = await (await s.gateway.chat(ask)).json();
  const { text } = await gather(await s.gateway.chat({ ...ask, stream: true }));
  assert.equal(text, whole.choices[0].message.content);
});

test('the models list, by GET and by POST, and one model of it', opts, async () => {
  for (const method of ['GET', 'POST']) {
    const r = await s.gateway.fetch('/v1/models', { method });
    assert.equal(r.status, 200);
    const list = await r.json();
    assert.equal(list.object, 'list');
    assert.ok(list.data.length > 0);
    for (const m of list.data) {
      assert.equal(m.object, 'model');
      assert.ok(!m.id.startsWith('models/'));
      assert.ok(Number.isInteger(m.created));
      assert.equal(typeof m.owned_by, 'string');
    }
    assert.equal(new Set(list.data.map((m) => m.id)).size, list.data.length, 'no model twice');
    for (const id of [list.data[0].id, `models/${list.data[0].id}`, `models%2F${list.data[0].id}`]) {
      const one = await s.gateway.fetch(`/v1/models/${id}`);
      assert.equal(one.status, 200);
      assert.equal((await one.json()).id, list.data[0].id);
    }
  }
  const none = await s.gateway.fetch('/v1/models/no-such-model');
  assert.equal(none.status, 404);
  const { error } = await none.json();
  assert.equal(error.code, 'model_not_found');
  assert.equal(error.param, 'model');
});

test('HEAD is GET without the body', opts, async () => {
  const raw = await Raw.open(s.gateway.port);
  raw.write(request('HEAD', '/v1/models'));
  const head = await raw.response({ bodiless: true });
  assert.equal(head.status, 200);
  raw.write(request('GET', '/health', { token: null })); // framing is intact: the next answer is read
  assert.equal((await raw.response()).status, 200);
  raw.leave();
});

test('curl, whole and streamed', opts, async () => {
  const { execFile } = await import('node:child_process');
  const { promisify } = await import('node:util');
  const curl = (body) => promisify(execFile)('curl', ['-sS', '--fail-with-body', '--max-time', '60', '-N',
    `${s.gateway.url}/v1/chat/completions`, '-H', 'Content-Type: application/json',
    '-H', 'Authorization: Bearer test-token-0123456789', '-d', JSON.stringify(body)]);
  const whole = JSON.parse((await curl({ model: 'gemini-3.8-flash', messages: hello })).stdout);
  assert.equal(whole.choices[0].finish_reason, 'stop');
  const { stdout } = await curl({ model: 'gemini-3.8-flash', messages: hello, stream: true });
  assert.ok(stdout.endsWith('data: [DONE]\n\n'));
});

test('all of the models list is fetched, page by page, and asked for once', async () => {
  const page = (n) => ({ name: `models/gemini-page-${n}`, supportedGenerationMethods: ['generateContent'] });
  const own = await stage({
    play(req, res) {
      const token = new URL(req.url, 'http://x').searchParams.get('pageToken');
      const n = token === null ? 0 : Number(token.slice(1));
      gm.json(res, { models: [page(2 * n), page(2 * n + 1)], ...(n < 2 && { nextPageToken: `p${n + 1}` }) });
    },
    env: { QUEQIAO_WORKERS: '1' }, // each worker keeps a list of its own
  });
  try {
    for (let i = 0; i < 3; i++) {
      const list = await (await own.gateway.fetch('/v1/models')).json();
      assert.deepEqual(list.data.map((m) => m.id), [0, 1, 2, 3, 4, 5].map((n) => `gemini-page-${n}`));
    }
    assert.equal(own.upstream.seen.length, 3);
    for (const seen of own.upstream.seen) {
      assert.equal(seen.headers['x-goog-api-key'], KEY);
      assert.ok(!seen.url.includes(KEY));
    }
  } finally {
    await own.close();
  }
});

const builtIn = async (gateway) => {
  const r = await gateway.fetch('/v1/models');
  assert.equal(r.status, 200);
  assert.ok((await r.json()).data.some((m) => m.id.startsWith('gemini-')));
};

test('the models list stands in with the built-in one when upstream cannot give it', async () => {
  const own = await stage({ play: (req, res) => gm.error(res, 503, 'UNAVAILABLE', 'The model is overloaded.') });
  try {
    await builtIn(own.gateway);
  } finally {
    await own.close();
  }
});

// Neither is silent for long enough to be given up for that.
for (const [name, env, bytes] of [
  ['that does not end', { QUEQIAO_TOTAL_TIMEOUT: SLOW ? '6s' : '3s' }, ' '], // time to ask for it, on any machine
  ['that is larger than any', {}, ' '.repeat(500_000)],
]) {
  test(`the same for a models list ${name}`, async () => {
    const own = await stage({
      play(req, res) {
        res.writeHead(200, { 'content-type': 'application/json' });
        const drip = setInterval(() => res.write(bytes), 50);
        res.on('close', () => clearInterval(drip));
      },
      env: { QUEQIAO_WORKERS: '1', ...env },
    });
    try {
      await builtIn(own.gateway);
      await until('upstream to be let go', () => own.upstream.seen[0].cancelled);
      assert.equal(own.upstream.seen.length, 1);
    } finally {
      await own.close();
    }
  });
}

test('any model id is passed on, a models/ prefix is forgiven', async () => {
  const own = await stage({ play: (req, res) => gm.answer(req, res, 'hi') });
  try {
    for (const model of ['gemini-99-unheard-of', 'models/gemini-99-unheard-of']) {
      const r = await own.gateway.chat({ model, messages: hello });
      assert.equal(r.status, 200);
    }
    for (const seen of own.upstream.seen)
      assert.match(seen.url, /^\/v1beta\/models\/gemini-99-unheard-of:(streamG|g)enerateContent/);
  } finally {
    await own.close();
  }
});

test('the request crosses: instructions, turns, sampling, limits, stop', async () => {
  const own = await stage({ play: (req, res) => gm.answer(req, res, 'hi') });
  try {
    const r = await own.gateway.chat({
      model: 'gemini-2.5-flash',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
        { role: 'user', content: [{ type: 'text', text: 'one' }, { type: 'text', text: 'two' }] },
        { role: 'assistant', content: 'three' },
        { role: 'user', content: 'four' },
      ],
      temperature: 0.5, top_p: 0.9, max_completion_tokens: 100, stop: ['END', 'FIN'], seed: 3,
    });
    assert.equal(r.status, 200);
    const { body, headers } = own.upstream.seen[0];
    assert.equal(headers['x-goog-api-key'], KEY);
    assert.equal(headers.authorization, undefined);
    assert.deepEqual(body.systemInstruction.parts, [{ text: 'Be brief.' }, { text: 'Be kind.' }]);
    assert.deepEqual(body.contents, [
      { role: 'user', parts: [{ text: 'one' }, { text: 'two' }] },
      { role: 'model', parts: [{ text: 'three' }] },
      { role: 'user', parts: [{ text: 'four' }] },
    ]);
    const g = body.generationConfig;
    assert.equal(g.temperature, 0.5);
    assert.equal(g.topP, 0.9);
    assert.equal(g.maxOutputTokens, 100);
    assert.equal(g.seed, 3);
    assert.deepEqual(g.stopSequences, ['END', 'FIN']);
  } finally {
    await own.close();
  }
});

test('a base URL with a path keeps it', async () => {
  const upstream = await Scripted.start((req, res) => gm.answer(req, res, 'hi'));
  const gateway = await Gateway.start({ upstream, env: { GEMINI_BASE_URL: `${upstream.url}/gemini/` } });
  try {
    assert.equal((await gateway.chat({ messages: hello })).status, 200);
    assert.match(upstream.seen[0].url, /^\/gemini\/v1beta\/models\/gemini-3\.8-flash:/);
  } finally {
    await gateway.stop();
    await upstream.stop();
  }
});
