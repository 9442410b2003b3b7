// The fault matrix: what upstream may do wrong in HTTP/1.1 and in Gemini's own words, a row each, and
// what the client gets for it. HTTP/2 and TLS have files of their own beside this one.
import { describe, test } from 'node:test';
import { gate, gm } from './lib.mjs';
import { RawH1, words } from './upstreams.mjs';
import { SIDE_BY_SIDE, breaks, fails, ok, scenes } from './faults.mjs';

/** Upstream misbehaves as the row says until it is calmed. */
async function startRaw(row) {
  let calm = false;
  const told = gate(); // the client has read the first words: a reset cannot take them away
  const upstream = await RawH1.start((call) => (calm ? call.good() : row.does(Object.assign(call, { told: told.opened }))));
  upstream.told = told.open;
  upstream.turn = () => {};
  upstream.calm = () => (calm = true);
  upstream.tries = () => upstream.requests;
  return upstream;
}

/** Rows wait for upstream, hardly ever for the processor: they are played side by side. */
const rows = [];
const play = (row) => rows.push(...scenes(row, startRaw));
const BROKEN = (text) => fails(502, 'upstream_error', text);
const CHUNKED = 'Transfer-Encoding: chunked';
const lengthOf = (c) => Buffer.byteLength(words(c.stream).join(''));

// ------------------------------------------------ H1-11: heads that are none; asked once more (UPS-1)

