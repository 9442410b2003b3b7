// The process: reload, signals, descriptors, a log that nobody reads. Titles begin with the ids of hardening.md.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync, closeSync, constants, copyFileSync, existsSync, mkdtempSync, openSync, readFileSync, readSync, readdirSync, readlinkSync, rmSync, statSync,
  writeFileSync, unlinkSync, writeSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import {
  BIN, Child, Gateway, KEY, ROOT, Raw, SLOW, Scripted, TOKEN, certificates, deadline, freePort, gate, gather, gm, hello, isStaticFile, request, until,
} from './lib.mjs';

const dir = mkdtempSync(path.join(os.tmpdir(), 'queqiao-process-'));
after(() => {
  Child.reap();
  rmSync(dir, { recursive: true, force: true });
});

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
    await gm.inTwo(res, door.opened);
  });
  const file = secretFile(config);
  const gateway = await Gateway.start({ upstream, env: { AUTH_TOKEN: '', QUEQIAO_CONFIG: file, ...env } });
  let reloads = 0;
  return {
    upstream, gateway, door, file,
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
  const line = await s.reload({ auth_token: 'another', queqiao_platform: 'none', queqiao_max_signatures: '1M', gemini_base_url: 'http://h' });
  assert.match(line, /takes effect after a restart: QUEQIAO_PLATFORM, QUEQIAO_MAX_SIGNATURES/);
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

test('PRC-1: SIGHUPs that come faster than they are worked on end in the newest file; SIGTERM among them ends it', async () => {
  const s = await reloadable({ auth_token: TOKEN }, { QUEQIAO_WORKERS: '3' });
  for (let i = 0; i < 20; i++) {
    writeFileSync(s.file, JSON.stringify({ auth_token: `token-number-${i}` }));
    s.gateway.signal('SIGHUP');
    if (i % 3 === 0) await new Promise((r) => setImmediate(r));
  }
  await until('the newest token to be let in', async () => (await s.ask('token-number-19')).status === 200);
  for (let i = 0; i < 5; i++) s.gateway.signal('SIGHUP');
  s.gateway.signal('SIGTERM');
  assert.deepEqual(await deadline(s.gateway.ended, 'the exit'), { code: 0, signal: null });
  await s.close();
});

/** A FIFO in the place of a file: whoever reads it waits. Tells when somebody does, and who that is gets `content`. */
function never(file) {
  unlinkSync(file);
  execFileSync('mkfifo', [file]);
  // Who opens a FIFO for writing without waiting is told whether somebody wants to read.
  const reader = () => { try { return openSync(file, constants.O_WRONLY | constants.O_NONBLOCK); } catch { return -1; } };
  let writer;
  return {
    read: async () => (writer = await until('it to be read', () => Math.max(reader(), 0))),
    answer(content) {
      writeSync(writer, content);
      closeSync(writer);
    },
    close: () => closeSync(writer),
  };
}

for (const which of ['keys', 'config'])
  test(`PRC-1, PRC-7: a ${which} file that never answers holds up a reload, and neither requests, the doctor nor the end`, async () => {
    const keys = secretFile('key-one-0123456789\n');
    const s = await reloadable({ auth_token: TOKEN, gemini_api_keys_file: keys }, { GEMINI_API_KEY: '', QUEQIAO_WORKERS: '1' });
    const fifo = never(which === 'keys' ? keys : s.file);
    s.gateway.signal('SIGHUP');
    await fifo.read();
    for (let i = 0; i < 50; i++) assert.equal((await s.ask(TOKEN)).status, 200);
    assert.equal(s.key(), 'key-one-0123456789');
    const stream = await s.stream(TOKEN);
    s.door.open();
    assert.equal((await gather(stream)).text, 'one two');
    assert.equal((await deadline(s.gateway.fetch('/doctor', { token: TOKEN }), 'the doctor')).status, 200);
    assert.doesNotMatch(s.gateway.stderr, /ev=reload/, 'it still waits');
    s.gateway.signal('SIGTERM');
    assert.deepEqual(await deadline(s.gateway.ended, 'the exit'), { code: 0, signal: null });
    assert.match(s.gateway.stderr, /ev=reload .*a file does not answer/);
    fifo.close();
    await s.close();
  });

test('PRC-1: SIGHUPs while a reload waits for a file become one, which follows it and reads what is there by then', async () => {
  const keys = secretFile('key-one-0123456789\n');
  const s = await reloadable({ auth_token: TOKEN, gemini_api_keys_file: keys }, { GEMINI_API_KEY: '', QUEQIAO_WORKERS: '1' });
  const served = async () => {
    assert.equal((await s.ask(TOKEN)).status, 200);
    return s.key();
  };
  const first = never(keys);
  s.gateway.signal('SIGHUP');
  await first.read();
  const second = never(keys);
  for (let i = 0; i < 5; i++) {
    s.gateway.signal('SIGHUP');
    assert.equal(await served(), 'key-one-0123456789'); // it has heard of that one by now
  }
  first.answer('key-two-0123456789\n');
  await second.read();
  assert.equal(await served(), 'key-two-0123456789');
  unlinkSync(keys); // a third one would find none, and say so
  second.answer('key-three-0123456789\n');
  await until('the second to be taken', async () => (await served()) === 'key-three-0123456789');
  writeFileSync(keys, 'key-four-0123456789\n', { mode: 0o600 });
  s.gateway.signal('SIGHUP');
  await until('the next one', async () => (await served()) === 'key-four-0123456789');
  assert.doesNotMatch(s.gateway.stderr, /level=error/);
  await s.close();
});

test('a thread that cannot be started is told in one line, and the exit status is not 0', {
  skip: SLOW && 'sanitizers take more room than this leaves',
}, async () => {
  const g = new Child('sh', ['-c', 'ulimit -v 700000; exec "$0" serve', BIN],
    { QUEQIAO_LISTEN: '127.0.0.1:0', QUEQIAO_WORKERS: '128', GEMINI_API_KEY: KEY, AUTH_TOKEN: TOKEN });
  assert.deepEqual(await deadline(g.ended, 'it to give up'), { code: 1, signal: null });
  assert.match(g.stderr, /^queqiao: cannot start a thread for each of 128 workers: .*QUEQIAO_WORKERS/m);
});

// ------------------------------------------------------------------------- descriptors, the log

test('PRC-2: without descriptors new connections wait, a running stream goes on, and it recovers by itself', async () => {
  const door = gate();
  const upstream = await Scripted.start(async (req, res) => {
    await gm.inTwo(res, door.opened);
  });
  const began = Date.now();
  const g = await Gateway.start({ upstream, file: 'sh', args: ['-c', 'ulimit -n 40; exec "$0" serve', BIN], env: { QUEQIAO_WORKERS: '1' } });
  const stream = await g.chat({ messages: hello, stream: true });
  const raws = [];
  for (let i = 0; i < 60; i++) raws.push(await Raw.open(g.port)); // the backlog takes them all
  await g.said(/level=error ev=accept .*no more descriptors/);
  await until('it to have rested more than once', () => g.stderr.match(/ev=accept /g).length >= 2);
  door.open();
  assert.equal((await gather(stream)).text, 'one two');
  const lines = g.stderr.match(/ev=accept /g).length;
  assert.ok(lines <= 1 + (Date.now() - began) / 1000, `${lines} lines: one a second at most`);
  for (const r of raws.slice(10)) r.leave();
  raws[0].write(request('GET', '/health'));
  assert.equal((await raws[0].response()).status, 200);
  assert.ok(await g.well());
  for (const r of raws.slice(0, 10)) r.leave();
  await g.stop();
  await upstream.stop();
});

/** A gateway whose stderr is this descriptor; where it listens is known before. */
async function silent(stderr, env = {}, file = BIN, args = ['serve']) {
  const port = await freePort();
  const g = new Gateway(file, args, { QUEQIAO_LISTEN: `127.0.0.1:${port}`, GEMINI_API_KEY: KEY, AUTH_TOKEN: TOKEN, ...env }, { stderr });
  g.port = port;
  g.url = `http://127.0.0.1:${port}`;
  await until('the port to open', () => g.fetch('/healthz', { token: null }).then((r) => r.status === 200, () => false));
  return g;
}
const dropped = async (g) => Number(/^queqiao_log_lines_dropped_total (\d+)$/m.exec(await (await g.fetch('/metrics')).text())[1]);

test('PRC-6, PRC-7: a log that nobody reads, a full disk, a closed pipe: lines are dropped and counted, everybody is served', async () => {
  const upstream = await Scripted.start((req, res) => gm.answer(req, res, 'hi'));
  const env = { GEMINI_BASE_URL: upstream.url, ...(upstream.tls && { SSL_CERT_FILE: certificates().ca }) };
  const ask = async (g) => {
    for (let i = 0; i < 3; i++) {
      const r = await g.chat({ messages: hello });
      assert.equal(r.status, 200);
      await r.text();
    }
  };
  const fifo = path.join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const pipe = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  assert.throws(() => { for (;;) writeSync(pipe, 'x'.repeat(4096)); }, { code: 'EAGAIN' }); // full
  const full = openSync(fifo, constants.O_WRONLY); // blocks whoever writes to it
  const stuck = await silent(full, env);
  closeSync(full);
  await ask(stuck);
  assert.ok(await dropped(stuck) >= 4, 'the start and each request');
  const room = Buffer.alloc(1 << 20);
  readSync(pipe, room);
  const before = await dropped(stuck);
  await ask(stuck);
  assert.equal(await dropped(stuck), before, 'there is room again');
  assert.match(room.toString('latin1', 0, readSync(pipe, room)), /ev=exchange/);
  closeSync(pipe); // and now nobody is there at all
  await ask(stuck);
  assert.ok(await dropped(stuck) > before);
  await stuck.stop();

  const disk = openSync('/dev/full', 'w');
  const filled = await silent(disk, env);
  closeSync(disk);
  await ask(filled);
  assert.ok(await dropped(filled) >= 4);
  await filled.stop();

  const closed = await silent('ignore', env, 'sh', ['-c', 'exec "$0" serve 2>&- 1>&- 0<&-', BIN]);
  await ask(closed);
  for (const fd of ['0', '1', '2']) assert.match(readlinkSync(`/proc/${closed.pid}/fd/${fd}`), /^\/dev\/null$/);
  await closed.stop();

  const socket = await silent('pipe', { ...env, QUEQIAO_LOG_LEVEL: 'debug' }); // Node's pipes are sockets
  socket.process.stderr.pause();
  await until('its log to be full', async () => (await ask(socket), await dropped(socket)) > 0);
  socket.process.stderr.resume();
  await socket.stop();
  await upstream.stop();
});

// --------------------------------------------------------------------------------- the process

test('a port that another queqiao has is not shared with it, and what to do is said', async () => {
  const g = await Gateway.start({ env: { QUEQIAO_WORKERS: '2' } });
  for (const workers of ['1', '2']) {
    const second = new Child(BIN, ['serve'],
      { QUEQIAO_LISTEN: `127.0.0.1:${g.port}`, QUEQIAO_WORKERS: workers, GEMINI_API_KEY: KEY, AUTH_TOKEN: TOKEN });
    assert.equal((await deadline(second.ended, 'the second one to give up')).code, 1);
    assert.match(second.stderr, /cannot listen on 127\.0\.0\.1 port \d+: .*QUEQIAO_LISTEN=host:port/);
  }
  await g.stop();
});

test('PRC-1: SIGUSR1 and SIGPIPE change nothing', async () => {
  const s = await reloadable({ auth_token: TOKEN });
  const stream = await s.stream(TOKEN);
  for (const signal of ['SIGUSR1', 'SIGPIPE', 'SIGUSR1']) s.gateway.signal(signal);
  assert.equal((await s.ask(TOKEN)).status, 200);
  s.door.open();
  assert.equal((await gather(stream)).text, 'one two');
  await s.close();
});

test('PRC-8: /healthz and /readyz need no token and tell no secret; /readyz says 503 while it drains', async () => {
  const s = await reloadable({ auth_token: TOKEN }, { QUEQIAO_DRAIN_DELAY: '1h' });
  for (const page of ['/healthz', '/livez', '/readyz', '/health']) {
    const r = await s.gateway.fetch(page, { token: null });
    assert.equal(r.status, 200, page);
    const text = await r.text();
    for (const secret of [TOKEN, KEY, KEY.slice(-8), s.upstream.url, os.hostname()]) assert.ok(!text.includes(secret), `${page}: ${text}`);
  }
  assert.equal((await s.gateway.fetch('/metrics', { token: null })).status, 401);
  s.gateway.signal('SIGTERM');
  await until('/readyz to say 503', async () => (await s.gateway.fetch('/readyz', { token: null })).status === 503);
  assert.equal((await s.gateway.fetch('/healthz', { token: null })).status, 200);
  assert.equal((await s.ask(TOKEN)).status, 200);
  s.gateway.signal('SIGTERM');
  await deadline(s.gateway.ended, 'the exit');
  await s.close();
});

/** Whose are the process's own files? Root's, when it cannot be dumped. A user other than root has to ask. */
async function asNobody() {
  if (process.getuid() !== 0) return silent('ignore');
  chmodSync(dir, 0o755);
  copyFileSync(BIN, path.join(dir, 'queqiao'));
  chmodSync(path.join(dir, 'queqiao'), 0o755);
  return silent('ignore', {}, 'setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', path.join(dir, 'queqiao'), 'serve']);
}

