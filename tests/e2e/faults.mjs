// faults.mjs - how a row of the fault matrix is played: one upstream, one gateway, both modes, and
// what must come of it. The rows are in r_faults*.test.mjs, by the ids of the hardening rules.
//
//   whole, stream   what the client must get; both are played unless one is left out
//     ok(text)                      200 with that text (or like that pattern), for a stream with [DONE]
//     fails(status, type, words)    an error body; before the first byte a stream's failure is one, too
//     breaks(text, words)           a stream's 200, that text, an error event, no [DONE], no finish reason
//   more            members of the request beside its messages
//   tries           how many requests (or connections) upstream must have seen
//   next            what the next request is told, without upstream being asked: the key is out, or
//                   cools; else it is served, with the same key
//   calm            the text of upstream's answer when it is well, if it is another than ok()'s
//   lost            there is no getting well: the next request fails as this one did
import assert from 'node:assert/strict';
import { Gateway, SLOW, events, hello } from './lib.mjs';

/** Rows wait for pauses and time limits more than for the processor. */
export const SIDE_BY_SIDE = SLOW ? 3 : 6;

export const ok = (text = 'one two') => ({ text });
export const fails = (status, code, words) => ({ status, code, words });
export const breaks = (text, words) => ({ status: 200, text, broken: true, words });

async function holdsError(r, want) {
  const body = await r.text();
  assert.equal(r.status, want.status, body);
  assert.match(r.headers.get('content-type'), /^application\/json/);
  const { error, ...rest } = JSON.parse(body);
  assert.deepEqual(rest, {});
  assert.equal(error.code, want.code, body);
  if (want.words) assert.match(error.message, want.words);
}

function holdsText(text, want) {
  if (want instanceof RegExp) assert.match(text, want);
  else assert.equal(text, want);
}

async function holdsStream(r, want, told = () => {}) {
  assert.equal(r.status, 200, r.status === 200 ? '' : await r.text());
  const chunks = [];
  let text = '';
  let done = false;
  for await (const data of events(r)) {
    assert.equal(done, false, 'an event after [DONE]');
    done = data === '[DONE]';
    if (!done) chunks.push(JSON.parse(data));
    text += done ? '' : chunks.at(-1).choices?.[0]?.delta?.content ?? '';
    if (text !== '') told();
  }
  holdsText(text, want.text);
  assert.equal(done, !want.broken, 'the end mark');
  if (!want.broken) {
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
    return;
  }
  const { error } = chunks.pop();
  assert.equal(typeof error?.message, 'string');
  if (want.words) assert.match(error.message, want.words);
  for (const c of chunks) assert.equal(c.choices[0].finish_reason, null);
}

/** Hold the answer to a chat request to what the row wants; told() once its first words are there. */
export async function holds(r, want, stream, told) {
  if (want.status !== undefined && !want.broken) return holdsError(r, want);
  if (stream) return holdsStream(r, want, told);
  const body = await r.text();
  assert.equal(r.status, 200, body);
  const { choices } = JSON.parse(body);
  holdsText(choices[0].message.content, want.text);
  assert.equal(choices[0].finish_reason, 'stop');
  return undefined;
}

/** upstream.calm() makes it well again; upstream.tries() is what it has seen. */
async function playMode(row, upstream, gateway, stream) {
  const want = stream ? row.stream : row.whole;
  const before = await upstream.tries();
  await upstream.turn(stream);
  await holds(await gateway.chat({ messages: hello, stream, ...row.more }), want, stream, upstream.told);
  const tries = stream ? row.streamTries ?? row.tries : row.tries;
  if (tries !== undefined) assert.equal((await upstream.tries()) - before, tries, 'requests that upstream saw');
  await upstream.calm?.(stream);
  const seen = await upstream.tries();
  const after = await gateway.chat({ messages: hello, stream });
  await holds(after, row.next ?? (row.lost ? want : ok(row.calm ?? 'one two')), stream);
  if (row.next) assert.equal(await upstream.tries(), seen, 'nothing is sent with a key that is out');
}

/** [name, act] for each mode of the row. `start(row, stream)` makes the upstream. */
export function* scenes(row, start) {
  for (const stream of [false, true]) {
    if ((stream ? row.stream : row.whole) === undefined) continue;
    yield [`${row.id}: ${row.name}, ${stream ? 'streamed' : 'whole'}`, async () => {
      const upstream = await start(row, stream);
      try {
        const gateway = await Gateway.start({ upstream, env: { QUEQIAO_WORKERS: '1', ...row.env, ...upstream.env } });
        try {
          await playMode(row, upstream, gateway, stream);
          assert.ok(await gateway.well());
        } finally {
          await gateway.stop();
        }
      } finally {
        await upstream.stop();
      }
    }];
  }
}
