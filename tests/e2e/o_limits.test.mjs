// What one stranger may have: connections, wrong tokens, requests at once (LIM-1, LIM-15, LIM-16).
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Gateway, Raw, Scripted, TOKEN, deadline, during, gate, gm, hello, request, until } from './lib.mjs';

let door = gate();
const upstream = await Scripted.start(async (req, res, body) => {
  if (JSON.stringify(body).includes('wait')) await door.opened;
  gm.answer(req, res, 'hi');
});
after(() => upstream.stop());

async function within(env, scene) {
  const g = await Gateway.start({ upstream, env });
  await during(() => scene(g), async () => {
    door.open();
    await g.stop().finally(() => (door = gate()));
  });
}

const metric = async (g, limit) => {
  const text = await (await g.fetch('/metrics')).text();
  return Number(new RegExp(`^queqiao_turned_away_total\\{limit="${limit}"\\} (\\d+)$`, 'm').exec(text)[1]);
};

test('LIM-1: one connection more than there may be is closed, and counted; one that ends makes room', () =>
  within({ QUEQIAO_MAX_CONNECTIONS: '2', QUEQIAO_WORKERS: '2' }, async (g) => {
    const ask = request('GET', '/health', { token: null });
    const first = await Raw.open(g.port);
    const second = await Raw.open(g.port);
    for (const c of [first, second]) assert.equal((await c.write(ask).response()).status, 200);
    await (await Raw.open(g.port)).closed();
    assert.equal((await first.write(ask).response()).status, 200, 'those that are in stay');
    first.leave();
    await until('room for another one', async () => {
      const c = await Raw.open(g.port);
      try {
        return (await c.write(ask).response()).status === 200;
      } catch {
        return false;
      } finally {
        c.leave();
      }
    });
    second.leave();
    assert.ok(await until('the count', () => metric(g, 'connections').catch(() => 0)) >= 1);
  }));

test('LIM-1: the limit for each address does not concern loopback', () =>
  within({ QUEQIAO_MAX_CONNECTIONS_PER_ADDRESS: '1' }, async (g) => {
    const all = await Promise.all([1, 2, 3].map(() => Raw.open(g.port)));
    for (const c of all) {
      assert.equal((await c.write(request('GET', '/health', { token: null })).response()).status, 200);
      c.leave();
    }
    assert.equal(await metric(g, 'address'), 0);
  }));

const outside = Object.values(os.networkInterfaces()).flat().find((a) => a.family === 'IPv4' && !a.internal)?.address;

test('LIM-1: one connection more from an address than it may have is closed', { skip: outside ? false : 'no address but loopback' }, () =>
  within({ QUEQIAO_MAX_CONNECTIONS_PER_ADDRESS: '2', QUEQIAO_LISTEN: '0.0.0.0:0' }, async (g) => {
    const open = () => new Promise((resolve, reject) => {
      const s = net.connect({ port: g.port, host: outside }, () => resolve(s));
      s.on('error', reject);
    });
    const asks = (s) => deadline(new Promise((resolve) => {
      s.once('data', () => resolve(true)).once('close', () => resolve(false)).on('error', () => {});
      s.write(request('GET', '/health', { token: null }));
    }), 'an answer or the end');
    const first = await open();
    const second = await open();
    assert.deepEqual([await asks(first), await asks(second)], [true, true]);
    assert.equal(await asks(await open()), false);
    assert.equal(await asks(first), true);
    assert.equal(await metric(g, 'address'), 1, 'loopback still comes in');
    first.destroy();
    second.destroy();
  }));