test('SEC-4: not dumpable, no cores, no new privileges, no child, and it runs without root', async () => {
  const g = await asNobody();
  const of = (name) => readFileSync(`/proc/${g.pid}/${name}`, 'utf8');
  assert.match(of('status'), /^NoNewPrivs:\t1$/m);
  assert.match(of('limits'), /^Max core file size +0 +0 /m);
  const { uid } = statSync(`/proc/${g.pid}/environ`);
  assert.equal(uid, 0, 'not dumpable');
  const real = Number(/^Uid:\t(\d+)/m.exec(of('status'))[1]);
  assert.notEqual(real, 0);
  for (const task of readdirSync(`/proc/${g.pid}/task`)) assert.equal(of(`task/${task}/children`), '');
  await g.stop();
});

/** Every place in the process's memory where these bytes stand. */
function inMemory(pid, bytes) {
  const found = [];
  const mem = openSync(`/proc/${pid}/mem`, 'r');
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const m = /^([0-9a-f]+)-([0-9a-f]+) rw.. \S+ \S+ \S+ *(.*)$/.exec(line);
    if (m === null || m[3].startsWith('[v')) continue;
    const from = BigInt(`0x${m[1]}`);
    const room = Buffer.alloc(Number(BigInt(`0x${m[2]}`) - from));
    let n = 0;
    try {
      n = readSync(mem, room, 0, room.length, from);
    } catch {
      continue; // a guard page
    }
    for (let at = room.indexOf(bytes); at >= 0 && at < n; at = room.indexOf(bytes, at + 1))
      found.push(`${(from + BigInt(at)).toString(16)} ${m[3]}`);
  }
  closeSync(mem);
  return found;
}

