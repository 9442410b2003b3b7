// Start and stop: options, signals, and running answers that may finish.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import net from 'node:net';
import { test } from 'node:test';
import { BIN, Child, Gateway, Raw, Scripted, deadline, freePort, gate, gather, gm, hello, isStaticFile, request, until } from './lib.mjs';

const run = (args, env = {}) => new Promise((resolve) => {
  execFile(BIN, args, { env: { PATH: process.env.PATH, ...env }, timeout: 60_000 },
    (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
});
const refuses = (port) => new Promise((resolve) => {
  const c = net.connect(port, '127.0.0.1');
  c.on('connect', () => (c.destroy(), resolve(false)));
  c.on('error', () => resolve(true));
});

test('--version, --help, --check-config', async () => {
  const version = await run(['--version']);
  assert.equal(version.code, 0);
  assert.match(version.stdout, /^queqiao \d+\.\d+\.\d+/);
  const help = await run(['--help']);
  assert.equal(help.code, 0);
  for (const word of ['serve', 'demo', 'GEMINI_API_KEY', 'AUTH_TOKEN', 'QUEQIAO_LISTEN']) assert.ok(help.stdout.includes(word), word);
  const check = await run(['--check-config'], { GEMINI_API_KEY: 'a-secret-key-0123456789' });
  assert.equal(check.code, 0, check.stderr);
  assert.ok(!`${check.stdout}${check.stderr}`.includes('a-secret-key-0123456789'));
});

test('PRC-3: what is wrong with a setting is said in one line, and the exit status is not 0', async () => {
  for (const [env, word] of [
    [{ QUEQIAO_LISTEN: 'nonsense' }, 'QUEQIAO_LISTEN'],
    [{ QUEQIAO_LISTEN: '127.0.0.1:99999' }, 'QUEQIAO_LISTEN'],
    [{ GEMINI_BASE_URL: 'ftp://example.test' }, 'GEMINI_BASE_URL'],
    [{ QUEQIAO_LOG_LEVEL: 'loud' }, 'QUEQIAO_LOG_LEVEL'],
    [{ QUEQIAO_WORKERS: 'many' }, 'QUEQIAO_WORKERS'],
    [{ GEMINI_API_KEYS_FILE: '/nonexistent/keys' }, 'GEMINI_API_KEYS_FILE'],
    [{ QUEQIAO_CONFIG: '/nonexistent/config' }, '/nonexistent/config'],
    [{ QUEQIAO_BYOK: 'perhaps' }, 'QUEQIAO_BYOK'],
  ]) {
    for (const args of [['--check-config'], ['serve']]) {
      const r = await run(args, { GEMINI_API_KEY: 'a-secret-key-0123456789', ...env });
      assert.notEqual(r.code, 0, `${JSON.stringify(env)} ${args}`);
      assert.ok(r.stderr.includes(word), `${word} in: ${r.stderr}`);
      assert.ok(!r.stderr.includes('a-secret-key-0123456789'));
    }
  }
  const unknown = await run(['sevre']);
  assert.notEqual(unknown.code, 0);
  assert.ok(unknown.stderr.length > 0);
});

test('a port that is taken is said so', async () => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await new Promise((r) => taken.once('listening', r));
  const r = await run(['serve'], { GEMINI_API_KEY: 'k', AUTH_TOKEN: 't', QUEQIAO_LISTEN: `127.0.0.1:${taken.address().port}` });
  taken.close();
  assert.notEqual(r.code, 0);
  assert.match(r.stderr, /in use/i);
});

test('the port of the platform, on every address', async () => {
  for (const name of ['FC_SERVER_PORT', 'FC_CUSTOM_LISTEN_PORT', 'PORT']) {
    const port = await freePort();
    const g = new Child(BIN, ['serve'], { GEMINI_API_KEY: 'k', AUTH_TOKEN: 't', [name]: String(port) });
    const m = await g.said(/listening on http:\/\/(\[[^\]]*\]|[^\s:]+):(\d+)/);
    assert.equal(m[2], String(port), name);
    assert.ok(/^(0\.0\.0\.0|\[::\])$/.test(m[1]), m[1]);
    await g.stop();
  }
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`PRC-1: ${signal}: a running stream finishes, new connections are refused, exit 0`, async () => {
    const door = gate();
    const upstream = await Scripted.start(async (req, res) => {
      await gm.inTwo(res, door.opened);
    });
    const g = await Gateway.start({ upstream });
    const idle = await Raw.open(g.port);
    idle.write(request('GET', '/health'));
    assert.equal((await idle.response()).status, 200);
    const stream = await g.chat({ messages: hello, stream: true });
    assert.equal(stream.status, 200);
    await until('upstream to be asked', () => upstream.seen.length === 1);
    g.signal(signal);
    await until('no more connections', () => refuses(g.port));
    await idle.closed();
    assert.equal(g.end, undefined, 'it waits for the stream');
    door.open();
    const { text, done } = await gather(stream);
    assert.equal(text, 'one two');
    assert.ok(done);
    const end = await deadline(g.ended, 'the exit');
    assert.deepEqual(end, { code: 0, signal: null });
    await g.stop();
    await upstream.stop();
  });
}

