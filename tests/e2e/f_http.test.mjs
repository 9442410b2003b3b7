// HTTP/1.1 by hand: what well-behaved clients never send, and the corners of what they may.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Gateway, Raw, SLOW, gate, gm, hello, request, stage, until } from './lib.mjs';

const big = 'x'.repeat(1000);
const s = await stage({ play: (req, res) => gm.answer(req, res, 'hi') });
after(() => s.close());
const CHAT = '/v1/chat/completions';
const body = JSON.stringify({ model: 'gemini-3.8-flash', messages: hello });
const open = () => Raw.open(s.gateway.port);

/** Send bytes on a fresh connection; the answer must have this status, the connection its end. */
async function dies(text, ...statuses) {
  const raw = await open();
  raw.write(text);
  const r = await raw.response();
  assert.ok(statuses.includes(r.status), `${JSON.stringify(text.slice(0, 120))}: ${r.status}, not ${statuses}`);
  assert.equal(typeof r.json().error.message, 'string');
  await raw.closed();
}

test('keep-alive: many requests on one connection', async () => {
  const raw = await open();
  for (let i = 0; i < 50; i++) {
    raw.write(request('POST', CHAT, { body }));
    const r = await raw.response();
    assert.equal(r.status, 200);
    assert.equal(r.json().choices[0].message.content, 'hi');
  }
  raw.leave();
});

test('Connection: close is honoured and told', async () => {
  const raw = await open();
  raw.write(request('GET', '/health', { headers: { Connection: 'close' } }));
  const r = await raw.response();
  assert.equal(r.headers.connection, 'close');
  await raw.closed();
});

test('H1-8: pipelined requests are answered in order', async () => {
  const raw = await open();
  raw.write([1, 2, 3, 4, 5].map((i) => (i % 2 ? request('POST', CHAT, { body }) : request('GET', `/v1/nobody/${i}`))).join(''));
  for (let i = 1; i <= 5; i++) {
    const r = await raw.response();
    assert.equal(r.status, i % 2 ? 200 : 404, `answer ${i}`);
    if (i % 2 === 0) assert.ok(r.body.includes(`nobody/${i}`));
  }
  raw.leave();
});

test('a request that comes byte by byte', async () => {
  const raw = await open();
  const bytes = Buffer.from(request('POST', CHAT, { body }));
  for (const b of bytes) {
    raw.socket.write(Buffer.of(b));
    await new Promise(setImmediate);
  }
  assert.equal((await raw.response()).status, 200);
  raw.leave();
});