test('SEC-3, SEC-4: secrets leave the environment; a reload wipes the old ones from memory', {
  skip: process.getuid() !== 0 ? 'reading another process needs root' : SLOW && 'sanitizers keep what was freed',
}, async () => {
  const old = { env: 'old-environment-key-4711', file: 'old-keys-file-key-4711', token: 'old-config-token-4711', more: 'old-tokens-file-token-4711' };
  const keys = secretFile(`# one\n${old.file}\n`);
  const tokens = secretFile(`${old.more}\n`);
  const pem = readFileSync(certificates().key, 'utf8').split('\n')[1]; // a line of the private key
  const config = (token) => ({ auth_token: token, gemini_api_keys_file: keys, auth_tokens_file: tokens });
  const s = await reloadable(config(old.token), { GEMINI_API_KEY: old.env,
    QUEQIAO_TLS_CERT: certificates().cert, QUEQIAO_TLS_KEY: certificates().key });
  assert.doesNotMatch(readFileSync(`/proc/${s.gateway.pid}/environ`, 'latin1'), /old-|4711/);
  assert.ok(inMemory(s.gateway.pid, old.file).length > 0, 'it can be found where it is');
  assert.deepEqual(inMemory(s.gateway.pid, pem), [], 'the text of the private key');
  writeFileSync(keys, 'new-keys-file-key-4711\n');
  writeFileSync(tokens, 'new-tokens-file-token-4711\n');
  assert.match(await s.reload(config('new-config-token-4711')), /2 keys, 2 tokens/);
  for (const secret of [old.file, old.token, old.more])
    await until(`${secret} to be gone`, () => inMemory(s.gateway.pid, secret).length === 0);
  assert.ok(inMemory(s.gateway.pid, 'new-keys-file-key-4711').length > 0);
  await s.close();
});

