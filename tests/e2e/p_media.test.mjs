// Media by URL: left to Google where it takes URLs, else fetched here, under rules for what strangers
// may have asked for.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { after, test } from 'node:test';
import OpenAI from 'openai';
import { BIN, Gateway, TOKEN, certificates, gate, gather, gm, haveEmulator, stage, until } from './lib.mjs';

const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(3000, 'png')]);
const JPEG = Buffer.concat([Buffer.from('ffd8ffe000104a464946', 'hex'), Buffer.alloc(2000, 'jpeg')]);
const WAV = Buffer.concat([Buffer.from('RIFF....WAVEfmt '), Buffer.alloc(500)]);
const PDF = Buffer.from('%PDF-1.7\n%....\n1 0 obj\n');
const GIF = Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(100)]);

/** A server of files on loopback, over TLS: what each path does is a function in `paths`. */
class Media {
  static async start(paths, { tls = true } = {}) {
    const m = new Media();
    m.seen = [];
    m.open = 0;
    const serve = (req, res) => {
      m.seen.push({ url: req.url, headers: req.headers, rawHeaders: req.rawHeaders });
      m.open++;
      res.on('close', () => m.open--).on('error', () => {});
      const play = paths[req.url.split('?')[0]];
      if (play === undefined) res.writeHead(404).end('no such file');
      else if (Buffer.isBuffer(play)) res.writeHead(200, { 'content-type': 'application/octet-stream' }).end(play);
      else play(req, res, m);
    };
    const c = certificates();
    m.server = tls === 'h2' ? http2.createSecureServer({ cert: readFileSync(c.cert), key: readFileSync(c.key) }, serve)
      : tls ? https.createServer({ cert: readFileSync(c.cert), key: readFileSync(c.key) }, serve) : http.createServer(serve);
    m.sockets = new Set();
    m.server.on(tls ? 'secureConnection' : 'connection', (s) => {
      m.sockets.add(s);
      s.on('error', () => {}).on('close', () => m.sockets.delete(s));
    });
    m.server.on('tlsClientError', () => {});
    m.server.listen(0, '127.0.0.1').unref();
    await once(m.server, 'listening');
    m.port = m.server.address().port;
    m.host = `localhost:${m.port}`;
    m.url = `${tls ? 'https' : 'http'}://${m.host}`;
    return m;
  }
  stop() {
    for (const s of this.sockets) s.destroy();
    this.server.close();
  }
}

