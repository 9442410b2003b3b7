// The fault matrix: upstream that cannot be reached, is not who it says it is (TLS-1), or is silent at
// any step (LIM-11, UPS-6). Nothing of it is held against a key.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { describe, test } from 'node:test';
import tls from 'node:tls';
import { Gateway, SLOW, TOKEN, UPSTREAM, deadline, hello } from './lib.mjs';
import { RawH1, RawH2, Road, badCertificates, words } from './upstreams.mjs';
import { SIDE_BY_SIDE, breaks, fails, holds, ok, scenes } from './faults.mjs';

const rows = [];
const play = (row, start) => rows.push(...scenes(row, start));
const FAR = fails(502, 'upstream_unreachable');
const LATE = fails(504, null, /first byte|silent|answer|long/);
const nothing = { turn() {}, tries: () => 0, async stop() {} };

// ------------------------------------------------------- TLS-1: every kind of certificate that is not

/** A TLS server whose certificate can be changed; `bytes` are those that came through TLS. */
async function startTls(options) {
  const { roots, good } = badCertificates();
  const upstream = { turn() {}, env: { SSL_CERT_FILE: roots, QUEQIAO_ATTEMPTS: '2' }, tls: true, bytes: 0, handshakes: 0 };
  const server = tls.createServer({ ...good, ALPNProtocols: ['http/1.1'], ...options }, (socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (d) => {
      text += d;
      upstream.bytes += d.length;
      const end = text.indexOf('\r\n\r\n');
      if (end < 0 || text.length < end + 4 + Number(/\r\ncontent-length: (\d+)/.exec(text)[1])) return;
      const body = words(text.includes(':streamGenerateContent')).join('');
      text = '';
      socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    });
  });
  const sockets = new Set();
  server.on('tlsClientError', () => {});
  server.on('connection', (c) => {
    upstream.handshakes++;
    sockets.add(c);
    c.on('error', () => {});
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  upstream.url = `https://localhost:${server.address().port}`;
  upstream.tries = () => upstream.handshakes;
  upstream.calm = () => {
    assert.equal(upstream.bytes, 0, 'no byte of a request was sent');
    server.setSecureContext(good);
  };
  upstream.stop = async () => {
    for (const c of sockets) c.destroy();
    server.close();
  };
  return upstream;
}

for (const [name, wrong] of badCertificates().bad)
  play({ id: 'TLS-1', name: `a certificate ${name}`, whole: FAR, stream: FAR, tries: 2 }, () => startTls(wrong));
play({ id: 'TLS-1', name: 'TLS 1.1', whole: FAR, stream: FAR, tries: 2, lost: true },
  () => startTls({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }).then((u) => ({ ...u, calm: undefined })));

// -------------------------------------------------------------------- no way to upstream (LIM-11)

const at = (url, env) => async () => ({ ...nothing, url, tls: url.startsWith('https'), env: { QUEQIAO_ATTEMPTS: '2', ...env } });
play({ id: 'LIM-11', name: 'a name that nobody knows', whole: FAR, stream: FAR, lost: true }, at('http://nowhere.invalid:80', { QUEQIAO_DNS_TIMEOUT: '300ms' }));

/** A port that nobody listens on until the row is calmed. A connection of ours begins there, so that it
 *  is given to nobody else meanwhile. */
async function startShut() {
  const upstream = await RawH1.start((c) => c.good());
  const keeper = net.connect({ port: upstream.port, host: '127.0.0.1', localAddress: '127.0.0.1' });
  keeper.on('error', () => {});
  await Promise.all([once(keeper, 'connect'), once(upstream.server, 'connection')]);
  upstream.server.close(); // listens no more; that connection stays
  upstream.url = upstream.url.replace(`:${upstream.port}`, `:${keeper.localPort}`);
  upstream.calm = () => once(upstream.server.listen(keeper.localPort, '127.0.0.1'), 'listening');
  return Object.assign(upstream, { turn() {}, tries: () => upstream.requests });
}
play({ id: 'LIM-11', name: 'a connection that is refused', whole: FAR, stream: FAR, tries: 0 }, startShut);

/** A listener whose process does nothing: its queue is full, and nobody answers the next SYN. */
async function startFull() {
  const child = spawn(process.execPath, ['-e', `
    const s = require('net').createServer();
    s.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('fs').writeSync(1, s.address().port + '\\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = Number(String((await once(child.stdout, 'data'))[0]));
  const fill = [];
  for (let stuck = 0; stuck < 2;) { // those that connect lie in the queue, the first that does not shows that it is full
    const c = net.connect({ port, host: '127.0.0.1' });
    c.on('error', () => {});
    fill.push(c);
    for (let i = 0; i < 10 && c.connecting; i++) await new Promise((r) => setTimeout(r, 50));
    stuck += c.connecting ? 1 : 0;
    assert.ok(fill.length < 64, 'a queue that has an end');
  }
  return {
    ...nothing, url: `http://127.0.0.1:${port}`, env: { QUEQIAO_ATTEMPTS: '2', QUEQIAO_CONNECT_TIMEOUT: '200ms' },
    async stop() {
      for (const c of fill) c.destroy();
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}
play({ id: 'LIM-11', name: 'a connection that is never answered', whole: FAR, stream: FAR, lost: true }, startFull);

/** TCP connections that do as `does` says, where TLS is expected. */
const startTcp = (does, env) => async () => {
  const sockets = new Set();
  const upstream = { ...nothing, tls: true, dials: 0, tries: () => upstream.dials, env: { QUEQIAO_ATTEMPTS: '2', ...env } };
  const server = net.createServer((c) => {
    upstream.dials++;
    sockets.add(c);
    c.on('error', () => {}).on('close', () => sockets.delete(c));
    does(c);
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  upstream.url = `https://localhost:${server.address().port}`;
  upstream.stop = async () => {
    for (const c of sockets) c.destroy();
    server.close();
  };
  return upstream;
};
for (const [name, does, env] of [
  ['a handshake that is never answered', () => {}, { QUEQIAO_CONNECT_TIMEOUT: '200ms' }],
  ['a handshake that is reset', (c) => c.once('data', () => c.resetAndDestroy())],
  ['a handshake that ends', (c) => c.once('data', () => c.end())],
  ['HTTP where TLS should be', (c) => c.once('data', () => c.end('HTTP/1.1 400 Bad Request\r\n\r\n'))],
]) play({ id: 'LIM-11', name, whole: FAR, stream: FAR, tries: 2, lost: true }, startTcp(does, env));

// ------------------------------------------------------------------------- silence; not asked again

async function startSilent(row, stream) {
  let calm = false;
  const upstream = await (UPSTREAM === 'tls' ? RawH2 : RawH1).start((c) => (calm ? c.good() : row.does(c)));
  upstream.stream = stream;
  return Object.assign(upstream, { turn() {}, calm: () => (calm = true), tries: () => upstream.requests });
}
// The next request of a row must be quicker than its limit.
const HURRY = SLOW ? '6s' : '3s';
const hurry = (row) => play({ id: 'LIM-11', tries: 1, ...row }, startSilent);
hurry({ name: 'no first byte', does() {}, whole: LATE, stream: LATE, env: { QUEQIAO_FIRST_BYTE_TIMEOUT: HURRY } });
hurry({ name: 'no first byte, with heartbeats', does() {}, stream: breaks(''), env: { QUEQIAO_FIRST_BYTE_TIMEOUT: HURRY, QUEQIAO_HEARTBEAT: '100ms' } });
hurry({ name: 'a head and nothing more', does: (c) => c.head(UPSTREAM === 'tls' ? [] : ['Transfer-Encoding: chunked']), whole: LATE, stream: LATE, env: { QUEQIAO_IDLE_TIMEOUT: HURRY } });
hurry({ name: 'silence inside the answer', does: (c) => c.begin(), whole: LATE, stream: breaks('one '), env: { QUEQIAO_IDLE_TIMEOUT: HURRY } });
hurry({ name: 'an answer that takes too long', does: (c) => c.begin(), whole: LATE, stream: breaks('one ', /longer than/), env: { QUEQIAO_TOTAL_TIMEOUT: HURRY } });

// -------------------------------------------------------------------- UPS-6: alive, it only seems so

rows.push(['UPS-6: a pooled connection that has become a black hole costs no client an error', async () => {
  const s = await RawH2.start((c) => c.good());
  s.stream = false;
  const road = await Road.start(s);
  const gateway = await Gateway.start({ upstream: road, env: { QUEQIAO_WORKERS: '1' } });
  try {
    await holds(await gateway.chat({ messages: hello }), ok(), false);
    assert.equal(road.darken(), 1);
    // Found out by PING within 30 s, so that this waits longer than other scenes do.
    const late = fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST', headers: { authorization: `Bearer ${TOKEN}` }, body: JSON.stringify({ model: 'gemini-3.8-flash', messages: hello }),
    });
    await holds(await deadline(late, 'the black hole to be found out', 2 * 30_000), ok(), false);
    assert.equal(road.connections, 2);
  } finally {
    await gateway.stop();
    await road.stop();
    await s.stop();
  }
}]);

describe('faults', { concurrency: SIDE_BY_SIDE }, () => {
  for (const [name, act] of rows) test(name, act);
});