// ------------------------------------------------------------------------------------ the clock

/** LD_PRELOAD needs a program with a loader: the build for daily work, where the one under test is static. */
const dynamic = [BIN, path.join(ROOT, 'build/dev/queqiao')].find((file) => existsSync(file) && !isStaticFile(file));

test('LIM-17: a wall clock that jumps by an hour or a year changes no stream, no connection, no key', {
  skip: dynamic === undefined ? 'no build that takes LD_PRELOAD' : SLOW && 'a sanitizer wants to be the first library',
}, async () => {
  const library = path.join(dir, 'clock.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, path.join(ROOT, 'tests/fc/clock.c')]);
  const offsets = path.join(dir, 'offsets');
  const file = openSync(offsets, 'w+');
  const wall = (seconds) => {
    const b = Buffer.alloc(16);
    b.writeBigInt64LE(BigInt(seconds) * 1_000_000_000n, 8);
    writeSync(file, b, 0, 16, 0);
  };
  wall(0);
  const limited = 'key-limited-0123456789';
  const waits = new Map();
  const upstream = await Scripted.start(async (req, res, body) => {
    const text = JSON.stringify(body ?? '');
    if (req.headers['x-goog-api-key'] === limited)
      return gm.error(res, 429, 'RESOURCE_EXHAUSTED', 'quota', [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '3000s' }]);
    const door = waits.get(/wait-[a-z]+/.exec(text)?.[0]);
    if (door === undefined) return gm.answer(req, res, 'hi');
    await gm.inTwo(res, door.opened);
  }, { tls: false }); // its certificate has a year of its own
  const g = await Gateway.start({ upstream, file: dynamic, env: {
    GEMINI_API_KEY: `${limited},${KEY}`, QUEQIAO_WORKERS: '1', LD_PRELOAD: library, CLOCK_FILE: offsets } });
  const date = async () => Date.parse((await g.fetch('/health', { token: null })).headers.get('date'));
  const askedOfLimited = () => upstream.seen.filter((s) => s.headers['x-goog-api-key'] === limited).length;
  let n = 0;
  const ask = async () => {
    const r = await g.chat({ messages: [{ role: 'user', content: `conversation ${n++}` }] }); // each may go to another key
    assert.equal(r.status, 200);
    await r.text();
  };
  await until('the limited key to be asked, and to rest', async () => (await ask(), askedOfLimited()) > 0);
  const idle = await Raw.open(g.port);
  idle.write(request('GET', '/health'));
  assert.equal((await idle.response()).status, 200);
  const year = 365 * 86400;
  for (const [name, jump] of [['hour', 3600], ['back', -3600], ['year', year], ['yearback', -year]]) {
    waits.set(`wait-${name}`, gate());
    const stream = await g.chat({ messages: [{ role: 'user', content: `wait-${name}` }], stream: true });
    const asked = askedOfLimited();
    wall(jump);
    assert.ok(Math.abs(await date() - Date.now() - jump * 1000) < 60_000, 'the clock has jumped');
    for (let i = 0; i < 6; i++) await ask();
    assert.equal(askedOfLimited(), asked, `the limited key still rests: ${name}`);
    idle.write(request('GET', '/health'));
    assert.equal((await idle.response()).status, 200, 'an idle connection is still open');
    waits.get(`wait-${name}`).open();
    assert.equal((await gather(stream)).text, 'one two', name);
    wall(0);
    await ask();
  }
  idle.leave();
  await g.stop();
  await upstream.stop();
  closeSync(file);
});