test('LIM-15: wrong tokens get a 429 with Retry-After after so many; the right one always passes', () =>
  within({ QUEQIAO_MAX_AUTH_FAILURES: '3' }, async (g) => {
    const began = Date.now();
    let tries = 0;
    const wrong = () => (tries++, g.chat({ messages: hello }, { token: 'wrong' }));
    for (let i = 0; i < 3; i++) assert.equal((await wrong()).status, 401);
    // One more is let in every three seconds: a slow machine asks until there is none left.
    const over = () => until('a 429', async () => { const r = await wrong(); return r.status === 429 && r; });
    const r = await over();
    assert.ok(tries <= 4 + (Date.now() - began) / 3000, `${tries} tries`);
    assert.ok(Number(r.headers.get('retry-after')) >= 1);
    const { error } = await r.json();
    assert.equal(error.type, 'rate_limit_error');
    assert.match(error.message, /[\u4e00-\u9fff]/);
    assert.equal((await g.chat({ messages: hello })).status, 200);
    assert.equal((await g.chat({ messages: hello }, { token: null })).status, 401, 'nothing was guessed there');
    await over();
    assert.equal((await g.fetch('/doctor', { token: 'wrong', headers: { accept: 'text/html' } })).status, 429);
    const form = (key) => g.fetch('/doctor', { method: 'POST', token: null, body: `key=${key}&lang=en`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    await over();
    assert.equal((await form('wrong')).status, 429, 'the form is no way around it');
    assert.ok(await metric(g, 'auth_failures') >= 3);
  }));

test('AUT-2: of the form, which anybody may send, little is kept', () =>
  within({}, async (g) => {
    const form = (body) => g.fetch('/doctor', { method: 'POST', token: null, body });
    const small = await form(`key=wrong&pad=${'x'.repeat(16000)}`);
    assert.equal(small.status, 401);
    assert.equal(small.headers.get('www-authenticate'), 'Bearer');
    assert.equal((await form(`key=wrong&pad=${'x'.repeat(20000)}`)).status, 413);
    const other = await g.fetch('/doctor', { method: 'PUT', token: null });
    assert.equal(other.status, 405);
    assert.equal(other.headers.get('allow'), 'GET, HEAD, POST, OPTIONS');
  }));

test('LIM-15: no body is read of who is over it', () =>
  within({ QUEQIAO_MAX_AUTH_FAILURES: '1' }, async (g) => {
    assert.equal((await g.fetch('/v1/models', { token: 'wrong' })).status, 401);
    const raw = await Raw.open(g.port);
    raw.write(request('POST', '/v1/chat/completions', { token: 'wrong', headers: { 'Content-Length': 1000000 } }));
    assert.equal((await raw.response()).status, 429);
    raw.leave();
  }));

test('LIM-16: one request more than a token may have at once is a 429 with Retry-After', () =>
  within({ QUEQIAO_MAX_REQUESTS_PER_TOKEN: '2', QUEQIAO_WORKERS: '2', AUTH_TOKEN: `${TOKEN},another-token-0123456789` }, async (g) => {
    const waiting = [{ role: 'user', content: 'wait' }];
    const before = upstream.seen.length;
    const held = [g.chat({ messages: waiting }), g.chat({ messages: waiting })];
    await until('both of them upstream', () => upstream.seen.length === before + 2);
    const r = await g.chat({ messages: hello });
    assert.equal(r.status, 429);
    assert.equal(r.headers.get('retry-after'), '1');
    assert.equal((await r.json()).error.code, 'rate_limit_exceeded');
    assert.equal((await g.fetch('/v1/models')).status, 429);
    assert.equal(await metric(g, 'token'), 2, 'the operator can look');
    assert.equal((await g.chat({ messages: hello }, { token: 'another-token-0123456789' })).status, 200);
    door.open();
    for (const one of held) assert.equal((await one).status, 200);
    assert.equal((await g.chat({ messages: hello })).status, 200, 'and the places are free again');
    assert.equal(await metric(g, 'token'), 2);
  }));

test('LIM-16: a token has a limit of its own, which a reload changes; others have the general one', async () => {
  const dir = mkdtempSync(join(os.tmpdir(), 'queqiao-'));
  const file = join(dir, 'tokens');
  const write = (text) => writeFileSync(file, text, { mode: 0o600 });
  const waiting = [{ role: 'user', content: 'wait' }];
  const [jobs, free] = ['jobs-token-0123456789', 'free-token-0123456789'];
  write(`# the batch jobs\n${jobs} requests=1\n${free}  requests=0\n`);
  try {
    await within({ QUEQIAO_MAX_REQUESTS_PER_TOKEN: '2', AUTH_TOKENS_FILE: file }, async (g) => {
      const held = [];
      const hold = async (token) => {
        const before = upstream.seen.length;
        held.push(g.chat({ messages: waiting }, { token }));
        await until('it upstream', () => upstream.seen.length === before + 1);
      };
      const refused = async (token) => (await g.chat({ messages: hello }, { token })).status === 429;
      for (const [token, n] of [[jobs, 1], [TOKEN, 2], [free, 3]]) {
        for (let i = 0; i < n; i++) {
          assert.equal(await refused(token), false, token);
          await hold(token);
        }
        assert.equal(await refused(token), token !== free, token);
      }
      write(`${jobs} requests=one\n`);
      g.signal('SIGHUP');
      await g.said(/ev=reload .*refused.*the token number 2/);
      assert.equal(await refused(jobs), true, 'everything stayed as it was');
      write(`${jobs} requests=3\n`);
      g.signal('SIGHUP');
      await g.said(/ev=reload .*2 tokens/);
      await hold(jobs);
      assert.equal(await refused(jobs), false);
      door.open();
      for (const one of held) assert.equal((await one).status, 200);
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('LIM-16: a client that leaves gives its place back', () =>
  within({ QUEQIAO_MAX_REQUESTS_PER_TOKEN: '1' }, async (g) => {
    for (let i = 0; i < 3; i++) {
      const before = upstream.seen.length;
      const raw = await Raw.open(g.port);
      const body = JSON.stringify({ model: 'gemini-3.8-flash', messages: [{ role: 'user', content: 'wait' }] });
      raw.write(request('POST', '/v1/chat/completions', { body }));
      await until('the request upstream', () => upstream.seen.length === before + 1);
      assert.equal((await g.fetch('/v1/models')).status, 429);
      raw.leave({ hard: i === 1 });
      await until('the place', async () => (await g.fetch('/v1/models')).status === 200);
    }
  }));

test("LIM-16: a client's own key is a token as well", () =>
  within({ QUEQIAO_MAX_REQUESTS_PER_TOKEN: '1', GEMINI_API_KEY: '', AUTH_TOKEN: '' }, async (g) => {
    const before = upstream.seen.length;
    const held = g.chat({ messages: [{ role: 'user', content: 'wait' }] }, { token: 'own-key-a' });
    await until('it upstream', () => upstream.seen.length === before + 1);
    assert.equal((await g.chat({ messages: hello }, { token: 'own-key-a' })).status, 429);
    assert.equal((await g.chat({ messages: hello }, { token: 'own-key-b' })).status, 200);
    door.open();
    assert.equal((await held).status, 200);
  }));

test('LIM-4, LIM-18: an error of upstream is read to 64 KiB; of a longer one the status alone tells', async () => {
  const own = await Scripted.start((req, res) => {
    const body = JSON.stringify({ error: { code: 400, message: 'The mark is bad.', status: 'INVALID_ARGUMENT', pad: '' } });
    const want = 64 * 1024 + Number(req.url.includes('over'));
    res.writeHead(400, { 'content-type': 'application/json' });
    res.end(body.replace('"pad":""', `"pad":"${'x'.repeat(want - body.length)}"`));
  });
  const g = await Gateway.start({ upstream: own });
  try {
    for (const [model, told] of [['gemini-at', true], ['gemini-over', false]]) {
      const r = await g.chat({ model, messages: hello });
      const { error } = await r.json();
      assert.ok(r.status >= 400 && r.status < 600);
      if (told) assert.equal(r.status, 400);
      assert.equal(/mark/.test(error.message), told, `${model}: ${r.status} ${error.message}`);
    }
  } finally {
    await g.stop();
    await own.stop();
  }
});

test('LIM-18: a list of models without an end is read for twenty pages', async () => {
  let pages = 0;
  const own = await Scripted.start((req, res) => {
    pages++;
    gm.json(res, { models: [{ name: `models/gemini-page-${pages}`, supportedGenerationMethods: ['generateContent'] }], nextPageToken: `t${pages}` });
  });
  const g = await Gateway.start({ upstream: own });
  try {
    const { data } = await (await g.fetch('/v1/models')).json();
    assert.equal(pages, 20);
    assert.equal(data.length, 20);
  } finally {
    await g.stop();
    await own.stop();
  }
});

test('LIM-18: the lists of eight clients\' own keys are kept, and a ninth is served as well; nobody sees another one\'s', async () => {
  const asked = [];
  const own = await Scripted.start((req, res) => {
    const key = req.headers['x-goog-api-key'];
    asked.push(key);
    gm.json(res, { models: [{ name: `models/gemini-of-${key}`, supportedGenerationMethods: ['generateContent'] }] });
  });
  const g = await Gateway.start({ upstream: own, env: { GEMINI_API_KEY: '', AUTH_TOKEN: '', QUEQIAO_WORKERS: '1' } });
  try {
    for (let round = 0; round < 2; round++)
      for (let i = 0; i < 9; i++) {
        const r = await g.fetch('/v1/models', { token: `key-${i}` });
        assert.deepEqual((await r.json()).data.map((m) => m.id), [`gemini-of-key-${i}`]);
      }
    assert.ok(asked.length > 9 && asked.length <= 18, String(asked.length));
  } finally {
    await g.stop();
    await own.stop();
  }
});
