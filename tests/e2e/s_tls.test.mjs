// HTTPS for clients: versions, ALPN, names, reload, and files that must not be. Titles begin with the ids of hardening.md.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, closeSync, constants, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { BIN, Child, Gateway, KEY, SLOW, Scripted, TOKEN, certificateFor, certificates, deadline, during, gate, gm, hello, until } from './lib.mjs';

const dir = mkdtempSync(path.join(os.tmpdir(), 'queqiao-tls-'));
after(() => {
  Child.reap();
  rmSync(dir, { recursive: true, force: true });
});
const localhost = certificates();
const ca = readFileSync(localhost.ca);
const pair = (p) => ({ QUEQIAO_TLS_CERT: p.cert, QUEQIAO_TLS_KEY: p.key });

let waiting = gate();
const upstream = await Scripted.start(async (req, res, body) => {
  if (!JSON.stringify(body).includes('wait')) return gm.answer(req, res, 'hi');
  await gm.inTwo(res, waiting.opened);
});
after(() => upstream.stop());

async function within(env, scene) {
  const gateway = await Gateway.start({ upstream, env: { ...pair(localhost), ...env } });
  await during(() => scene(gateway), () => gateway.stop());
  return gateway;
}

/** A TLS connection, or why there is none. */
function connect(port, options = {}) {
  return deadline(new Promise((resolve, reject) => {
    const s = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ...options });
    s.on('error', reject).on('close', () => reject(new Error('closed')));
    s.on('secureConnect', () => resolve(s));
  }), 'the handshake');
}
const refused = (port, options) => assert.rejects(connect(port, options).then((s) => s.destroy()));
/** A CN: which certificate did the client get? */
const shown = async (port, options) => {
  const s = await connect(port, options);
  const { CN } = s.getPeerCertificate().subject;
  s.destroy();
  return CN;
};

const body = (text, stream) => JSON.stringify({ model: 'gemini-3.8-flash', messages: [{ role: 'user', content: text }], stream });
const fields = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };

/** HTTP/1.1 over TLS: status and text. */
function post1(port, text, { stream = false, ...options } = {}) {
  return deadline(new Promise((resolve, reject) => {
    const req = https.request({ port, host: '127.0.0.1', servername: 'localhost', ca, method: 'POST', path: '/v1/chat/completions',
      headers: fields, agent: false, ...options }, (res) => {
      let got = '';
      res.setEncoding('utf8').on('data', (d) => (got += d)).on('end', () => resolve({ status: res.statusCode, text: got }));
      res.on('error', reject);
      options.began?.();
    });
    req.on('error', reject).end(body(text, stream));
  }), 'an answer over HTTP/1.1');
}
/** The same over HTTP/2, on a session that may be kept. */
function post2(session, text, { stream = false, began } = {}) {
  return deadline(new Promise((resolve, reject) => {
    const req = session.request({ ':method': 'POST', ':path': '/v1/chat/completions', ...fields });
    let status;
    let got = '';
    req.on('response', (h) => ((status = h[':status']), began?.()));
    req.setEncoding('utf8').on('data', (d) => (got += d)).on('end', () => resolve({ status, text: got })).on('error', reject);
    req.end(body(text, stream));
  }), 'an answer over HTTP/2');
}
const session2 = (port, options) => http2.connect(`https://localhost:${port}`, { ca, host: '127.0.0.1', servername: 'localhost', ...options });

test('TLS-2: HTTP/1.1 and HTTP/2 over TLS 1.2 and 1.3, whole and streamed', () => within({}, async (g) => {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const versions = { minVersion: version, maxVersion: version };
    for (const stream of [false, true]) {
      const one = await post1(g.port, 'hello', { stream, ...versions });
      assert.equal(one.status, 200);
      assert.match(one.text, stream ? /data: \[DONE\]/ : /"content":"hi"/);
      const session = session2(g.port, versions);
      const two = await post2(session, 'hello', { stream });
      assert.equal(two.status, 200);
      assert.match(two.text, stream ? /data: \[DONE\]/ : /"content":"hi"/);
      assert.equal(session.alpnProtocol, 'h2');
      session.close();
    }
  }
}));