const go = (to, status = 302) => (req, res) => res.writeHead(status, { location: typeof to === 'function' ? to() : to }).end();
const held = gate();
const media = await Media.start({
  '/picture': PNG,
  '/really-a-png.jpg': PNG,
  '/photo.jpg': JPEG,
  '/jpeg': JPEG,
  '/sound': WAV,
  '/paper': PDF,
  '/gif': GIF,
  '/hop3': go('/hop2', 301),
  '/hop2': go('hop1', 307),
  '/hop1': go(() => `${media.url}/picture?x=1#y`, 308),
  '/hop4': go('/hop3'),
  '/loop': go('/loop'),
  '/to-alibaba': go('https://100.100.100.200/latest/meta-data/'),
  '/to-aws': go('https://169.254.169.254/latest/meta-data/'),
  '/to-private': go('https://10.0.0.1/x.png'),
  '/to-disguise': go('https://[64:ff9b::7f00:1]/x.png'),
  '/to-name': go('https://metadata.google.internal/computeMetadata/v1/'),
  '/to-http': go(() => `http://${media.host}/picture`),
  '/to-file': go('file:///etc/passwd'),
  '/to-nowhere': (req, res) => res.writeHead(302).end(),
  '/html': (req, res) => res.writeHead(200, { 'content-type': 'image/png' }).end('<!doctype html><title>not a picture</title>'),
  '/svg': (req, res) => res.writeHead(200, { 'content-type': 'image/svg+xml' }).end('<svg xmlns="http://www.w3.org/2000/svg"/>'),
  '/empty': (req, res) => res.writeHead(200, { 'content-type': 'image/png' }).end(),
  '/zipped': (req, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(PNG),
  '/part': (req, res) => res.writeHead(206, { 'content-range': 'bytes 0-9/3000' }).end(PNG.subarray(0, 10)),
  '/big': (req, res) => res.writeHead(200, { 'content-length': 100_001 }).end(Buffer.concat([PNG, Buffer.alloc(100_001 - PNG.length)])),
  '/big-unsaid': (req, res) => { res.writeHead(200); res.write(PNG); res.end(Buffer.alloc(100_000)); },
  '/fits': Buffer.concat([PNG, Buffer.alloc(100_000 - PNG.length)]),
  '/cut': (req, res) => { res.writeHead(200, { 'content-length': 5000 }); res.write(PNG); setImmediate(() => res.destroy()); },
  '/silent': () => {},
  '/held': async (req, res) => { await held.opened; res.end(PNG); },
});
after(() => media.stop());

const ENV = { QUEQIAO_FETCH_PRIVATE: media.host, QUEQIAO_FETCH_MAX: '100000', SSL_CERT_FILE: certificates().ca };
const image = (url) => ({ type: 'image_url', image_url: { url } });
const ask = (...parts) => ({ messages: [{ role: 'user', content: [...parts, { type: 'text', text: 'What is it?' }] }] });
const parts = (s) => s.upstream.seen.at(-1).body.contents.at(-1).parts.slice(0, -1);
const bytes = (part) => Buffer.from(part.inlineData.data, 'base64');
const GEMMA = 'gemma-4-31b-it'; // takes no URLs

// A gateway for each policy, all before one scripted Gemini that takes whatever comes.
const scene = (env) => stage({ play: (req, res) => gm.answer(req, res, 'a picture'), env: { ...ENV, ...env } });

const auto = await scene({});
after(() => auto.close());

async function answered(s, body, options) {
  const r = await s.gateway.chat(body, options);
  const text = await r.text();
  assert.equal(r.status, 200, text);
  return JSON.parse(text);
}

test('an address that tells its type is left to Google', async () => {
  const before = media.seen.length;
  await answered(auto, ask(image(`${media.url}/photo.jpg`)));
  assert.deepEqual(parts(auto), [{ fileData: { fileUri: `${media.url}/photo.jpg`, mimeType: 'image/jpeg' } }]);
  assert.equal(media.seen.length, before);
});

test('DAT-9: an address that does not is fetched, and its bytes tell the type', async () => {
  const before = media.seen.length;
  await answered(auto, ask(image(`${media.url}/picture?sig=a%2Fb#top`)));
  assert.equal(parts(auto)[0].inlineData.mimeType, 'image/png');
  assert.deepEqual(bytes(parts(auto)[0]), PNG);
  assert.equal(media.seen.length, before + 1);
  const seen = media.seen.at(-1);
  assert.equal(seen.url, '/picture?sig=a%2Fb');
  assert.deepEqual(Object.keys(seen.headers).sort(), ['accept', 'host', 'user-agent'].sort());
  assert.match(seen.headers['user-agent'], /^queqiao\//);
  await until('the log line', () => /ev=exchange .*fetched=1/.test(auto.gateway.stderr));
});

test('several files of several kinds, and one of them twice', async () => {
  const before = media.seen.length;
  await answered(auto, ask(image(`${media.url}/jpeg`), image(`${media.url}/picture`), image(`${media.url}/jpeg`),
    { type: 'audio_url', audio_url: { url: `${media.url}/sound` } },
    { type: 'file_url', file_url: `${media.url}/paper` }));
  assert.deepEqual(parts(auto).map((p) => p.inlineData.mimeType),
    ['image/jpeg', 'image/png', 'image/jpeg', 'audio/wav', 'application/pdf']);
  assert.deepEqual(parts(auto).map(bytes), [JPEG, PNG, JPEG, WAV, PDF]);
  assert.equal(media.seen.length, before + 4);
});

test('DAT-9: a model that takes no URLs gets bytes; the type is that of the bytes, whatever was declared', async () => {
  await answered(auto, { model: GEMMA, ...ask(image(`${media.url}/really-a-png.jpg`)) });
  assert.equal(parts(auto)[0].inlineData.mimeType, 'image/png');
});

test('YouTube, files and stored objects are never fetched here', async () => {
  const known = ['https://www.youtube.com/watch?v=abc', 'https://youtu.be/abc',
    'https://generativelanguage.googleapis.com/v1beta/files/abc', 'gs://bucket/object'];
  await answered(auto, ask(...known.map(image)));
  assert.deepEqual(parts(auto).map((p) => p.fileData.fileUri), known);
});

test('SSR-4: three redirects are followed, a fourth is not', async () => {
  await answered(auto, ask(image(`${media.url}/hop3`)));
  assert.deepEqual(bytes(parts(auto)[0]), PNG);
  assert.equal(media.seen.at(-1).url, '/picture?x=1');
  const r = await auto.gateway.chat({ model: GEMMA, ...ask(image(`${media.url}/hop4`)) });
  assert.equal(r.status, 400);
});

// What a client must not tell apart: a row each with what the operator's log says of it.
const REFUSED = [
  ['/hop4', /leads on more often/], ['/loop', /leads on more often/],
  ['/to-alibaba', /host=100\.100\.100\.200 .*the name has an address that may not be connected to/],
  ['/to-aws', /host=169\.254\.169\.254 .*may not be connected to/],
  ['/to-private', /host=10\.0\.0\.1 .*may not be connected to/],
  ['/to-disguise', /host=64:ff9b::7f00:1 .*may not be connected to/],
  ['/to-name', /host=metadata\.google\.internal .*none that may be asked/],
  ['/to-http', /no URL that may be followed/], ['/to-file', /no URL that may be followed/],
  ['/to-nowhere', /no URL that may be followed/],
  ['/html', /of no kind/], ['/svg', /of no kind/], ['/empty', /of no kind/],
  ['/zipped', /encoded/], ['/part', /status=206/], ['/missing', /status=404/],
  ['/big', /larger/], ['/big-unsaid', /larger/], ['/cut', /what=/],
];

test('SSR-2, SSR-3, SSR-5, SSR-6: whatever goes wrong, the client hears the same', async () => {
  for (const [path, log] of REFUSED) {
    const asked = auto.upstream.seen.length;
    const said = auto.gateway.stderr.length;
    const r = await auto.gateway.chat({ model: GEMMA, ...ask({ type: 'text', text: 'first' }, image(media.url + path)) });
    assert.equal(r.status, 400, path);
    assert.deepEqual(await r.json(), { error: {
      message: "'messages[0].content[1].image_url.url' could not be fetched",
      type: 'invalid_request_error', param: 'messages[0].content[1].image_url.url', code: null } }, path);
    assert.equal(auto.upstream.seen.length, asked, path);
    const line = await until(`${path} in the log`, () => /ev=fetch .*\n/.exec(auto.gateway.stderr.slice(said)));
    assert.match(line[0], log, path);
    assert.ok(!line[0].includes(path), 'no path in the log');
  }
});

test('SSR-1, SSR-3, SSR-6: addresses that are never asked for, and not even that is told sooner', async () => {
  for (const url of ['https://127.0.0.1/x', 'https://[::1]/x', 'https://10.1.2.3/x', 'https://100.100.100.200/x',
    'https://metadata/x', 'https://nas.local/x', 'https://2130706433/x', 'https://0x7f.1/x', 'https://user:pw@example.com/x',
    'https://example.com:8443/x', 'https://exa%6dple.com/x', `https://localhost:${media.port + 1}/x`, 'https://127.0.0.1%2f@example.com/']) {
    const asked = auto.upstream.seen.length;
    const began = performance.now();
    const r = await auto.gateway.chat({ model: GEMMA, ...ask(image(url)) });
    assert.ok(performance.now() - began > 99, `${url}: the first step is 100 ms`);
    assert.equal(r.status, 400, url);
    assert.match((await r.json()).error.message, /could not be fetched$/, url);
    assert.equal(auto.upstream.seen.length, asked, url);
  }
});

test('http: is refused by default', async () => {
  const r = await auto.gateway.chat(ask(image('ftp://example.com/x.png')));
  assert.equal(r.status, 400);
  assert.match((await r.json()).error.message, /must be a data: or an https: URL/);
});

test('what cannot be had here is left to Google, where the model takes URLs', async () => {
  for (const path of ['/missing', '/html', '/to-alibaba', '/big'])  {
    await answered(auto, ask(image(media.url + path)));
    assert.deepEqual(parts(auto), [{ fileData: { fileUri: media.url + path, mimeType: 'image/jpeg' } }], path);
  }
});

test('SSR-5: a file just as large as it may be', async () => {
  await answered(auto, ask(image(`${media.url}/fits`)));
  assert.equal(bytes(parts(auto)[0]).length, 100_000);
});

test('DAT-9: a GIF is refused as in a data: URL', async () => {
  const r = await auto.gateway.chat(ask(image(`${media.url}/gif`)));
  assert.equal(r.status, 400);
  assert.match((await r.json()).error.message, /send png, jpeg, webp, heic or heif/);
});

test('SSR-5: sixteen are fetched for a request; one more goes to Google, or is refused', async () => {
  const many = Array.from({ length: 17 }, (_, i) => image(`${media.url}/picture?${i}`));
  await answered(auto, ask(...many));
  assert.equal(parts(auto).filter((p) => p.inlineData !== undefined).length, 16);
  assert.equal(parts(auto)[16].fileData.fileUri, `${media.url}/picture?16`);
  const r = await auto.gateway.chat({ model: GEMMA, ...ask(...many) });
  assert.equal(r.status, 400);
  const { error } = await r.json();
  assert.match(error.message, /at most 16/);
  assert.equal(error.param, 'messages[0].content[16].image_url.url');
  await answered(auto, { model: GEMMA, ...ask(...many.slice(0, 16)) });
});

test('SSR-5: no more than four are fetched at once for a request', async () => {
  let open = 0;
  let most = 0;
  const waiting = [];
  const m = await Media.start(Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`/${i}`, (req, res) => {
    most = Math.max(most, ++open);
    waiting.push(() => { open--; res.end(PNG); });
  }])));
  const s = await scene({ QUEQIAO_FETCH_PRIVATE: m.host });
  try {
    const r = s.gateway.chat(ask(...Array.from({ length: 9 }, (_, i) => image(`${m.url}/${i}`))));
    for (let done = 0; done < 9; done++) {
      await until('the next of them', () => waiting.length >= Math.min(4, 9 - done));
      waiting.shift()();
    }
    assert.equal((await r).status, 200);
    assert.equal(most, 4);
    assert.deepEqual(parts(s).map(bytes), Array(9).fill(PNG));
  } finally {
    await s.close();
    m.stop();
  }
});

