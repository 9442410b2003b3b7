// Who gets in, and on whose key.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Gateway, KEY, Raw, Scripted, TOKEN, during, gm, hello, request } from './lib.mjs';

const upstream = await Scripted.start((req, res) => gm.answer(req, res, 'hi'));
after(() => upstream.stop());
const lastKey = () => upstream.seen.at(-1).headers['x-goog-api-key'];

/** Start a gateway with these settings, let the scene play, end it cleanly. */
async function within(env, scene) {
  const gateway = await Gateway.start({ upstream, env });
  await during(() => scene(gateway), () => gateway.stop());
  return gateway;
}

/** What a key is called in the log. */
const name = (key) => createHash('sha256').update(key).digest('hex').slice(0, 8);

const ask = (gateway, headers, query = '') =>
  gateway.fetch(`/v1/chat/completions${query}`, { json: { model: 'gemini-3.8-flash', messages: hello }, token: null, headers });

async function refused(r, status = 401) {
  assert.equal(r.status, status);
  assert.equal(r.headers.get('www-authenticate'), status === 401 ? 'Bearer' : null);
  const { error } = await r.json();
  assert.equal(typeof error.message, 'string');
  return error;
}

const PLACES = [
  ['Authorization: Bearer', (c) => [{ authorization: `Bearer ${c}` }]],
  ['authorization: bearer, lower case', (c) => [{ authorization: `bearer ${c}` }]],
  ['x-api-key', (c) => [{ 'x-api-key': c }]],
  ['api-key', (c) => [{ 'api-key': c }]],
  ['x-goog-api-key', (c) => [{ 'x-goog-api-key': c }]],
  ['?key=', (c) => [{}, `?key=${encodeURIComponent(c)}`]],
];

test('AUT-4, SEC-1: AUTH_TOKEN set: the token lets in from every place, and is never sent upstream', () =>
  within({}, async (g) => {
    for (const [name, place] of PLACES) {
      const r = await ask(g, ...place(TOKEN));
      assert.equal(r.status, 200, name);
      assert.equal(lastKey(), KEY);
      assert.ok(!JSON.stringify(upstream.seen.at(-1)).includes(TOKEN));
    }
  }));