test('TLS-2: ALPN is h2 or http/1.1; none is HTTP/1.1; nothing of ours is refused', () => within({}, async (g) => {
  for (const [offer, chosen] of [[['h2', 'http/1.1'], 'h2'], [['http/1.1', 'h2'], 'h2'], [['http/1.1'], 'http/1.1'], [undefined, false]]) {
    const s = await connect(g.port, { ...(offer && { ALPNProtocols: offer }) });
    assert.equal(s.alpnProtocol, chosen);
    if (chosen !== 'h2') {
      s.write('GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      let text = '';
      for await (const d of s) text += d;
      assert.match(text, /^HTTP\/1\.1 200 /);
    }
    s.destroy();
  }
  await refused(g.port, { ALPNProtocols: ['spdy/3', 'mqtt'] });
}));

test('TLS-2: old versions and ciphers without ECDHE and AEAD are refused', () => within({}, async (g) => {
  const old = { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' };
  await refused(g.port, { ...old, maxVersion: 'TLSv1' });
  await refused(g.port, { ...old, maxVersion: 'TLSv1.1' });
  for (const cipher of ['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA', 'AES128-GCM-SHA256', 'DHE-RSA-AES128-GCM-SHA256'])
    await refused(g.port, { maxVersion: 'TLSv1.2', ciphers: `${cipher}:@SECLEVEL=0` });
  const s = await connect(g.port, { maxVersion: 'TLSv1.2' });
  assert.match(s.getCipher().name, /^ECDHE-.*(GCM|CHACHA20)/);
  s.destroy();
  assert.equal((await post1(g.port, 'hello')).status, 200);
}));

test('TLS-2: no renegotiation, no compression, no 0-RTT; a ticket makes the next handshake short', () => within({}, async (g) => {
  const first = await connect(g.port, { maxVersion: 'TLSv1.2' });
  await deadline(new Promise((resolve) => {
    first.on('error', resolve).on('close', resolve);
    first.renegotiate({}, (e) => resolve(assert.ok(e)));
  }), 'the renegotiation to fail');
  first.destroy();
  for (const version of ['-tls1_2', '-tls1_3']) {
    const said = await new Promise((resolve) => {
      const c = execFile('openssl', ['s_client', '-connect', `127.0.0.1:${g.port}`, '-servername', 'localhost', version, '-comp'],
        { timeout: 60_000 }, (e, out) => resolve(out));
      c.stdin.end('GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    });
    assert.match(said, /Compression: NONE/);
    assert.doesNotMatch(said, /Max Early Data: [1-9]/);
    assert.match(said, /HTTP\/1\.1 200 |session ticket|Verify return/i);
  }
  const s = await connect(g.port, { maxVersion: 'TLSv1.3' });
  s.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [ticket] = await deadline(once(s, 'session'), 'a ticket');
  s.destroy();
  const again = await connect(g.port, { session: ticket });
  assert.ok(again.isSessionReused());
  again.destroy();
}));

test('TLS-2: of several certificates the client gets the one for the name that it asks for', () => {
  const a = certificateFor(['a.example.test', 'shared.example.test']);
  const any = certificateFor(['*.wild.test']);
  const shared = certificateFor(['shared.example.test', 'b.example.test']);
  return within({
    QUEQIAO_TLS_CERT: [localhost.cert, a.cert, any.cert, shared.cert].join(', '),
    QUEQIAO_TLS_KEY: [localhost.key, a.key, any.key, shared.key].join(','),
  }, async (g) => {
    for (const [servername, CN] of [
      ['localhost', 'localhost'], ['a.example.test', 'a.example.test'], ['A.Example.Test', 'a.example.test'],
      ['x.wild.test', '*.wild.test'], ['b.example.test', 'shared.example.test'],
      ['shared.example.test', 'a.example.test'], // the first that fits
    ]) assert.equal(await shown(g.port, { servername, checkServerIdentity: () => undefined }), CN, servername);
    for (const servername of ['unknown.test', 'y.x.wild.test', ''])
      assert.equal(await shown(g.port, { servername, checkServerIdentity: () => undefined }), 'localhost', servername);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
      const s = await connect(g.port, { servername: 'a.example.test', maxVersion, ALPNProtocols: ['h2'] });
      assert.equal(s.alpnProtocol, 'h2', 'ALPN holds for every certificate');
      s.destroy();
    }
  });
});

test('TLS-2: plain HTTP and noise on the TLS port are closed, and everybody else is served', () => within({}, async (g) => {
  for (const bytes of ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01\xff\xff', '\x80\x2e\x01\x00\x02', '\0'.repeat(4096)]) {
    const c = net.connect(g.port, '127.0.0.1');
    c.on('error', () => {});
    let got = '';
    c.on('data', (d) => (got += d.toString('latin1')));
    c.end(Buffer.from(bytes, 'latin1'));
    await deadline(once(c, 'close'), 'the end of the connection');
    assert.doesNotMatch(got, /HTTP/);
  }
  assert.equal((await post1(g.port, 'hello')).status, 200);
}));

test('LIM-19: five hundred idle connections over TLS cost little more than OpenSSL alone does', { skip: SLOW && 'sanitizers have memory of their own' },
  () => within({ QUEQIAO_WORKERS: '1' }, async (g) => {
    const idle = async (n) => {
      const all = [];
      while (all.length < n)
        all.push(...await Promise.all(Array.from({ length: 50 }, async () => {
          const s = await connect(g.port);
          s.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
          await deadline(once(s, 'data'), 'an answer');
          return s;
        })));
      return all;
    };
    (await idle(50)).forEach((s) => s.destroy());
    const before = g.rss();
    const all = await idle(500);
    const each = (g.rss() - before) / all.length;
    assert.ok(each <= 17 * 1024, `${Math.round(each)} bytes for an idle connection`);
    all.forEach((s) => s.destroy());
  }));

test('LIM-6: who says nothing, or never ends the handshake, is closed', () => within({}, async (g) => {
  const silent = net.connect(g.port, '127.0.0.1');
  const half = net.connect(g.port, '127.0.0.1');
  half.write(Buffer.from('160301', 'hex'));
  for (const c of [silent, half]) c.on('error', () => {}).resume();
  await deadline(Promise.all([once(silent, 'close'), once(half, 'close')]), 'both to be closed', 60_000);
  assert.equal((await post1(g.port, 'hello')).status, 200);
}));

test('TLS-2, PRC-1: SIGHUP brings a new certificate; streams on old connections go on; a bad pair keeps the old', async () => {
  const files = { cert: path.join(dir, 'live.pem'), key: path.join(dir, 'live.key') };
  const put = (p, { cert = p.cert, key = p.key } = {}) => {
    copyFileSync(cert, files.cert);
    copyFileSync(key, files.key);
    chmodSync(files.key, 0o600);
  };
  const fresh = certificateFor(['localhost', 'fresh.test'], { file: 'fresh' });
  const other = certificateFor(['other.test']);
  execFileSync('openssl', ['ec', '-in', fresh.key, '-aes128', '-passout', 'pass:x', '-out', path.join(dir, 'locked.key')], { stdio: 'pipe' });
  put(localhost);
  waiting = gate();
  await within(pair(files), async (g) => {
    let reloads = 0;
    const reload = async () => {
      g.signal('SIGHUP');
      reloads++;
      const lines = () => g.stderr.match(/^.*ev=reload .*$/mg) ?? [];
      await until('the reload to be logged', () => lines().length === reloads);
      return lines().at(-1);
    };
    const serial = async () => {
      const s = await connect(g.port);
      const { serialNumber } = s.getPeerCertificate();
      s.destroy();
      return serialNumber;
    };
    const before = await serial();
    const session = session2(g.port);
    const begun = [gate(), gate()];
    const running = [
      post2(session, 'wait', { stream: true, began: begun[0].open }),
      post1(g.port, 'wait', { stream: true, began: begun[1].open }),
    ];
    await deadline(Promise.all(begun.map((b) => b.opened)), 'both streams to begin');
    for (const [what, bad, reason] of [
      ['a key of another', () => put(fresh, { key: other.key }), /the key is not the certificate's/],
      ['a broken certificate', () => writeFileSync(files.cert, readFileSync(fresh.cert).subarray(0, 300)), /the certificate cannot be used/],
      ['a broken chain', () => { put(fresh); writeFileSync(files.cert, `${readFileSync(fresh.cert)}-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n`); }, /the certificate cannot be used/],
      ['an empty key', () => { put(fresh); writeFileSync(files.key, ''); }, /the key cannot be used/],
      ['a key with a passphrase', () => put(fresh, { key: path.join(dir, 'locked.key') }), /the key cannot be used/],
      ['no file', () => rmSync(files.cert), /live\.pem cannot be read/],
      ['a key for everybody', () => { put(fresh); chmodSync(files.key, 0o644); }, /every user of this system can read it/],
    ]) {
      bad();
      const line = await reload();
      assert.match(line, /level=error/, what);
      assert.match(line, reason, what);
      assert.equal(await serial(), before, what);
    }
    put(fresh);
    assert.match(await reload(), /level=info/);
    assert.notEqual(await serial(), before);
    assert.equal((await post2(session, 'hello')).status, 200, 'the old connection is still good');
    waiting.open();
    for (const r of await Promise.all(running)) {
      assert.equal(r.status, 200);
      assert.match(r.text, /"one "[^]*"two"[^]*data: \[DONE\]/);
    }
    session.close();
    rmSync(files.cert);
    await reload();
    assert.equal((await post1(g.port, 'hello')).status, 200);
  });
});

test('PRC-7: a certificate that never answers holds up a reload, and no request', async () => {
  const files = { cert: path.join(dir, 'hangs.pem'), key: path.join(dir, 'hangs.key') };
  copyFileSync(localhost.cert, files.cert);
  copyFileSync(localhost.key, files.key);
  chmodSync(files.key, 0o600);
  await within({ ...pair(files), QUEQIAO_WORKERS: '1' }, async (g) => {
    rmSync(files.cert);
    execFileSync('mkfifo', [files.cert]);
    g.signal('SIGHUP');
    // Who opens a FIFO for writing without waiting is told whether somebody wants to read.
    const writer = await until('it to be read', () => {
      try { return openSync(files.cert, constants.O_WRONLY | constants.O_NONBLOCK); } catch { return 0; }
    });
    const session = session2(g.port);
    for (let i = 0; i < 20; i++) {
      assert.equal((await post1(g.port, 'hello')).status, 200, 'over a new connection');
      assert.equal((await post2(session, 'hello')).status, 200, 'over an old one');
    }
    session.close();
    assert.doesNotMatch(g.stderr, /ev=reload/, 'it still waits');
    writeSync(writer, readFileSync(localhost.cert));
    closeSync(writer);
    await until('the reload', () => /level=info ev=reload/.test(g.stderr));
    assert.equal((await post1(g.port, 'hello')).status, 200);
  });
});

test('PRC-1: SIGTERM on HTTP/2: GOAWAY at once, the stream finishes, exit 0', async () => {
  waiting = gate();
  const g = await Gateway.start({ upstream, env: pair(localhost) });
  const session = session2(g.port);
  const goaway = once(session, 'goaway');
  const begun = gate();
  const running = post2(session, 'wait', { stream: true, began: begun.open });
  await deadline(begun.opened, 'the stream to begin');
  g.signal('SIGTERM');
  const [code] = await deadline(goaway, 'GOAWAY');
  assert.equal(code, http2.constants.NGHTTP2_NO_ERROR);
  assert.equal(g.end, undefined);
  waiting.open();
  const { text } = await running;
  assert.match(text, /"one "[^]*"two"[^]*data: \[DONE\]/);
  assert.deepEqual(await deadline(g.ended, 'the exit'), { code: 0, signal: null });
  session.destroy();
  await g.stop();
});

const start = (env) => new Promise((resolve) => {
  execFile(BIN, ['--check-config'], { env: { PATH: process.env.PATH, GEMINI_API_KEY: KEY, AUTH_TOKEN: TOKEN, ...env }, timeout: 60_000 },
    (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stderr }));
});

test('TLS-2: a pair that does not fit is told in one line, and nothing starts', async () => {
  const other = certificateFor(['odd.test']);
  for (const [env, words] of [
    [{ QUEQIAO_TLS_CERT: localhost.cert }, /QUEQIAO_TLS_CERT and QUEQIAO_TLS_KEY must name as many files/],
    [{ QUEQIAO_TLS_KEY: localhost.key }, /must name as many files/],
    [{ QUEQIAO_TLS_CERT: `${localhost.cert},${other.cert}`, QUEQIAO_TLS_KEY: localhost.key }, /must name as many files/],
    [{ QUEQIAO_TLS_CERT: `${localhost.cert},${other.cert}`, QUEQIAO_TLS_KEY: `${localhost.key},${localhost.key}` }, /odd\.test\.pem.*the key is not the certificate's/],
    [{ QUEQIAO_TLS_CERT: '/nonexistent', QUEQIAO_TLS_KEY: localhost.key }, /QUEQIAO_TLS_CERT \/nonexistent cannot be read/],
    [{ QUEQIAO_TLS_CERT: localhost.key, QUEQIAO_TLS_KEY: localhost.key }, /the certificate cannot be used/],
  ]) {
    const r = await start(env);
    assert.equal(r.code, 1, JSON.stringify(env));
    assert.match(r.stderr, words);
    assert.equal(r.stderr.trim().split('\n').length, 1);
  }
  assert.equal((await start(pair(localhost))).code, 0);
});

test('SEC-3: files with secrets that every user may read or change: no start; where no other users are: a start', async () => {
  const file = (name, text, mode) => {
    const at = path.join(dir, name);
    writeFileSync(at, text);
    chmodSync(at, mode);
    return at;
  };
  for (const [name, env, text] of [
    ['keys', 'GEMINI_API_KEYS_FILE', 'a-secret-key-0123456789\n'],
    ['tokens', 'AUTH_TOKENS_FILE', 'a-secret-token-0123456789\n'],
    ['config', 'QUEQIAO_CONFIG', '{"auth_token":"a-secret-token-0123456789"}'],
    ['key.pem', 'QUEQIAO_TLS_KEY', readFileSync(localhost.key)],
  ]) {
    for (const [mode, words] of [[0o644, /can read it: chmod 600/], [0o604, /can read it/], [0o666, /can change it/], [0o602, /can change it/]]) {
      const at = file(name, text, mode);
      const r = await start({ QUEQIAO_TLS_CERT: env === 'QUEQIAO_TLS_KEY' ? localhost.cert : '', [env]: at });
      assert.equal(r.code, 1, `${name} ${mode.toString(8)}`);
      assert.match(r.stderr, words);
      assert.ok(r.stderr.includes(at));
      assert.doesNotMatch(r.stderr, /a-secret/);
      const alone = await start({ QUEQIAO_PLATFORM: 'kubernetes', QUEQIAO_TLS_CERT: env === 'QUEQIAO_TLS_KEY' ? localhost.cert : '', [env]: at });
      assert.equal(alone.code, 0, alone.stderr);
    }
    for (const mode of [0o600, 0o400, 0o640, 0o660])
      assert.equal((await start({ QUEQIAO_TLS_CERT: env === 'QUEQIAO_TLS_KEY' ? localhost.cert : '', [env]: file(name, text, mode) })).code, 0, mode.toString(8));
  }
  const open = file('open.json', '{"queqiao_attempts":2}', 0o644);
  assert.equal((await start({ QUEQIAO_CONFIG: open })).code, 0, 'a config without secrets is nobody\'s secret');
});

test('TLS-3: the version of OpenSSL is logged at start', async () => {
  const g = await within({}, async () => {});
  assert.match(g.stderr, /ev=start .*OpenSSL 3\.\d+/);
});

test('TLS-2: a certificate that expires soon, or has, is warned of in the log and by the doctor', async () => {
  const soon = certificateFor(['localhost'], { days: 3, file: 'soon' });
  await within(pair(soon), async (g) => {
    await g.said(/level=warn ev=tls .*soon\.pem expires in [23] days/);
    const text = await new Promise((resolve, reject) => {
      https.get({ port: g.port, host: '127.0.0.1', servername: 'localhost', ca, path: '/doctor?format=json', headers: fields }, (res) => {
        let got = '';
        res.setEncoding('utf8').on('data', (d) => (got += d)).on('end', () => resolve(got));
      }).on('error', reject);
    });
    assert.match(text, /"cert-expiring"/);
    assert.match(text, /soon\.pem/);
  });
});

test('the openai client speaks to it with nothing but the CA', () => within({}, async (g) => {
  const script = `import OpenAI from 'openai';
    const c = new OpenAI({ baseURL: 'https://localhost:${g.port}/v1', apiKey: '${TOKEN}', maxRetries: 0 });
    const messages = ${JSON.stringify(hello)};
    const whole = await c.chat.completions.create({ model: 'gemini-3.8-flash', messages });
    let text = '';
    for await (const e of await c.chat.completions.create({ model: 'gemini-3.8-flash', messages, stream: true })) text += e.choices[0]?.delta?.content ?? '';
    console.log(whole.choices[0].message.content, text);`;
  const out = await new Promise((resolve, reject) => execFile(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname),
    env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: localhost.ca }, timeout: 60_000,
  }, (e, stdout, stderr) => (e ? reject(new Error(`${e.message}${stderr}`)) : resolve(stdout))));
  assert.equal(out.trim(), 'hi hi');
}));