test('SSR-5: nor for one API key, whatever the requests and the workers', async () => {
  let most = 0;
  const waiting = new Map([['a', []], ['b', []]]);
  const m = await Media.start(Object.fromEntries([...waiting].map(([who, list]) => [`/${who}`, (req, res) => {
    list.push(() => res.end(PNG));
    most = Math.max(most, list.length);
  }])));
  const s = await scene({ QUEQIAO_FETCH_PRIVATE: m.host, AUTH_TOKEN: 'token-of-a-0001,token-of-b-0001', QUEQIAO_WORKERS: '3' });
  try {
    const six = ['a', 'a', 'b', 'b', 'a', 'b'].map((who) => s.gateway.chat(
      ask(...[1, 2, 3].map((i) => image(`${m.url}/${who}?${i}`))), { token: `token-of-${who}-0001` }));
    for (let done = 0; done < 9; done++) {
      const enough = Math.min(4, 9 - done);
      await until('the next of both', () => [...waiting.values()].every((list) => list.length >= enough));
      for (const list of waiting.values()) list.shift()();
    }
    for (const r of six) assert.equal((await r).status, 200);
    assert.equal(most, 4);
  } finally {
    await s.close();
    m.stop();
  }
});

test('a client that leaves cancels the fetch', async () => {
  const stop = new AbortController();
  const before = media.seen.length;
  const asked = auto.upstream.seen.length;
  const r = auto.gateway.chat(ask(image(`${media.url}/held`), image(`${media.url}/held?2`)), { signal: stop.signal }).catch((e) => e);
  await until('both to be asked for, and nothing else', () => media.seen.length === before + 2 && media.open === 2);
  stop.abort();
  await r;
  await until('both to be cancelled', () => media.open === 0);
  await until('the log line', () => /step=FETCH end=client_gone/.test(auto.gateway.stderr));
  assert.equal(auto.upstream.seen.length, asked);
  held.open();
});

