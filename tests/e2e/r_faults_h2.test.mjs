// The fault matrix, H2-10: an HTTP/2 upstream that is hostile, or only restless. Frames are written by
// hand over TLS. What a request can be saved from it is saved from unseen: nobody has worked on it.
import { describe, test } from 'node:test';
import { END_HEADERS, END_STREAM, FRAME, PADDED, RawH2, field, words } from './upstreams.mjs';
import { SIDE_BY_SIDE, breaks, fails, ok, scenes } from './faults.mjs';
import { gate } from './lib.mjs';

async function startH2(row, stream) {
  let calm = false;
  const told = gate();
  const upstream = await RawH2.start((call) => (calm ? call.good() : row.does(Object.assign(call, { told: told.opened }))), {
    ...row.session, greet: row.greet && ((c) => calm || row.greet(c)),
  });
  upstream.stream = stream;
  upstream.told = told.open;
  upstream.turn = () => {};
  upstream.calm = () => (calm = true);
  upstream.tries = () => (row.counts === 'connections' ? upstream.connections : upstream.requests);
  return upstream;
}

const rows = [];
const play = (name, row) => rows.push(...scenes({ id: 'H2-10', name, ...row }, startH2));
const BROKEN = fails(502, 'upstream_error');
const again = { whole: BROKEN, stream: BROKEN, tries: 2 }; // not a byte of an answer: asked once more
const never = { whole: BROKEN, stream: breaks('one '), tries: 1 }; // inside its body
const unseen = (tries) => ({ whole: ok(), stream: ok(), tries });
const fine = unseen(1);

const [NO_ERROR, INTERNAL, REFUSED] = [0, 2, 7];
const [TABLE, , STREAMS, WINDOW, FRAME_SIZE] = [1, 2, 3, 4, 5];
const bytes = (text) => Buffer.from(text, 'latin1');
const padded = (n, data) => Buffer.concat([Buffer.of(n), data, Buffer.alloc(n)]);
const flood = (n) => Array.from({ length: n }, (_, i) => field(`x-${i}`, 'x'.repeat(64)));

// ----------------------------------------------------------------- GOAWAY, REFUSED_STREAM: unseen

const first = (then) => (c) => (c.nth === 1 ? then(c) : c.good());
play('GOAWAY that leaves the request out', { ...unseen(2), does: first((c) => c.goaway(0)) });
play('GOAWAY and the end at once', { ...unseen(2), does: first((c) => { c.goaway(0); c.socket.end(); }) });
play('GOAWAY that lets it finish', { ...fine, does: (c) => { c.goaway(c.id); c.good(); } });
play('GOAWAY in the middle, and the rest', { ...fine, does: (c) => { c.begin(); c.goaway(c.id); c.finish(); } });
play('GOAWAY in the middle, and no rest', { ...never, does: async (c) => { c.begin(); if (c.stream) await c.told; c.goaway(c.id); c.socket.end(); } });
play('GOAWAY with an error, left out', { ...unseen(2), does: first((c) => c.goaway(0, INTERNAL)) });
play('REFUSED_STREAM once', { ...unseen(2), does: first((c) => c.rst(REFUSED)) });
play('REFUSED_STREAM three times', { ...unseen(4), does: (c) => (c.nth <= 3 ? c.rst(REFUSED) : c.good()) });
play('REFUSED_STREAM in the middle', { ...never, does: async (c) => { c.begin(); if (c.stream) await c.told; c.rst(REFUSED); } });

// ------------------------------------------------------------------------------- streams that break

play('a reset without an answer', { ...again, does: (c) => c.rst(INTERNAL) });
play('a reset in the middle', { ...never, does: async (c) => { c.begin(); if (c.stream) await c.told; c.rst(INTERNAL); } });
play('the connection ends in the middle', { ...never, does: async (c) => { c.begin(); if (c.stream) await c.told; c.socket.end(); } });
// The choices of one request share a connection: the first that hears of its end cancels the others on it.
play('the connection ends under two choices', {
  whole: BROKEN, stream: breaks(/^(one ){1,2}$/), tries: 2, more: { n: 2 },
  does: async (c) => { c.begin(); if (c.nth < 2) return; if (c.stream) await c.told; c.socket.end(); },
});
play('fewer bytes than content-length', { ...never, does: (c) => { c.head([field('content-length', '99999')]); c.data(words(c.stream)[0]); c.data(words(c.stream)[1], END_STREAM); },
  stream: breaks('one two') });
play('more bytes than content-length', { ...again, does: (c) => { c.head([field('content-length', '3')]); c.finish(); } });
play('data before the head', { ...again, does: (c) => { c.data('hello'); c.good(); } });
play('a head without :status', { ...again, does: (c) => { c.frame(FRAME.HEADERS, END_HEADERS, c.id, field('content-type', 'x')); } });
play('a field name in capitals', { ...again, does: (c) => { c.head([field('X-Loud', 'x')]); c.finish(); } });
play('a field of HTTP/1', { ...again, does: (c) => { c.head([field('connection', 'close')]); c.finish(); } });
play('a NUL in a value', { ...again, does: (c) => { c.head([field('x-a', 'o\0ne')]); c.finish(); } });
play('eleven interim answers', { ...again, does: (c) => { for (let i = 0; i < 11; i++) c.head([], { status: '103' }); c.good(); } });
play('ten interim answers', { ...fine, does: (c) => { for (let i = 0; i < 10; i++) c.head([], { status: '103' }); c.good(); } });

// ------------------------------------------------------------------------------------- floods, caps