test('AUT-2, AUT-4, H1-5: AUTH_TOKEN set: a wrong token is the same 401 from every place, nothing goes upstream', () =>
  within({}, async (g) => {
    const before = upstream.seen.length;
    const texts = new Set();
    for (const [, place] of PLACES) {
      const error = await refused(await ask(g, ...place('wrong')));
      assert.equal(error.code, 'invalid_api_key');
      texts.add(JSON.stringify(error));
    }
    for (const near of [TOKEN.slice(0, -1), `${TOKEN}x`, TOKEN.toUpperCase(), `${TOKEN} ${TOKEN}`])
      texts.add(JSON.stringify(await refused(await ask(g, { authorization: `Bearer ${near}` }))));
    assert.equal(texts.size, 1, [...texts].join('\n'));
    await refused(await ask(g, {}));
    await refused(await ask(g, { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', 'x-forwarded-host': 'localhost', forwarded: 'for=127.0.0.1' }));
    const raw = await Raw.open(g.port); // nor does a name open anything
    raw.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\nGET http://127.0.0.1/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    for (let i = 0; i < 2; i++) assert.equal((await raw.response()).status, 401);
    raw.leave();
    await refused(await ask(g, { authorization: 'Bearer ' }));
    await refused(await g.fetch('/v1/models', { token: 'wrong' }));
    await refused(await g.fetch('/v1/models/gemini-3.8-flash', { token: 'wrong' }));
    assert.equal(upstream.seen.length, before);
  }));

test('AUT-2: a refusal does not wait for the body', () =>
  within({}, async (g) => {
    const raw = await Raw.open(g.port);
    raw.write(request('POST', '/v1/chat/completions', { token: 'wrong', headers: { 'Content-Length': 1000000 } }));
    assert.equal((await raw.response()).status, 401);
    raw.leave();
  }));

test('AUTH_TOKEN with a leading "Bearer " means the token after it; several are taken', () =>
  within({ AUTH_TOKEN: 'Bearer first-token-1,second-token-2' }, async (g) => {
    for (const token of ['first-token-1', 'second-token-2'])
      assert.equal((await ask(g, { authorization: `Bearer ${token}` })).status, 200, token);
    await refused(await ask(g, { authorization: 'Bearer Bearer' }));
    await refused(await ask(g, { authorization: 'Bearer first-token-1,second-token-2' }));
  }));

test('AUT-4: two different credentials in one request: 400', () =>
  within({}, async (g) => {
    assert.equal((await ask(g, { authorization: `Bearer ${TOKEN}`, 'x-api-key': 'other' })).status, 400);
    assert.equal((await ask(g, { authorization: `Bearer ${TOKEN}`, 'x-api-key': TOKEN })).status, 200);
  }));

test('SEC-1: no key on the server: each client brings its own, from every place', () =>
  within({ GEMINI_API_KEY: '', AUTH_TOKEN: '' }, async (g) => {
    await g.said(/each client sends its own Gemini key/);
    for (const [name, place] of PLACES) {
      const own = `not-shaped-like-a-key-${name.length}`;
      assert.equal((await ask(g, ...place(own))).status, 200, name);
      assert.equal(lastKey(), own);
      assert.ok(!upstream.seen.at(-1).url.includes(own), 'never in a URL');
    }
    await refused(await ask(g, {}));
  }));

test('QUEQIAO_BYOK=1: a token is served on our key, anything else on itself', () =>
  within({ QUEQIAO_BYOK: '1' }, async (g) => {
    assert.equal((await ask(g, { authorization: `Bearer ${TOKEN}` })).status, 200);
    assert.equal(lastKey(), KEY);
    assert.equal((await ask(g, { authorization: 'Bearer my-own-gemini-key' })).status, 200);
    assert.equal(lastKey(), 'my-own-gemini-key');
    await refused(await ask(g, {}));
  }));

test('SEC-1: a line of the log names the key that served by its digest: the server\'s, and a client\'s own unless it is short', async () => {
  const second = 'second-key-of-the-server-0123456789';
  const own = 'own-key-of-a-client-0123456789';
  const g = await within({ QUEQIAO_BYOK: '1', GEMINI_API_KEY: `${KEY},${second}` }, async (gateway) => {
    for (const token of [TOKEN, TOKEN, own, own.slice(0, 20), own.slice(0, 19), 'x'])
      assert.equal((await ask(gateway, { authorization: `Bearer ${token}` })).status, 200, token);
  });
  const served = g.stderr.split('\n').filter((line) => line.includes('ev=exchange')).map((line) => / key=(\S+)/.exec(line)?.[1]);
  assert.deepEqual(served.slice(0, 4), upstream.seen.slice(-6, -2).map((r) => name(r.headers['x-goog-api-key'])));
  assert.deepEqual(served.slice(2), [name(own), name(own.slice(0, 20)), 'short', 'short'], 'what can be guessed has no digest');
});

test('AUT-1: keys but no AUTH_TOKEN on loopback: a token is made up and printed', async () => {
  const g = await within({ AUTH_TOKEN: '' }, async (gateway) => {
    await refused(await ask(gateway, {}));
    await refused(await ask(gateway, { authorization: 'Bearer wrong' }));
    const words = gateway.stderr.split(/[\s"'`=,;]+/).filter((w) => /^[A-Za-z0-9_-]{16,}$/.test(w));
    let lets = 0;
    for (const word of new Set(words))
      if ((await ask(gateway, { authorization: `Bearer ${word}` })).status === 200) lets++;
    assert.equal(lets, 1, `one of ${words} lets in`);
  });
  const again = await within({ AUTH_TOKEN: '' }, () => {});
  assert.notEqual(g.stderr.replace(/\d+/g, ''), again.stderr.replace(/\d+/g, ''), 'another one each time');
});

test('AUT-1: keys but no AUTH_TOKEN on any other address: 401 that says what to set, in two languages', () =>
  within({ AUTH_TOKEN: '', QUEQIAO_LISTEN: '0.0.0.0:0' }, async (g) => {
    const error = await refused(await ask(g, { authorization: 'Bearer anything' }));
    assert.match(error.message, /AUTH_TOKEN/);
    assert.match(error.message, /QUEQIAO_ALLOW_ANONYMOUS/);
    assert.match(error.message, /[\u4e00-\u9fff]/);
    assert.match(error.message, /[A-Za-z]{4,} [a-z]+/);
    assert.equal((await g.fetch('/health', { token: null })).status, 200);
  }));

test('QUEQIAO_ALLOW_ANONYMOUS=1 opens it on purpose', () =>
  within({ AUTH_TOKEN: '', QUEQIAO_LISTEN: '0.0.0.0:0', QUEQIAO_ALLOW_ANONYMOUS: '1' }, async (g) => {
    assert.equal((await ask(g, {})).status, 200);
    assert.equal((await ask(g, { authorization: 'Bearer dummy' })).status, 200);
    assert.equal(lastKey(), KEY);
  }));

test('several keys take turns, from GEMINI_API_KEY and from a file', async () => {
  const { mkdtempSync, rmSync, writeFileSync, chmodSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const dir = mkdtempSync(`${tmpdir()}/queqiao-keys-`);
  const file = `${dir}/keys`;
  writeFileSync(file, '# a comment\nkey-c-0123456789\n\n  key-d-0123456789  \n');
  chmodSync(file, 0o600);
  try {
    await within({ GEMINI_API_KEY: 'key-a-0123456789, key-b-0123456789\n', GEMINI_API_KEYS_FILE: file }, async (g) => {
      assert.equal((await (await g.fetch('/health', { token: null })).json()).keys, 4);
      const used = new Set();
      for (let i = 0; i < 40; i++) {
        assert.equal((await g.chat({ messages: hello })).status, 200);
        used.add(lastKey());
      }
      assert.deepEqual([...used].sort(), ['a', 'b', 'c', 'd'].map((x) => `key-${x}-0123456789`));
      writeFileSync(file, 'key-e-0123456789\n');
      g.signal('SIGHUP');
      const { until } = await import('./lib.mjs');
      await until('the new set of keys', async () => (await (await g.fetch('/health', { token: null })).json()).keys === 3);
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('UPS-1: a key that upstream limits is replaced by the next one, unseen by the client', async () => {
  const own = await Scripted.start((req, res) => {
    if (req.headers['x-goog-api-key'] === 'key-a-0123456789')
      gm.error(res, 429, 'RESOURCE_EXHAUSTED', 'Quota.', [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '60s' }]);
    else gm.answer(req, res, 'hi');
  });
  const g = await Gateway.start({ upstream: own, env: { GEMINI_API_KEY: 'key-a-0123456789,key-b-0123456789' } });
  try {
    for (let i = 0; i < 10; i++) assert.equal((await g.chat({ messages: hello })).status, 200);
    const limited = own.seen.filter((x) => x.headers['x-goog-api-key'] === 'key-a-0123456789').length;
    assert.ok(limited <= 1, `the cooling key was asked ${limited} times`);
  } finally {
    await g.stop();
    await own.stop();
  }
});

test('SEC-5: no credential and no prompt in any log, at the most talkative level', async () => {
  const secret = 'my-own-gemini-key-0123456789';
  const g = await within({ QUEQIAO_BYOK: '1', QUEQIAO_LOG_LEVEL: 'debug' }, async (gateway) => {
    for (const place of PLACES) await ask(gateway, ...place[1](secret));
    await ask(gateway, { authorization: `Bearer ${TOKEN}` });
    await gateway.chat({ messages: [{ role: 'user', content: 'the-secret-prompt' }], temperature: 'bad' });
    await gateway.chat({ messages: [{ role: 'user', content: 'the-secret-prompt' }] });
  });
  for (const word of [secret, KEY, TOKEN, 'the-secret-prompt', '自己'])
    assert.ok(!g.stderr.includes(word) && !g.stdout.includes(word), `${word} was logged`);
});

test('AUT-5: no spelling of a path opens a page without its token', () =>
  within({}, async (g) => {
    for (const path of ['/metrics', '/v1/metrics', '//metrics', '/metrics/', '/%6detrics', '/metrics%2f', '/metrics%00', '/health/../metrics',
      '/health/%2e%2e/metrics', '/METRICS', '/metrics;a=b', '/metrics?x=/health', '/health?/metrics', '/v1/v1/metrics', '/doctor/', '/%64octor',
      '/v1/chat/../models', '/v1/models/', '/v1/models%2f', '/v1/models/..%2f..%2fmetrics']) {
      const raw = await Raw.open(g.port);
      raw.write(request('GET', path, { token: null }));
      const r = await raw.response();
      assert.ok([400, 401, 404, 405].includes(r.status) || path.startsWith('/health?'), `${path}: ${r.status}`);
      assert.ok(!/queqiao_requests|gemini-/.test(r.body.toString()), path);
      raw.leave();
    }
    for (const method of ['HEAD', 'POST', 'PUT', 'DELETE', 'PATCH']) {
      const r = await g.fetch('/metrics', { method, token: null });
      assert.ok([401, 405].includes(r.status), `${method}: ${r.status}`);
    }
  }));

test('SEC-3, SEC-4: nothing of a secret in the environment of the process, no core, no new privileges', () =>
  within({}, async (g) => {
    await ask(g, { authorization: `Bearer ${TOKEN}` });
    const of = (name) => readFileSync(`/proc/${g.pid}/${name}`, 'latin1');
    for (const name of ['environ', 'cmdline', 'status', 'comm']) {
      let text = '';
      try {
        text = of(name);
      } catch { /* shut even to us: good */ }
      assert.ok(!text.includes(KEY) && !text.includes(TOKEN), name);
    }
    assert.match(of('status'), /^NoNewPrivs:\s*1$/m);
    assert.match(of('limits'), /^Max core file size\s+0\s+0\s/m);
  }));

test('PRC-6: a log that nobody reads, or that is closed, costs lines and nothing else', () =>
  within({ QUEQIAO_LOG_LEVEL: 'debug', QUEQIAO_WORKERS: '1' }, async (g) => {
    const dropped = async () => Number(/^queqiao_log_lines_dropped_total (\d+)$/m.exec(await (await g.fetch('/metrics')).text())[1]);
    g.process.stderr.pause();
    const raw = await Raw.open(g.port);
    const block = request('GET', `/nothing/${'x'.repeat(400)}`).repeat(25);
    for (let i = 0; i < 100; i++) {
      raw.write(block);
      for (let k = 0; k < 25; k++) assert.equal((await raw.response()).status, 404);
    }
    raw.leave();
    assert.ok((await dropped()) > 0);
    g.process.stderr.destroy();
    const before = await dropped();
    assert.equal((await g.fetch('/nothing')).status, 404);
    assert.ok((await dropped()) > before, 'a closed pipe is no signal');
  }));