test('SSR-5: a server that does not answer, and one whose certificate is not its own', async () => {
  const s = await scene({ QUEQIAO_FETCH_TIMEOUT: '200ms' });
  const other = await Gateway.start({ upstream: s.upstream, env: { ...ENV, ...(s.upstream.tls ? {} : { SSL_CERT_FILE: '' }) } });
  try {
    const r = await s.gateway.chat({ model: GEMMA, ...ask(image(`${media.url}/silent`)) });
    assert.equal(r.status, 400);
    await until('the log line', () => /ev=fetch .*longer than it may/.test(s.gateway.stderr));
    await until('the request to be cancelled', () => media.open === 0);
    if (s.upstream.tls) return; // its certificate is the same CA's
    const seen = media.seen.length;
    const bad = await other.chat({ model: GEMMA, ...ask(image(`${media.url}/picture`)) });
    assert.equal(bad.status, 400);
    assert.equal(media.seen.length, seen, 'not a byte of the request');
    await until('the log line', () => /ev=fetch .*certificate/.test(other.stderr));
  } finally {
    await other.stop();
    await s.close();
  }
});

test('SSR-6: off: everything is left to Google', async () => {
  const s = await scene({ QUEQIAO_FETCH: 'off' });
  const before = media.seen.length;
  try {
    await answered(s, ask(image(`${media.url}/picture`)));
    assert.deepEqual(parts(s)[0].fileData, { fileUri: `${media.url}/picture`, mimeType: 'image/jpeg' });
    const r = await s.gateway.chat({ model: GEMMA, ...ask(image(`${media.url}/picture`)) });
    assert.equal(r.status, 400);
    assert.match((await r.json()).error.message, /send a data: URL/);
    assert.equal(media.seen.length, before);
  } finally {
    await s.close();
  }
});