play('101 fields', { ...again, does: (c) => { c.head(flood(101)); c.finish(); } });
play('a head of 70 KiB in continuations', {
  ...again,
  does(c) {
    const block = Buffer.concat([Buffer.of(0x88), ...Array.from({ length: 70 }, (_, i) => field(`x-${i}`, 'x'.repeat(1024)))]);
    for (let at = 0; at < block.length; at += 16_000)
      c.frame(at === 0 ? FRAME.HEADERS : FRAME.CONTINUATION, at + 16_000 >= block.length ? END_HEADERS : 0, c.id, block.subarray(at, at + 16_000));
    c.finish();
  },
});
play('continuations without an end', {
  ...again,
  does(c) {
    c.frame(FRAME.HEADERS, 0, c.id, Buffer.of(0x88));
    for (let i = 0; i < 64; i++) c.frame(FRAME.CONTINUATION, 0, c.id);
  },
});
play('trailers of 101 fields', { ...never, does: (c) => { c.begin(); c.frame(FRAME.HEADERS, END_HEADERS | END_STREAM, c.id, Buffer.concat(flood(101))); } });
for (const [name, type, id, payload] of [
  ['PING', FRAME.PING, () => 0, Buffer.alloc(8)],
  ['SETTINGS', FRAME.SETTINGS, () => 0, Buffer.alloc(0)],
  ['empty DATA', FRAME.DATA, (c) => c.id, Buffer.alloc(0)],
  ['PRIORITY', FRAME.PRIORITY, (c) => c.id, Buffer.alloc(5)],
]) play(`2,000 frames of ${name}`, { ...again, does: (c) => { if (type === FRAME.DATA) c.head(); for (let i = 0; i < 2000; i++) c.frame(type, 0, id(c), payload); c.good(); } });
play('a frame above the size that was agreed', { ...again, does: (c) => { c.head(); c.frame(FRAME.DATA, 0, c.id, Buffer.alloc(20_000, 0x20)); } });

// ------------------------------------------------------------------------------ against the protocol

const promise = (c) => c.frame(FRAME.PUSH_PROMISE, END_HEADERS, c.id, Buffer.concat([Buffer.from([0, 0, 0, 2]), Buffer.of(0x82, 0x87, 0x84), field('host', 'localhost')]));
play('PUSH_PROMISE before the head', { ...again, does: (c) => { promise(c); c.good(); } });
play('PUSH_PROMISE in the middle', { ...never, does: async (c) => { c.begin(); if (c.stream) await c.told; promise(c); c.finish(); } });
play('a window update of nothing', { ...again, does: (c) => { c.window(c.id, 0); } });
play('windows that overflow', { ...again, does: (c) => { c.window(0, 0x7fffffff); c.window(0, 0x7fffffff); c.good(); } });
play('a frame on a stream that never was', { ...again, does: (c) => { c.frame(FRAME.DATA, 0, 0x7fffff01, bytes('x')); c.good(); } });
play('more padding than frame', { ...again, does: (c) => { c.head(); c.frame(FRAME.DATA, PADDED, c.id, Buffer.of(200, 1, 2, 3)); c.finish(); } });
play('HPACK that is no HPACK', { ...again, does: (c) => { c.frame(FRAME.HEADERS, END_HEADERS, c.id, Buffer.alloc(16, 0xff)); } });
play('SETTINGS out of range', { ...again, does: (c) => { c.settings([[WINDOW, 0x80000000]]); c.good(); } });
play('an acknowledgement of nothing', { ...again, does: (c) => { c.frame(FRAME.SETTINGS, 1, 0, Buffer.alloc(6)); c.good(); } });
play('bytes that are no frames', { whole: BROKEN, stream: BROKEN, greet: (c) => c.socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), does() {} });

// --------------------------------------------------------------------------- odd, and right all the same

play('padding everywhere', {
  ...fine,
  does(c) {
    c.frame(FRAME.HEADERS, END_HEADERS | PADDED, c.id, padded(255, Buffer.concat([Buffer.of(0x88), field('content-type', 'text/event-stream')])));
    for (const w of words(c.stream)) for (const half of [w.slice(0, 20), w.slice(20)]) c.frame(FRAME.DATA, PADDED, c.id, padded(200, bytes(half)));
    c.frame(FRAME.DATA, PADDED | END_STREAM, c.id, padded(7, Buffer.alloc(0)));
  },
});
play('one byte in a frame', {
  ...fine,
  does(c) {
    c.head();
    for (const b of bytes(words(c.stream).join(''))) c.frame(FRAME.DATA, 0, c.id, Buffer.of(b));
    c.data('', END_STREAM);
  },
});
play('settings that change in mid-flight', {
  ...fine,
  does(c) {
    c.begin();
    c.settings([[STREAMS, 1], [WINDOW, 0], [TABLE, 0], [FRAME_SIZE, 1 << 20]]);
    c.settings([[STREAMS, 100], [WINDOW, 65_535], [TABLE, 4096], [FRAME_SIZE, 16_384]]);
    c.settings([[0x7abc, 5]]);
    c.finish();
  },
});
play('frames and settings that nobody knows', { ...fine, session: { settings: [[0x9999, 1]] }, does: (c) => { c.frame(0xbe, 0xff, c.id, bytes('?')); c.begin(); c.frame(0xbe, 0, 0, bytes('?')); c.finish(); } });
play('a window of one byte, paid byte by byte', {
  ...fine, // the request goes through that keyhole
  session: { settings: [[WINDOW, 1]] },
  does: (c) => c.good(),
});
play('no stream is allowed yet', { ...fine, session: { settings: [[STREAMS, 0]] }, greet: (c) => setImmediate(() => c.settings([[STREAMS, 5]])), does: (c) => c.good() });

describe('faults', { concurrency: SIDE_BY_SIDE }, () => {
  for (const [name, act] of rows) test(name, act);
});