const HEADS = [
  ['both framings', (c) => c.head([`Content-Length: ${lengthOf(c)}`, CHUNKED])],
  ['two lengths', (c) => c.head([`Content-Length: ${lengthOf(c)}`, `Content-Length: ${lengthOf(c)}`])],
  ['a list of lengths', (c) => c.head(['Content-Length: 5, 5'])],
  ['an empty length', (c) => c.head(['Content-Length: '])],
  ['a negative length', (c) => c.head(['Content-Length: -5'])],
  ['a length with a sign', (c) => c.head(['Content-Length: +5'])],
  ['a length in hex', (c) => c.head(['Content-Length: 0x5'])],
  ['a length of 19 digits', (c) => c.head(['Content-Length: 1000000000000000000'])],
  ['a coding that was not asked for', (c) => c.head(['Transfer-Encoding: gzip, chunked'])],
  ['two codings', (c) => c.head([CHUNKED, CHUNKED])],
  ['chunks in HTTP/1.0', (c) => c.head([CHUNKED], 'HTTP/1.0 200 OK')],
  ['another version', (c) => c.head([CHUNKED], 'HTTP/3.7 200 OK')],
  ['a status of two digits', (c) => c.head([CHUNKED], 'HTTP/1.1 20 OK')],
  ['a status out of range', (c) => c.head([CHUNKED], 'HTTP/1.1 999 Odd')],
  ['no HTTP at all', (c) => c.latin1('SSH-2.0-OpenSSH_9.2\r\n')],
  ['a switch of protocols', (c) => c.latin1('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n')],
  ['eleven interim answers', (c) => { c.latin1('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(11)); c.good(); }],
  ['an interim answer with a body', (c) => { c.latin1('HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello'); c.good(); }],
  ['a line that is folded', (c) => c.head(['X-A: one', '  two', CHUNKED])],
  ['a space before the colon', (c) => c.head(['X-A : one', CHUNKED])],
  ['a bare LF', (c) => c.latin1('HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n')],
  ['a bare CR', (c) => c.latin1('HTTP/1.1 200 OK\r\nX-A: one\rX-B: two\r\n\r\n')],
  ['a NUL in a value', (c) => c.head(['X-A: o\0ne', CHUNKED])],
  ['a control byte in a value', (c) => c.head(['X-A: o\x07ne', CHUNKED])],
  ['a field without a name', (c) => c.head([': one', CHUNKED])],
  ['a field name that is no token', (c) => c.head(['X(A): one', CHUNKED])],
  ['101 fields', (c) => c.head(Array.from({ length: 101 }, (_, i) => `X-${i}: x`))],
  ['a head of 70 KiB', (c) => c.head(Array.from({ length: 70 }, (_, i) => `X-${i}: ${'x'.repeat(1024)}`))],
  ['a head without an end', (c) => c.latin1(`HTTP/1.1 200 OK\r\nX-A: ${'x'.repeat(100_000)}`)],
  ['a close without an answer', (c) => c.end()],
  ['a reset without an answer', (c) => c.reset()],
  ['a head, then the end', (c) => { c.head([CHUNKED]); c.end(); }],
  ['half a head, then the end', (c) => { c.latin1('HTTP/1.1 200 OK\r\nContent-'); c.end(); }],
];
for (const [name, does] of HEADS)
  play({ id: 'H1-11', name, does, whole: BROKEN(), stream: BROKEN(), tries: 2 });

// -------------------------------- H1-11: bodies that go wrong; nothing is asked for twice then (UPS-1)

const half = (c) => c.begin();
const BODIES = [
  ['a chunk size that is no number', (c) => { half(c); c.latin1('zz\r\nhello\r\n'); }],
  ['a chunk size with 0x', (c) => { half(c); c.latin1('0x5\r\nhello\r\n'); }],
  ['a chunk size with a sign', (c) => { half(c); c.latin1('+5\r\nhello\r\n'); }],
  ['a chunk size that overflows', (c) => { half(c); c.latin1('10000000000000005\r\nhello\r\n'); }],
  ['a chunk that is longer than it says', (c) => { half(c); c.latin1('5\r\nhello world\r\n'); }],
  ['a chunk that ends in a bare LF', (c) => { half(c); c.latin1('5\nhello\r\n'); }],
  ['an extension of 300 bytes', (c) => { half(c); c.latin1(`5;${'x'.repeat(300)}\r\nhello\r\n`); }],
  ['the end without a last chunk', (c) => { half(c); c.end(); }],
  ['the end inside a chunk', (c) => { half(c); c.latin1('50\r\nhel'); c.end(); }],
  ['a body short of its length', (c) => { c.head([`Content-Length: ${lengthOf(c)}`]); c.write(words(c.stream)[0]); c.end(); }],
  ['trailers without an end', (c) => { half(c); c.latin1(`0\r\n${'X-A: x\r\n'.repeat(200)}\r\n`); }],
];
play({
  id: 'H1-11', name: 'a reset between chunks', tries: 1, stream: breaks('one '),
  does: async (c) => { half(c); await c.told; c.reset(); },
});
for (const [name, does] of BODIES)
  play({ id: 'H1-11', name, does, whole: BROKEN(), stream: breaks('one '), tries: 1 });

// ------------------------------------------------------------- what is odd, and right all the same

const FINE = [
  ['ten interim answers', (c) => { c.latin1('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(10)); c.good(); }],
  ['100 Continue that nobody asked for', (c) => { c.latin1('HTTP/1.1 100 Continue\r\n\r\n'); c.good(); }],
  ['a short extension and a trailer', (c) => { c.begin(); const d = words(c.stream)[1]; c.write(`${Buffer.byteLength(d).toString(16)};a=b\r\n${d}\r\n0\r\nX-T: t\r\n\r\n`); }],
  ['a length', (c) => { c.head([`content-length: ${lengthOf(c)}`]); c.write(words(c.stream).join('')); }],
  ['the close for an end', (c) => { c.head(['Connection: close']); c.write(words(c.stream).join('')); c.end(); }],
  ['HTTP/1.0', (c) => { c.head([], 'HTTP/1.0 200 OK'); c.write(words(c.stream).join('')); c.end(); }],
  ['no reason phrase', (c) => { c.head([`Content-Length: ${lengthOf(c)}`], 'HTTP/1.1 200 '); c.write(words(c.stream).join('')); }],
  ['one byte at a time', async (c) => {
    for (const b of Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${lengthOf(c)}\r\n\r\n${words(c.stream).join('')}`)) {
      c.socket.write(Buffer.of(b));
      await new Promise(setImmediate);
    }
  }],
];
for (const [name, does] of FINE)
  play({ id: 'H1-11', name, does, whole: ok(), stream: ok(), tries: 1 });

// ------------------------------------------------------------------------ LIM-4: upstream's sizes

const SMALL = { QUEQIAO_MAX_ANSWER: '64K', QUEQIAO_MAX_EVENT: '64K' };
const big = (n) => 'x'.repeat(n);
play({
  id: 'LIM-4', name: 'an answer, an event over the cap', env: SMALL, tries: 1,
  does(c) {
    c.head([CHUNKED]);
    if (c.stream) c.write(c.chunk(words(true)[0]));
    c.write(c.chunk(`${c.stream ? 'data: ' : ''}${JSON.stringify(gm.chunk(big(70_000), { finish: 'STOP' }))}${c.stream ? '\r\n\r\n' : ''}`));
    c.latin1('0\r\n\r\n');
  },
  whole: BROKEN(/larger than this server allows/), stream: breaks('one ', /larger than this server allows/),
});
play({
  id: 'LIM-4', name: 'an error body without an end: the status alone tells', tries: 2,
  does(c) {
    c.head([CHUNKED], 'HTTP/1.1 500 Oops');
    c.write(c.chunk(big(200_000)));
    c.latin1('0\r\n\r\n');
  },
  whole: fails(500, null, /internal error/), stream: fails(500, null, /internal error/),
});

// ------------------------------------------------ UPS-3 and the rest: complete, and yet no answer

const event = (text) => (text === undefined ? '' : `data: ${text}\r\n\r\n`);
const whole = (body) => (c) => {
  c.head([CHUNKED]);
  c.write(`${c.chunk(body(c))}0\r\n\r\n`);
};
const mid = (text) => (c) => {
  c.head([CHUNKED]);
  c.write(`${c.chunk(words(true)[0] + text)}0\r\n\r\n`);
};
const REFUSAL = JSON.stringify({ error: { code: 503, message: 'The model is overloaded. Please try again later.', status: 'UNAVAILABLE' } });

for (const [name, body] of [
  ['an empty body', () => ''],
  ['HTML with status 200', () => '<!DOCTYPE html><title>Error 502</title>'],
  ['JSON cut short', () => '{"candidates":[{"content":{"par'],
  ['JSON that is no object', () => '[1,2,3]'],
  ['an empty object', () => '{}'],
  ['candidates of the wrong kind', () => '{"candidates":"none"}'],
]) play({
  id: 'UPS-1', name, does: whole((c) => (c.stream && body() !== '' ? event(body()) : body() || ' ')),
  whole: BROKEN(), stream: BROKEN(), tries: 2,
});

for (const [name, text, said] of [
  ['the end without a finish reason', '', /./],
  ['an event that is no JSON', event('{"candidates":[}'), /could not be read/],
  ['an event that is HTML', event('<html>'), /could not be read/],
  ['an error event', event(REFUSAL), /overloaded/],
]) play({ id: 'UPS-3', name, does: mid(text), stream: breaks('one ', said), tries: 1 });

for (const [status, type, body, words_] of [
  ['502 Bad Gateway', 'text/html', '<html><h1>502 Bad Gateway</h1></html>', /./],
  ['200 OK', 'text/html', '<html>', /./],
  ['302 Found\r\nLocation: http://127.0.0.1:1/', 'text/html', 'elsewhere', /./],
]) play({
  id: 'UPS-1', name: `HTML with ${status.split('\r')[0]}`, tries: 2,
  does: (c) => c.latin1(`HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  whole: BROKEN(words_), stream: BROKEN(words_),
});

describe('faults', { concurrency: SIDE_BY_SIDE }, () => {
  for (const [name, act] of rows) test(name, act);
});