test('always: nothing is left to Google', async () => {
  const s = await scene({ QUEQIAO_FETCH: 'always' });
  try {
    await answered(s, ask(image(`${media.url}/photo.jpg`)));
    assert.deepEqual(bytes(parts(s)[0]), JPEG);
    const asked = s.upstream.seen.length;
    assert.equal((await s.gateway.chat(ask(image(`${media.url}/missing.png`)))).status, 400);
    assert.equal(s.upstream.seen.length, asked);
  } finally {
    await s.close();
  }
});

test('SSR-6: a list of hosts, and servers of our own over http', async () => {
  const plain = await Media.start({ '/a': PNG, '/b': go('/a') }, { tls: false });
  const s = await scene({ QUEQIAO_FETCH_HOSTS: 'pictures.example', QUEQIAO_FETCH_PRIVATE: ` ${plain.host} ,127.0.0.1:1` });
  try {
    await answered(s, ask(image(`${plain.url}/b`)));
    assert.deepEqual(bytes(parts(s)[0]), PNG);
    const r = await s.gateway.chat({ model: GEMMA, ...ask(image('https://other.example/a')) });
    assert.equal(r.status, 400);
    await until('the log line', () => /host=other\.example .*none that may be asked/.test(s.gateway.stderr));
  } finally {
    await s.close();
    plain.stop();
  }
});

test('over HTTP/2', async () => {
  const m = await Media.start({ '/a': go('/b'), '/b': PNG, '/c': JPEG }, { tls: 'h2' });
  const s = await scene({ QUEQIAO_FETCH_PRIVATE: m.host });
  try {
    await answered(s, ask(image(`${m.url}/a`), image(`${m.url}/c`), image(`${m.url}/b`)));
    assert.deepEqual(parts(s).map(bytes), [PNG, JPEG, PNG]);
    const r = await s.gateway.chat({ model: GEMMA, ...ask(image(`${m.url}/missing`)) });
    assert.equal(r.status, 400);
  } finally {
    await s.close();
    m.stop();
  }
});