test('H1-3: a chunked request, with extensions and trailers, in odd pieces', async () => {
  const bytes = Buffer.from(body);
  for (const size of [1, 7, bytes.length]) {
    const raw = await open();
    let text = '';
    for (let i = 0; i < bytes.length; i += size) {
      const piece = bytes.subarray(i, i + size);
      text += `${piece.length.toString(16)};ext="1"\r\n${piece.toString('latin1')}\r\n`;
    }
    raw.socket.write(request('POST', CHAT, { headers: { 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/json' } }));
    raw.socket.write(Buffer.from(`${text}0\r\nX-Trailer: dropped\r\n\r\n`, 'latin1'));
    const r = await raw.response();
    assert.equal(r.status, 200, `pieces of ${size}: ${r.body}`);
    raw.write(request('GET', '/health')); // framing is intact
    assert.equal((await raw.response()).status, 200);
    raw.leave();
  }
});

test('H1-7: Expect: 100-continue: checks first, then 100, then the answer', async () => {
  const raw = await open();
  const length = Buffer.byteLength(body);
  raw.write(request('POST', CHAT, { headers: { Expect: '100-continue', 'Content-Length': length } }));
  assert.equal((await raw.head()).status, 100);
  raw.write(body);
  assert.equal((await raw.response()).status, 200);

  raw.write(request('POST', CHAT, { token: 'wrong', headers: { Expect: '100-continue', 'Content-Length': length } }));
  assert.equal((await raw.response()).status, 401, 'no 100 for a request that is refused');
  raw.leave();
});

test('H1-7: another expectation: 417', async () => {
  const raw = await open();
  raw.write(request('POST', CHAT, { headers: { Expect: 'miracles' }, body }));
  assert.equal((await raw.response()).status, 417);
  raw.leave();
});

test('HEAD answers nothing but a head, for every target', async () => {
  const raw = await open();
  for (const [target, status] of [['/health', 200], ['/', 200], ['/v1/models', 200], ['/nothing', 404]]) {
    raw.write(request('HEAD', target));
    assert.equal((await raw.response({ bodiless: true })).status, status, target);
  }
  raw.write(request('GET', '/health'));
  assert.equal((await raw.response()).status, 200);
  raw.leave();
});

test('OPTIONS answers 204 without a body', async () => {
  const raw = await open();
  raw.write(request('OPTIONS', CHAT, { token: null }) + request('GET', '/health'));
  assert.equal((await raw.response()).status, 204);
  assert.equal((await raw.response()).status, 200);
  raw.leave();
});

test('an absolute target and HTTP/1.0', async () => {
  const raw = await open();
  raw.write('GET http://gateway.test/health HTTP/1.1\r\nHost: gateway.test\r\n\r\n');
  assert.equal((await raw.response()).status, 200);
  raw.leave();
  const old = await open();
  old.write('GET /health HTTP/1.0\r\n\r\n');
  const r = await old.head();
  assert.equal(r.status, 200);
  await until('the end of an HTTP/1.0 answer', () => old.eof);
  assert.equal(JSON.parse(old.bytes.toString()).status, 'ok');
});

test('a stream to an HTTP/1.0 client ends with the connection, unchunked', async () => {
  const old = await open();
  const text = JSON.stringify({ model: 'gemini-3.8-flash', messages: hello, stream: true });
  old.write(request('POST', CHAT, { body: text }).replace('HTTP/1.1', 'HTTP/1.0'));
  const r = await old.head();
  assert.equal(r.status, 200);
  assert.equal(r.headers['transfer-encoding'], undefined);
  await until('the end of the stream', () => old.eof);
  assert.ok(old.bytes.toString().endsWith('data: [DONE]\n\n'));
});

const H = 'Host: gateway.test\r\n';
const POST = `POST ${CHAT} HTTP/1.1\r\n${H}`;
const FRAMING = [
  ['H1-1: both framings', `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['H1-1: two lengths', `${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
  ['H1-1: a list of lengths', `${POST}Content-Length: 5, 5\r\n\r\nhello`],
  ['H1-1: an empty length', `${POST}Content-Length: \r\n\r\n`],
  ['H1-1: a signed length', `${POST}Content-Length: +5\r\n\r\nhello`],
  ['H1-1: a hexadecimal length', `${POST}Content-Length: 0x5\r\n\r\nhello`],
  ['H1-1: a length of twenty digits', `${POST}Content-Length: 99999999999999999999\r\n\r\n`],
  ['H1-2: an unknown transfer coding', `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ['H1-2: chunked twice', `${POST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
  ['H1-2: chunked in HTTP/1.0', `POST ${CHAT} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['H1-4: a space before the colon', `GET /health HTTP/1.1\r\nHost : x\r\n\r\n`],
  ['H1-4: a folded line', `GET /health HTTP/1.1\r\n${H}X-A: b\r\n c\r\n\r\n`],
  ['H1-4: a bare LF', `GET /health HTTP/1.1\n${H}\n`],
  ['H1-4: a bare CR in a value', `GET /health HTTP/1.1\r\n${H}X-A: a\rb\r\n\r\n`],
  ['H1-4: a NUL in a value', `GET /health HTTP/1.1\r\n${H}X-A: a\0b\r\n\r\n`],
  ['H1-4: an empty field name', `GET /health HTTP/1.1\r\n${H}: b\r\n\r\n`],
  ['H1-4: a field name that is no token', `GET /health HTTP/1.1\r\n${H}X(A): b\r\n\r\n`],
  ['H1-5: no Host', 'GET /health HTTP/1.1\r\n\r\n'],
  ['H1-5: two Hosts', 'GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  ['H1-5: a target and a Host that disagree', 'GET http://a.test/health HTTP/1.1\r\nHost: b.test\r\n\r\n'],
  ['H1-7: an unknown version', `GET /health HTTP/3.7\r\n${H}\r\n`],
  ['no HTTP at all', 'EHLO gateway.test\r\n\r\n'],
  ['TLS on a plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hello\r\n\r\n'],
];
for (const [name, text] of FRAMING)
  test(`${name}: refused, and nothing after it is read`, () =>
    dies(`${text}GET /health HTTP/1.1\r\n${H}\r\n`, 400, 501, 505));

const AUTH = `Authorization: Bearer test-token-0123456789\r\n`;
const CHUNKED = `${POST}${AUTH}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
for (const [name, text] of [
  ['H1-3: a chunk size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
  ['H1-3: a chunk size with a sign', '+5\r\nhello\r\n0\r\n\r\n'],
  ['H1-3: a chunk size that overflows', 'ffffffffffffffff1\r\nhello\r\n0\r\n\r\n'],
  ['H1-3: a chunk without its end', '5\r\nhelloX0\r\n\r\n'],
  ['H1-3: a chunk size with an underscore', '1_0\r\nhello\r\n'],
])
  test(`${name}: 400`, () => dies(CHUNKED + text, 400));

test('H1-7: TRACE and CONNECT: 405', async () => {
  for (const line of ['TRACE /health HTTP/1.1', 'CONNECT gateway.test:443 HTTP/1.1']) {
    const raw = await open();
    raw.write(`${line}\r\n${H}\r\n`);
    const r = await raw.response();
    assert.equal(r.status, 405, line);
    assert.equal(r.headers['cache-control'], 'no-store');
    raw.leave();
  }
});

test('H1-7: Upgrade is ignored, never tunnelled', async () => {
  for (const to of ['websocket', 'h2c']) {
    const raw = await open();
    raw.write(request('GET', '/health', { headers: { Connection: 'Upgrade, HTTP2-Settings', Upgrade: to, 'HTTP2-Settings': 'AAMAAABkAAQAAP__' } }));
    assert.equal((await raw.response()).status, 200, to);
    raw.leave();
  }
});

test('LIM-2: a request line over 8 KiB: 414', () => dies(`GET /${'x'.repeat(9000)} HTTP/1.1\r\n${H}\r\n`, 414));
test('LIM-2: one header field over 16 KiB: 431', () => dies(`GET /health HTTP/1.1\r\n${H}X-A: ${'x'.repeat(17000)}\r\n\r\n`, 431));
test('LIM-2: headers over 64 KiB: 431', () =>
  dies(`GET /health HTTP/1.1\r\n${H}${Array.from({ length: 70 }, (_, i) => `X-${i}: ${big}\r\n`).join('')}\r\n`, 431));
test('LIM-2: more than 100 header fields: 431', () =>
  dies(`GET /health HTTP/1.1\r\n${H}${Array.from({ length: 120 }, (_, i) => `X-${i}: y\r\n`).join('')}\r\n`, 431));

test('LIM-3: a body over the cap: 413 before it is read when declared, at the byte over when not', async () => {
  const own = await Gateway.start({ upstream: s.upstream, env: { QUEQIAO_MAX_BODY: '64K' } });
  try {
    const raw = await Raw.open(own.port);
    raw.write(request('POST', CHAT, { headers: { 'Content-Length': 65537 } }));
    const declared = await raw.response();
    assert.equal(declared.status, 413);
    assert.equal(declared.json().error.type, 'invalid_request_error');
    raw.leave();

    const undeclared = await Raw.open(own.port);
    undeclared.write(request('POST', CHAT, { headers: { 'Transfer-Encoding': 'chunked' } }));
    for (let i = 0; i < 65; i++) undeclared.write(`400\r\n${'y'.repeat(1024)}\r\n`);
    assert.equal((await undeclared.response()).status, 413);
    undeclared.leave();

    const fits = JSON.stringify({ model: 'gemini-3.8-flash', messages: [{ role: 'user', content: 'z'.repeat(65536 - 73) }] });
    assert.ok(Buffer.byteLength(fits) <= 65536);
    assert.equal((await own.fetch(CHAT, { json: fits })).status, 200);
    assert.ok(await own.well());
  } finally {
    await own.stop();
  }
});

test('LIM-7, LIM-8: requests that stop half-way are ended in time, with 408', async () => {
  const own = await Gateway.start({ upstream: s.upstream,
    env: { QUEQIAO_HEAD_TIMEOUT: '1s', QUEQIAO_BODY_IDLE_TIMEOUT: '1s', QUEQIAO_BODY_TIMEOUT: '2s' } });
  try {
    const halves = [
      'POST /v1/chat/comp',
      `${POST}${AUTH}Content-Type: appl`,
      `${POST}${AUTH}Content-Length: 100\r\n\r\n{"model"`,
      `${CHUNKED}5\r\nhel`,
    ];
    for (const half of halves) {
      const raw = await Raw.open(own.port);
      raw.write(half);
      const r = await raw.response();
      assert.equal(r.status, 408, half);
      assert.equal(typeof r.json().error.message, 'string');
      await raw.closed();
    }
    // A trickle does not extend the time of a head.
    const trickle = await Raw.open(own.port);
    const timer = setInterval(() => trickle.eof || trickle.socket.write('X'), 50);
    trickle.write('GET /');
    try {
      assert.ok([408, 414].includes((await trickle.response()).status));
    } finally {
      clearInterval(timer);
      trickle.leave();
    }
    assert.ok(await own.well());
  } finally {
    await own.stop();
  }
});

test('clients that leave half-way leave nothing behind', async () => {
  for (const hard of [false, true])
    for (const half of ['', 'POST /v1/ch', `${POST}${AUTH}Content-Length: 100\r\n\r\n{"model"`, `${CHUNKED}5\r\nhel`]) {
      const raw = await open();
      if (half) raw.write(half);
      raw.leave({ hard });
    }
  assert.ok(await s.gateway.well());
});

test('connect-then-close, as platforms probe, is no event', async () => {
  const before = s.gateway.stderr;
  for (let i = 0; i < 20; i++) (await open()).leave({ hard: i % 2 === 0 });
  assert.ok(await s.gateway.well());
  assert.doesNotMatch(s.gateway.stderr.slice(before.length), /level=(warn|error)|"level":"(warn|error)"/);
});

test('LIM-13, UPS-5: a slow reader stops upstream, and misses nothing', async () => {
  const total = 2400; // events of 32 KB, 79 MB: far more than the kernel's buffers on the way hold
  const text = '鹊桥'.repeat(5461);
  let sent = 0;
  let blocked = false;
  const own = await stage({
    async play(req, res) {
      gm.head(res);
      for (; sent < total; sent++) {
        if (!gm.event(res, gm.chunk(text))) {
          blocked = true;
          await new Promise((r) => res.once('drain', r));
          blocked = false;
        }
      }
      gm.event(res, gm.chunk('', { finish: 'STOP' }));
      res.end();
    },
  });
  try {
    const before = own.gateway.rss();
    const raw = await Raw.open(own.gateway.port);
    raw.write(request('POST', CHAT, { body: JSON.stringify({ model: 'gemini-3.8-flash', messages: hello, stream: true }) }));
    assert.equal((await raw.head()).status, 200);
    raw.socket.pause();
    let last = -1;
    let quiet = 0;
    await until('upstream to be stopped by a client that does not read', async () => {
      quiet = blocked && sent === last ? quiet + 1 : 0;
      last = sent;
      return quiet > 40;
    });
    assert.ok(sent < total / 2, `${sent} of ${total} events were taken from upstream`);
    if (!SLOW) assert.ok(own.gateway.rss() - before < 8 << 20, `${(own.gateway.rss() - before) >> 20} MB were buffered`);
    // Others are served meanwhile.
    assert.ok(await own.gateway.well());
    raw.socket.resume();
    let rest = '';
    let events = 0;
    let ended = false;
    const decoder = new TextDecoder();
    for (let c; (c = await raw.chunk()) !== null;) {
      rest += decoder.decode(c, { stream: true });
      for (let at; (at = rest.indexOf('\n\n')) >= 0; rest = rest.slice(at + 2)) {
        const data = rest.slice(0, at);
        if (data.startsWith(':')) continue;
        if (data === 'data: [DONE]') ended = true;
        else if (JSON.parse(data.slice(6)).choices?.[0].delta.content === text) events++;
        else if (data.includes('"error"')) assert.fail(data);
      }
    }
    assert.equal(events, total);
    assert.ok(ended);
    raw.leave();
  } finally {
    await own.close();
  }
});

test('LIM-13: what an answer goes on with is stopped by a slow reader as well', async () => {
  const total = 2400;
  const text = 'z'.repeat(32 << 10);
  let sent = 0;
  let blocked = false;
  const own = await stage({
    async play(req, res, body) {
      gm.head(res);
      if (body.continuationToken === undefined) { // the client's queue is full when the first part ends
        const chunk = gm.chunk('a'.repeat(12 << 20), { finish: 'CONTINUATION' });
        chunk.candidates[0].continuationToken = btoa('1');
        res.end(`data: ${JSON.stringify(chunk)}\r\n\r\n`);
        return;
      }
      for (; sent < total && !res.destroyed; sent++) {
        if (!gm.event(res, gm.chunk(text))) {
          blocked = true;
          await new Promise((r) => res.once('drain', r).once('close', r));
          blocked = false;
        }
      }
      res.end();
    },
  });
  try {
    const raw = await Raw.open(own.gateway.port);
    raw.write(request('POST', CHAT, { body: JSON.stringify({ model: 'gemini-4-argon', messages: hello, max_completion_tokens: 200000, stream: true }) }));
    assert.equal((await raw.head()).status, 200);
    raw.socket.pause();
    let last = -1;
    let quiet = 0;
    await until('upstream to be stopped, or to be done', async () => {
      quiet = blocked && sent === last ? quiet + 1 : 0;
      last = sent;
      return quiet > 40 || sent === total;
    });
    assert.equal(own.upstream.seen.length, 2);
    assert.ok(sent < total / 2, `${sent} of ${total} events were taken from upstream`);
    raw.leave();
    await until('upstream to be cancelled', () => own.upstream.seen[1].cancelled);
  } finally {
    await own.close();
  }
});

test('LIM-13: a slow client does not hold up the others on the same upstream connection', async () => {
  const door = gate();
  const own = await stage({
    async play(req, res, asked) {
      gm.head(res);
      if (asked.contents[0].parts[0].text === 'flood') {
        while (!res.destroyed) // the kernel's buffers on the way hold tens of megabytes
          if (!gm.event(res, gm.chunk('y'.repeat(32768)))) await new Promise((r) => res.once('drain', r).once('close', r));
      } else {
        await door.opened;
      }
      if (!res.destroyed) {
        gm.event(res, gm.chunk('done', { finish: 'STOP' }));
        res.end();
      }
    },
  });
  try {
    const ask = (content) => JSON.stringify({ model: 'gemini-3.8-flash', messages: [{ role: 'user', content }], stream: true });
    const slow = await Raw.open(own.gateway.port);
    slow.write(request('POST', CHAT, { body: ask('flood') }));
    assert.equal((await slow.head()).status, 200);
    slow.socket.pause();
    const quick = await Raw.open(own.gateway.port);
    quick.write(request('POST', CHAT, { body: ask('hello') }));
    await until('the second request to reach upstream', () => own.upstream.seen.length === 2);
    door.open();
    assert.match((await quick.response()).body.toString(), /\[DONE\]/);
    slow.leave();
    quick.leave();
    await until('the slow one to be cancelled', () => own.upstream.seen[0].cancelled);
  } finally {
    await own.close();
  }
});

// What is built anew on either side: nothing of the other one's comes through.
test('H1-9, SSR-7: no field, query or trailer of a client goes upstream, nor does one choose upstream', async () => {
  const ALLOWED = ['host', 'content-length', 'content-type', 'accept', 'accept-encoding', 'user-agent', 'x-goog-api-key',
    'connection', 'transfer-encoding'];
  const raw = await open();
  raw.write(request('POST', `${CHAT}?alt=evil&base_url=http://evil.test/&x=mark`, {
    headers: { 'X-Mark': 'mark', Cookie: 'a=mark', 'X-Forwarded-For': '192.0.2.66', 'X-Forwarded-Host': 'evil.test', 'X-Forwarded-Proto': 'ftp',
      'X-Goog-User-Project': 'mark', 'X-Http-Method-Override': 'DELETE', Forwarded: 'host=evil.test', Via: '1.1 mark', Te: 'trailers',
      'User-Agent': 'mark/1', 'X-Goog-Api-Client': 'mark', Upstream: 'http://evil.test', 'Transfer-Encoding': 'chunked' },
    token: 'test-token-0123456789' }));
  raw.write(`${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\nX-Mark: mark\r\nAuthorization: mark\r\n\r\n`);
  const r = await raw.response();
  assert.equal(r.status, 200, r.body.toString());
  const seen = s.upstream.seen.at(-1);
  for (const name of Object.keys(seen.headers)) assert.ok(ALLOWED.includes(name) || name.startsWith(':'), `${name} went upstream`);
  assert.doesNotMatch(JSON.stringify([seen.url, seen.headers]), /mark|evil|192\.0\.2\.66|test-token/);
  raw.leave();
});

test('H1-10: no field of upstream comes to a client, whole or streamed', async () => {
  const own = await stage({
    play(req, res) {
      for (const [name, value] of [['set-cookie', 'mark=1'], ['x-mark', 'mark'], ['server', 'mark'], ['access-control-allow-credentials', 'true'],
        ['location', 'http://mark.test/'], ['alt-svc', 'h3=":443"; mark'], ['strict-transport-security', 'max-age=1']]) res.setHeader(name, value);
      gm.answer(req, res, 'hi');
    },
  });
  try {
    for (const stream of [false, true]) {
      const r = await own.gateway.chat({ messages: hello, stream });
      assert.equal(r.status, 200);
      await r.text();
      assert.doesNotMatch(JSON.stringify([...r.headers]), /mark|credentials|strict-transport|location/);
    }
  } finally {
    await own.close();
  }
});

test('DAT-7: upstream is asked for identity, and a coded answer is a failure', async () => {
  const own = await stage({
    play(req, res) {
      assert.ok([undefined, 'identity'].includes(req.headers['accept-encoding']));
      res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      res.end(gzipSync(JSON.stringify(gm.chunk('hi', { finish: 'STOP' }))));
    },
  });
  try {
    for (const stream of [false, true]) {
      const r = await own.gateway.chat({ messages: hello, stream });
      const text = await r.text();
      assert.ok(r.status === 502 || /data: \{"error"/.test(text), `${r.status} ${text}`);
      assert.doesNotMatch(text, /\[DONE\]/);
    }
  } finally {
    await own.close();
  }
});

test('DAT-4: counts of upstream that are none count as none, and no sum overflows', async () => {
  const usages = [
    { promptTokenCount: -5, candidatesTokenCount: 1.5, totalTokenCount: -1 },
    { promptTokenCount: '9223372036854775807', candidatesTokenCount: 9223372036854775807n, thoughtsTokenCount: 1e300, totalTokenCount: 2147483648 },
    { promptTokenCount: 3, candidatesTokenCount: 'many', totalTokenCount: null, promptTokensDetails: [{ modality: 'AUDIO', tokenCount: -7 }] },
  ];
  let at = 0;
  const own = await stage({
    play(req, res) {
      const text = JSON.stringify(gm.chunk('hi', { finish: 'STOP', usage: usages[at] }), (_, v) => (typeof v === 'bigint' ? `@${v}@` : v));
      res.writeHead(200, { 'content-type': 'application/json' });
      res.end(text.replace(/"@(\d+)@"/g, '$1'));
    },
  });
  try {
    for (; at < usages.length; at++) {
      const { usage } = await (await own.gateway.chat({ messages: hello, n: 1 })).json();
      const count = (v) => (v === null || typeof v !== 'object' ? [v] : Object.values(v).flatMap(count));
      for (const n of count(usage)) assert.ok(Number.isInteger(n) && n >= 0 && n < 2 ** 31, `${at}: ${JSON.stringify(usage)}`);
      assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
    }
    assert.match(await (await own.gateway.fetch('/metrics')).text(), /^gen_ai_client_token_usage_sum\{.*\} [0-9]$/m);
  } finally {
    await own.close();
  }
});

test('LIM-19: what a thousand idle connections and a hundred silent streams cost', { skip: SLOW && 'sanitizers have memory of their own' }, async () => {
  const own = await stage({ play: async (req, res) => { gm.head(res); await new Promise((r) => res.once('close', r)); }, env: { QUEQIAO_WORKERS: '1' } });
  const ask = request('GET', '/health');
  const many = async (n, what) => {
    const all = [];
    while (all.length < n)
      all.push(...await Promise.all(Array.from({ length: Math.min(50, n - all.length) }, async () => {
        const c = await Raw.open(own.gateway.port);
        await what(c);
        return c;
      })));
    return all;
  };
  try {
    (await many(50, (c) => c.write(ask).response())).forEach((c) => c.leave());
    const before = own.gateway.rss();
    const idle = await many(1000, (c) => c.write(ask).response());
    const each = (own.gateway.rss() - before) / 1000;
    assert.ok(each <= 8192, `${Math.round(each)} bytes for an idle connection`);
    const then = own.gateway.rss();
    const chat = request('POST', CHAT, { body: JSON.stringify({ model: 'gemini-3.8-flash', messages: hello, stream: true }) });
    const streams = await many(100, (c) => c.write(chat));
    await until('all of them upstream', () => own.upstream.seen.length === 100);
    const one = (own.gateway.rss() - then) / 100;
    assert.ok(one <= 32768, `${Math.round(one)} bytes for a stream`);
    for (const c of [...idle, ...streams]) c.leave();
  } finally {
    await own.close();
  }
});

test('the process is well after all of this', async () => assert.ok(await s.gateway.well()));