test('PRC-1: a drain that takes too long ends its streams with an error event, exit 0', async () => {
  const upstream = await Scripted.start(async (req, res) => {
    gm.head(res);
    gm.event(res, gm.chunk('one '));
    await new Promise((r) => res.once('close', r));
  });
  const g = await Gateway.start({ upstream, env: { QUEQIAO_DRAIN_TIMEOUT: '300ms' } });
  const stream = await g.chat({ messages: hello, stream: true });
  await until('upstream to be asked', () => upstream.seen.length === 1);
  const all = gather(stream);
  g.signal('SIGTERM');
  const { chunks, done } = await all;
  assert.equal(done, false);
  assert.ok(chunks.at(-1).error);
  assert.deepEqual(await deadline(g.ended, 'the exit'), { code: 0, signal: null });
  await g.stop();
  await upstream.stop();
});

test('PRC-1: who waits for the list of models when the drain is over gets the built-in one', async () => {
  const upstream = await Scripted.start(() => {});
  const g = await Gateway.start({ upstream, env: { QUEQIAO_DRAIN_TIMEOUT: '300ms' } });
  const list = g.fetch('/v1/models');
  await until('upstream to be asked', () => upstream.seen.length === 1);
  g.signal('SIGTERM');
  const r = await list;
  assert.equal(r.status, 200);
  assert.ok((await r.json()).data.length > 0);
  await g.stop();
  await upstream.stop();
});

for (const workers of ['1', '4']) test(`PRC-1: a second signal ends it at once, with ${workers} workers`, async () => {
  const upstream = await Scripted.start(async (req, res) => {
    gm.head(res);
    gm.event(res, gm.chunk('one '));
    await new Promise((r) => res.once('close', r));
  });
  const g = await Gateway.start({ upstream, env: { QUEQIAO_DRAIN_TIMEOUT: '1h', QUEQIAO_WORKERS: workers } });
  const stream = await g.chat({ messages: hello, stream: true });
  await until('upstream to be asked', () => upstream.seen.length === 1);
  g.signal('SIGTERM');
  await until('no more connections', () => refuses(g.port));
  g.signal('SIGTERM');
  await deadline(g.ended, 'the exit');
  await stream.text().catch(() => {});
  await upstream.stop();
});

test('queqiao demo: an answer with no key and no network, and it says what it is', async () => {
  const g = await Gateway.start({ args: ['demo'], env: { GEMINI_API_KEY: '', AUTH_TOKEN: '' } });
  try {
    const text = () => `${g.stdout}${g.stderr}`;
    await until('the greeting', () => /API key: \S+\n/.test(text())); // it comes in more than one write
    const said = text();
    assert.match(said, /emulat/i);
    const health = await (await g.fetch('/health', { token: null })).text();
    assert.match(health, /emulat/i);
    // The curl line that it prints works as printed.
    const curl = /curl (?:[^\n\\]|\\\n)*/.exec(said);
    assert.ok(curl, said);
    const { stdout } = await new Promise((resolve, reject) =>
      execFile('sh', ['-c', curl[0]], { timeout: 60_000 }, (e, out, err) => (e ? reject(new Error(`${e.message}${err}`)) : resolve({ stdout: out }))));
    assert.match(stdout, /chat\.completion/);
    assert.match(stdout, /"model":\s*"[^"]*emulat/i, 'the model field says so, too');
  } finally {
    await g.stop();
  }
});

const isStatic = isStaticFile(BIN);
test('one file, no libraries, no CA files: it starts in an empty root', {
  skip: process.getuid() !== 0 ? 'chroot needs root' : !isStatic && 'this build has libraries',
}, async () => {
  const { copyFileSync, mkdtempSync, rmSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const root = mkdtempSync(`${tmpdir()}/queqiao-root-`);
  try {
    copyFileSync(BIN, `${root}/queqiao`);
    const out = await new Promise((resolve, reject) =>
      execFile('chroot', [root, '/queqiao', '--version'], (e, stdout, stderr) => (e ? reject(new Error(stderr)) : resolve(stdout))));
    assert.match(out, /^queqiao /);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('TLS-3: the version of OpenSSL stands in the first line of the log', async () => {
  const g = await Gateway.start({});
  try {
    assert.match(g.stderr.split('\n')[0], /OpenSSL \d+\.\d+\.\d+/);
  } finally {
    await g.stop();
  }
});