test('a stream is kept alive while many files are fetched, one round after the other', async () => {
  const m = await Media.start({});
  const s = await scene({ QUEQIAO_FETCH_PRIVATE: m.host, QUEQIAO_FETCH_TIMEOUT: '100ms', QUEQIAO_HEARTBEAT: '50ms' });
  const silent = await Media.start(Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`/${i}`, () => {}])));
  const slow = await Gateway.start({ upstream: s.upstream, env: { ...ENV, QUEQIAO_FETCH_PRIVATE: silent.host, QUEQIAO_FETCH_TIMEOUT: '600ms', QUEQIAO_HEARTBEAT: '100ms' } });
  const many = (host, n) => ask(...Array.from({ length: n }, (_, i) => image(`${host}/${i}`)));
  try {
    const early = await s.gateway.chat({ model: GEMMA, stream: true, ...many(m.url, 4) });
    assert.equal(early.status, 400, 'a failure in the first round is a status');
    const r = await slow.chat({ stream: true, ...many(silent.url, 16) });
    const text = await r.text();
    assert.equal(r.status, 200);
    assert.match(text, /^: keep-alive\n\n/);
    assert.match(text, /a picture/);
    assert.match(text, /data: \[DONE\]\n\n$/);
  } finally {
    await slow.stop();
    await s.close();
    m.stop();
    silent.stop();
  }
});

test('options that make no sense stop the start', () => {
  for (const env of [{ QUEQIAO_FETCH: 'sometimes' }, { QUEQIAO_FETCH_HOSTS: 'https://example.com' }, { QUEQIAO_FETCH_PRIVATE: 'minio.lan' }])
    assert.throws(() => execFileSync(BIN, ['--check-config'], { env, stdio: 'pipe' }), (e) => {
      assert.ok(String(e.stderr).includes(Object.keys(env)[0]), String(e.stderr));
      return e.status !== 0;
    });
});

test('Google cannot fetch it: we do, and ask again', { skip: haveEmulator }, async () => {
  const s = await stage({ env: ENV });
  try {
    const before = media.seen.length;
    const answer = await answered(s, ask(image(`${media.url}/photo.jpg`))); // loopback: out of Google's reach
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.equal(media.seen.length, before + 1);
    const streamed = await gather(await s.gateway.chat({ stream: true, ...ask(image(`${media.url}/photo.jpg`)) }));
    assert.ok(streamed.done && streamed.text.length > 0);
    for (const url of ['https://pictures.example/emulate-unfetchable.png', `${media.url}/missing.png`]) {
      const r = await s.gateway.chat(ask(image(url)));
      assert.equal(r.status, 400, url);
      assert.match((await r.json()).error.message, /could not be fetched$/, url);
    }
    await answered(s, { model: GEMMA, ...ask(image(`${media.url}/photo.jpg`)) });
    await answered(s, ask(image('https://pictures.example/anything.webp')));
  } finally {
    await s.close();
  }
});

test('off: what Google cannot fetch is its error', { skip: haveEmulator }, async () => {
  const s = await stage({ env: { ...ENV, QUEQIAO_FETCH: 'off' } });
  try {
    const r = await s.gateway.chat(ask(image('https://pictures.example/emulate-unfetchable.png')));
    assert.equal(r.status, 400);
    assert.match((await r.json()).error.message, /^Cannot fetch content from the provided URL.*URL_ROBOTED/);
    const [line] = await until('the log line', () => /ev=exchange .*\n/.exec(s.gateway.stderr));
    assert.match(line, / attempts=1 /);
  } finally {
    await s.close();
  }
});

test('the OpenAI SDK shows a picture by its address', { skip: haveEmulator }, async () => {
  const s = await stage({ env: ENV });
  try {
    const openai = new OpenAI({ baseURL: `${s.gateway.url}/v1`, apiKey: TOKEN, maxRetries: 0 });
    const stream = await openai.chat.completions.create({ model: 'gemini-3.8-flash', stream: true, ...ask(image(`${media.url}/picture`)) });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    assert.ok(text.length > 0);
  } finally {
    await s.close();
  }
});

test('fetches are counted', async () => {
  const text = await (await auto.gateway.fetch('/metrics')).text();
  for (const outcome of ['here', 'failed'])
    assert.match(text, new RegExp(`^queqiao_fetches_total\\{outcome="${outcome}"\\} [1-9]\\d*$`, 'm'));
});

test('the gateway is well after all that', async () => {
  assert.ok(await auto.gateway.well());
});
