// Large bodies: they are parsed and translated by another thread, and everything that may happen to a
// request happens to them as well. That the loop goes on meanwhile is tests/unit/test_net_loop.c.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Raw, Scripted, gather, gm, hello, request, stage, until } from './lib.mjs';

const KB = 1024;
const env = { QUEQIAO_WORKERS: '1' };
const CHAT = '/v1/chat/completions';
/** A conversation of so many bytes; every kind of text that is copied, unescaped or pointed at is in it. */
function history(bytes) {
  const messages = [];
  for (let n = 0, i = 0; n < bytes; i++) {
    const content = `${i} "quoted" \\ 你好 \u{1f600}\n`.repeat(1 + (i % 400));
    messages.push({ role: i % 2 ? 'assistant' : 'user', content });
    n += Buffer.byteLength(JSON.stringify(content));
  }
  return [...messages, { role: 'user', content: 'the end' }];
}
const said = ({ contents }) => contents.flatMap((c) => c.parts.map((p) => p.text)).join('');
const meant = (messages) => messages.map((m) => m.content).join('');
const threads = (gateway) => Number(/Threads:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))[1]);

async function scene(play, act, more = {}) {
  const s = await stage({ play, env: { ...env, ...more } });
  try {
    await act(s);
    assert.ok(await s.gateway.well());
  } finally {
    await s.close();
  }
}
const answer = (req, res) => gm.answer(req, res, 'all of it was read');

test('the smaller ones need no other thread, the larger ones have one; upstream gets the same', () => scene(answer, async ({ gateway, upstream }) => {
  const before = threads(gateway);
  for (const [bytes, aside] of [[100 * KB, false], [300 * KB, true], [4096 * KB, true]]) {
    const messages = history(bytes);
    for (const stream of [false, true]) {
      const r = await gateway.chat({ messages, stream });
      assert.equal(r.status, 200);
      if (stream) assert.equal((await gather(r)).text, 'all of it was read');
      else assert.equal((await r.json()).choices[0].message.content, 'all of it was read');
      assert.equal(said(upstream.seen.at(-1).body), meant(messages));
    }
    assert.equal(threads(gateway) > before, aside, `${bytes} bytes`);
  }
}));

test('what is wrong with a large one is told as of a small one', () => scene(answer, async ({ gateway, upstream }) => {
  const text = JSON.stringify({ model: 'gemini-3.8-flash', messages: history(600 * KB) });
  for (const [json, like] of [
    [text.slice(0, -1), new RegExp(`could not parse the JSON body of your request: .*\\(byte ${Buffer.byteLength(text) - 1}\\)`)],
    [`${text.slice(0, -1)},"temperature":9}`, /temperature/],
    [`${text.slice(0, -1)},"model":"gemini-2.5-pro"}`, /twice|duplicate|repeated/i],
  ]) {
    const r = await gateway.fetch(CHAT, { json });
    assert.equal(r.status, 400);
    assert.match((await r.json()).error.message, like);
  }
  assert.equal(upstream.seen.length, 0);
}));

test('one that is sent again to another model is translated anew', () => {
  const busy = (req, res) => (req.url.includes('gemini-3.8-flash') ? gm.error(res, 503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.') : answer(req, res));
  return scene(busy, async ({ gateway, upstream }) => {
    const messages = history(500 * KB);
    const r = await gateway.chat({ messages });
    assert.equal(r.status, 200);
    assert.equal((await r.json()).model, 'gemini-2.5-flash');
    assert.match(upstream.seen.at(-1).url, /gemini-2\.5-flash/);
    assert.equal(said(upstream.seen.at(-1).body), meant(messages));
  }, { QUEQIAO_FALLBACK_MODELS: 'gemini-3.8-flash=gemini-2.5-flash' });
});

test('clients that leave at any moment of it', () => scene(answer, async ({ gateway }) => {
  const body = JSON.stringify({ model: 'gemini-3.8-flash', messages: history(1500 * KB) });
  const whole = Buffer.from(request('POST', CHAT, { body }));
  for (let i = 0; i < 24; i++) {
    const raw = await Raw.open(gateway.port);
    const sent = i % 3 === 0 ? whole.length - 1 : whole.length;
    await new Promise((resolve) => raw.socket.write(whole.subarray(0, sent), resolve));
    for (let turn = 0; turn < i % 8; turn++) await new Promise(setImmediate);
    raw.leave({ hard: i % 2 === 0 });
  }
  await until('nothing in work', async () => /^queqiao_requests_in_flight(\{[^}]*\})? 0$/m.test(await (await gateway.fetch('/metrics')).text()));
  assert.equal((await gateway.chat({ messages: hello })).status, 200);
}));

for (const [name, moments] of [['at once', 0], ['a little later', 6]]) {
  test(`the process is told to end while they are worked on, ${name}`, async () => {
    const s = await stage({ play: answer, env });
    const body = { messages: history(3000 * KB) };
    const asked = Array.from({ length: 6 }, () => s.gateway.chat(body).then((r) => r.status, () => 0));
    for (let turn = 0; turn < moments; turn++) await new Promise(setImmediate);
    await s.close(); // holds it to a clean end
    for (const status of await Promise.all(asked)) assert.ok([0, 200, 503].includes(status), String(status));
  });
}
