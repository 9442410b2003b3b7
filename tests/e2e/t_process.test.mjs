// The process: reload, signals, descriptors, a log that nobody reads. Titles begin with the ids of hardening.md.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Gateway, KEY, Scripted, TOKEN, gate, gather, gm, hello, until } from './lib.mjs';

const dir = mkdtempSync(path.join(os.tmpdir(), 'queqiao-process-'));
after(() => rmSync(dir, { recursive: true, force: true }));

let files = 0;
/** A file with secrets in it. */
function secretFile(content) {
  const file = path.join(dir, `file${files++}`);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
  return file;
}

/** An upstream whose streams wait at a door between two events, and a gateway with a config file. */
async function reloadable(config, env = {}) {
  const door = gate();
  const upstream = await Scripted.start(async (req, res, body) => {
    if (!JSON.stringify(body).includes('wait')) return gm.answer(req, res, 'hi');
    gm.head(res);
    gm.event(res, gm.chunk('one '));
    await door.opened;
    gm.event(res, gm.chunk('two', { finish: 'STOP' }));
    res.end();
  });
  const file = secretFile(config);
  const gateway = await Gateway.start({ upstream, env: { AUTH_TOKEN: '', QUEQIAO_CONFIG: file, ...env } });
  let reloads = 0;
  return {
    upstream, gateway, door,
    key: () => upstream.seen.at(-1).headers['x-goog-api-key'],
    ask: (token, options) => gateway.chat({ messages: hello, ...options }, { token }),
    stream: (token) => gateway.chat({ messages: [{ role: 'user', content: 'wait' }], stream: true }, { token }),
    /** Write it, say SIGHUP, and hand back the line that the reload logs. */
    async reload(changed) {
      if (changed !== undefined) writeFileSync(file, typeof changed === 'string' ? changed : JSON.stringify(changed));
      gateway.signal('SIGHUP');
      reloads++;
      const lines = () => gateway.stderr.match(/^.*ev=reload .*$/mg) ?? [];
      await until('the reload to be logged', () => lines().length === reloads);
      return lines().at(-1);
    },
    async close() {
      door.open();
      await gateway.stop();
      await upstream.stop();
    },
  };
}

for (const workers of ['1', '3'])
  test(`PRC-1, AUT-7: SIGHUP swaps tokens, keys and options; a running stream finishes (${workers} workers)`, async () => {
    const s = await reloadable({ auth_token: 'token-before', gemini_api_key: 'key-before-0123456789' },
      { GEMINI_API_KEY: '', QUEQIAO_WORKERS: workers });
    assert.equal((await s.ask('token-before')).status, 200);
    assert.equal(s.key(), 'key-before-0123456789');
    const stream = await s.stream('token-before');
    assert.equal(stream.status, 200);
    await until('upstream to be asked', () => s.upstream.seen.length === 2);
    const line = await s.reload({ auth_token: 'token-after, token-more', gemini_api_key: 'key-after-0123456789',
      queqiao_default_model: 'gemini-3.8-flash' });
    assert.match(line, /level=info/);
    assert.match(line, /1 key, 2 tokens/);
    assert.doesNotMatch(line, /restart/);
    assert.equal((await s.ask('token-before')).status, 401, 'a removed token is out');
    assert.equal((await s.ask('token-more')).status, 200);
    assert.equal(s.key(), 'key-after-0123456789');
    assert.equal((await s.gateway.fetch('/v1/chat/completions', { json: { messages: hello }, token: 'token-after' })).status, 200,
      'the default model has come');
    s.door.open();
    const { text, done } = await gather(stream);
    assert.equal(text, 'one two');
    assert.ok(done);
    await s.close();
  });

test('PRC-1: a bad new config is refused with its reason, whole, and the old one stays', async () => {
  const before = { auth_token: TOKEN };
  const s = await reloadable(before);
  const stream = await s.stream(TOKEN);
  for (const [config, word] of [
    ['{"auth_token": ', /not a JSON object/],
    ['[]', /not a JSON object/],
    [{ auth_token: 'another', queqiao_max_bodies: 1 }, /queqiao_max_bodies is no option/],
    [{ auth_token: 'another', queqiao_attempts: 99 }, /QUEQIAO_ATTEMPTS must be between/],
    [{ auth_token: 'another', queqiao_log_level: 'loud' }, /QUEQIAO_LOG_LEVEL/],
    [{ auth_token: 'another', gemini_base_url: 'ftp://h', queqiao_default_model: 'x' }, null],
    [{ auth_token: 'another', gemini_api_keys_file: '/nonexistent/keys' }, /GEMINI_API_KEYS_FILE/],
  ]) {
    if (word === null) continue; // the environment says where upstream is
    const line = await s.reload(config);
    assert.match(line, /level=error/);
    assert.match(line, word);
    assert.match(line, /stays as it was/);
    assert.doesNotMatch(line, /another/);
    assert.equal((await s.ask('another')).status, 401);
    assert.equal((await s.ask(TOKEN)).status, 200);
    assert.equal(s.key(), KEY);
  }
  s.door.open();
  assert.equal((await gather(stream)).text, 'one two');
  assert.match(await s.reload(before), /level=info/);
  await s.close();
});

test('PRC-1: what a running process cannot change is named, and the rest is taken', async () => {
  const s = await reloadable({ auth_token: TOKEN });
  const line = await s.reload({ auth_token: 'another', queqiao_workers: 2, queqiao_max_signatures: '1M', gemini_base_url: 'http://h' });
  assert.match(line, /takes effect after a restart: QUEQIAO_WORKERS, QUEQIAO_MAX_SIGNATURES/);
  assert.doesNotMatch(line, /GEMINI_BASE_URL/, 'the environment said that, and wins');
  assert.equal((await s.ask('another')).status, 200);
  await s.close();
});

test('PRC-1: the keys file is read again; a stream on a removed key goes on', async () => {
  const keys = secretFile('# ours\nkey-one-0123456789\n');
  const s = await reloadable({ auth_token: TOKEN, gemini_api_keys_file: keys }, { GEMINI_API_KEY: '' });
  const stream = await s.stream(TOKEN);
  await until('upstream to be asked', () => s.upstream.seen.length === 1);
  assert.equal(s.key(), 'key-one-0123456789');
  writeFileSync(keys, 'key-two-0123456789\n');
  assert.match(await s.reload(), /1 key,/);
  assert.equal((await s.ask(TOKEN)).status, 200);
  assert.equal(s.key(), 'key-two-0123456789');
  s.door.open();
  assert.equal((await gather(stream)).text, 'one two');
  await s.close();
});

test('PRC-1: many reloads under running requests leave nothing behind', async () => {
  const s = await reloadable({ auth_token: TOKEN }, { QUEQIAO_WORKERS: '2' });
  for (let i = 0; i < 30; i++) {
    const asked = [s.ask(TOKEN), s.ask(TOKEN, { stream: true })];
    await s.reload({ auth_token: TOKEN, queqiao_attempts: 1 + (i % 3) });
    for (const r of await Promise.all(asked)) {
      assert.equal(r.status, 200);
      await r.text();
    }
  }
  await s.close();
});
