// Streams: passed on event by event, cancelled with the client, never a false success.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Emulator, Gateway, Raw, events, gate, gather, gm, haveEmulator, hello, request, stage, until } from './lib.mjs';

const CHAT = '/v1/chat/completions';
const ask = JSON.stringify({ model: 'gemini-3.8-flash', messages: hello, stream: true });

/** A scene of its own: upstream plays, the client acts. */
function scene(name, play, act, env) {
  test(name, async () => {
    const s = await stage({ play, env });
    try {
      await act(s);
      assert.ok(await s.gateway.well());
    } finally {
      await s.close();
    }
  });
}

{
  const doors = [gate(), gate(), gate(), gate()];
  scene('each event arrives before the next one is even sent', async (req, res) => {
    gm.head(res);
    for (const [i, door] of doors.entries()) {
      gm.event(res, gm.chunk(`word${i} `));
      await door.opened; // opened by the client once it has read this very word
    }
    gm.event(res, gm.chunk('end', { finish: 'STOP' }));
    res.end();
  }, async (s) => {
    let text = '';
    for await (const data of events(await s.gateway.chat({ messages: hello, stream: true }))) {
      if (data === '[DONE]') break;
      const word = JSON.parse(data).choices[0].delta.content ?? '';
      text += word;
      const m = /^word(\d) $/.exec(word);
      if (m) doors[Number(m[1])].open();
    }
    assert.equal(text, 'word0 word1 word2 word3 end');
  });
}

scene('an event that upstream cuts anywhere, even inside a character, arrives whole', async (req, res) => {
  gm.head(res);
  const bytes = Buffer.from(`data: ${JSON.stringify(gm.chunk('喜鹊🐦‍⬛搭桥', { finish: 'STOP' }))}\r\n\r\n`);
  for (const b of bytes) {
    res.write(Buffer.of(b));
    await new Promise(setImmediate);
  }
  res.end();
}, async (s) => {
  const { text, done } = await gather(await s.gateway.chat({ messages: hello, stream: true }));
  assert.equal(text, '喜鹊🐦‍⬛搭桥');
  assert.ok(done);
});

scene('a last event without its blank line is not lost', (req, res) => {
  gm.head(res);
  gm.event(res, gm.chunk('one '));
  res.end(`data: ${JSON.stringify(gm.chunk('two', { finish: 'STOP' }))}`);
}, async (s) => {
  const { text, done } = await gather(await s.gateway.chat({ messages: hello, stream: true }));
  assert.equal(text, 'one two');
  assert.ok(done);
});

scene('LIM-12: heartbeats keep a silent stream alive, from before the first token', async (req, res) => {
  gm.head(res);
  await new Promise((r) => res.once('close', r));
}, async (s) => {
  const raw = await Raw.open(s.gateway.port);
  raw.write(request('POST', CHAT, { body: ask }));
  assert.equal((await raw.head()).status, 200);
  let text = '';
  while (!/^:.*\n\n[^]*^:.*\n\n/m.test(text)) text += await raw.chunk();
  await until('the request to reach upstream', () => s.upstream.seen.length === 1); // connecting may outlast two heartbeats
  raw.leave();
  await until('upstream to be cancelled', () => s.upstream.seen[0].cancelled);
}, { QUEQIAO_HEARTBEAT: '50ms' });

// ---------------------------------------------------------------------- a client that leaves

for (const when of ['before the head', 'before the first token', 'mid-stream']) {
  for (const hard of [false, true]) {
    scene(`UPS-4: a client that leaves ${when}${hard ? ' with RST' : ''} cancels its upstream request`, async (req, res) => {
      if (when !== 'before the head') gm.head(res);
      if (when === 'mid-stream') gm.event(res, gm.chunk('one '));
      await new Promise((r) => res.once('close', r));
    }, async (s) => {
      const raw = await Raw.open(s.gateway.port);
      raw.write(request('POST', CHAT, { body: ask }));
      await until('the request to reach upstream', () => s.upstream.seen.length === 1);
      if (when === 'mid-stream') {
        await raw.head();
        while (!(await raw.chunk()).includes('one '));
      }
      raw.leave({ hard });
      await until('upstream to be cancelled', () => s.upstream.seen[0].cancelled);
    });
  }
}

scene('UPS-4: a client that leaves while it waits for a whole answer cancels it as well', async (req, res) => {
  await new Promise((r) => res.once('close', r));
}, async (s) => {
  const raw = await Raw.open(s.gateway.port);
  raw.write(request('POST', CHAT, { body: JSON.stringify({ model: 'gemini-3.8-flash', messages: hello }) }));
  await until('the request to reach upstream', () => s.upstream.seen.length === 1);
  raw.leave();
  await until('upstream to be cancelled', () => s.upstream.seen[0].cancelled);
});

scene('UPS-4: leaving just before the counts come is not free: the answer is estimated by its text', async (req, res) => {
  gm.head(res);
  for (let i = 0; i < 10; i++) gm.event(res, gm.chunk('forty bytes of an answer, as it happens ', { usage: null }));
  await new Promise((r) => res.once('close', r));
}, async (s) => {
  const raw = await Raw.open(s.gateway.port);
  raw.write(request('POST', CHAT, { body: ask }));
  await raw.head();
  for (let n = 0; n < 10;) n += String(await raw.chunk()).split('as it happens').length - 1;
  raw.leave();
  const [line] = await s.gateway.said(/^.* end=client_gone$/m);
  assert.match(line, / tok_out=100 .* tok=estimated /);
  assert.ok(Number(/ tok_in=(\d+) /.exec(line)[1]) > 0, line);
});

scene('UPS-4: one that leaves does not disturb its neighbours', async (req, res, asked) => {
  gm.head(res);
  gm.event(res, gm.chunk('one '));
  if (asked.contents[0].parts[0].text === 'leaver') {
    await new Promise((r) => res.once('close', r));
    return;
  }
  await until('the leaver to be cancelled', () => neighbours.upstream.seen.some((x) => x.cancelled));
  gm.event(res, gm.chunk('two', { finish: 'STOP' }));
  res.end();
}, async (s) => {
  neighbours = s;
  const chat = (content) => JSON.stringify({ model: 'gemini-3.8-flash', messages: [{ role: 'user', content }], stream: true });
  const stay = await Promise.all([1, 2, 3].map(() => s.gateway.fetch(CHAT, { json: chat('stayer') })));
  const leave = await Raw.open(s.gateway.port);
  leave.write(request('POST', CHAT, { body: chat('leaver') }));
  await leave.head();
  leave.leave();
  for (const r of stay) assert.deepEqual([(await gather(r)).text], ['one two']);
});
let neighbours;

test('UPS-4: the emulator sees the cancellation, too', { skip: haveEmulator }, async () => {
  const upstream = await Emulator.start();
  const gateway = await Gateway.start({ upstream });
  try {
    const before = (await upstream.state()).cancelled;
    const raw = await Raw.open(gateway.port);
    raw.write(request('POST', CHAT, { body: JSON.stringify({ model: 'emulate-slow-3600000', messages: hello, stream: true }) }));
    await until('the request to be in flight', async () => (await upstream.state()).in_flight === 1);
    raw.leave();
    await until('the emulator to count it', async () => (await upstream.state()).cancelled === before + 1);
    assert.equal((await upstream.state()).in_flight, 0);
  } finally {
    await gateway.stop();
    await upstream.stop();
  }
});

// ------------------------------------------------------------------------ endings that are none

async function endsInError(s, type) {
  const r = await s.gateway.chat({ messages: hello, stream: true });
  assert.equal(r.status, 200);
  const { chunks, done } = await gather(r);
  assert.equal(done, false, 'no [DONE] after a failure');
  const { error } = chunks.pop();
  assert.ok(error.message.length > 0);
  if (type) assert.equal(error.type, type);
  for (const c of chunks) assert.ok(c.choices.every((x) => x.finish_reason === null), 'no finish reason either');
  return { chunks, error };
}

scene('UPS-3: an error event of upstream in mid-stream', (req, res) => {
  gm.head(res);
  gm.event(res, gm.chunk('one '));
  gm.event(res, { error: { code: 503, message: 'The model is overloaded. Please try again later.', status: 'UNAVAILABLE' } });
  res.end();
}, async (s) => {
  const { chunks, error } = await endsInError(s, 'api_error');
  assert.equal(chunks.map((c) => c.choices[0].delta.content ?? '').join(''), 'one ');
  assert.match(error.message, /overloaded/);
  const whole = await s.gateway.chat({ messages: hello });
  assert.ok(whole.status >= 500, String(whole.status));
});

scene('UPS-3: a stream that ends properly but without a finish reason', (req, res) => {
  gm.head(res);
  gm.event(res, gm.chunk('one '));
  res.end();
}, async (s) => endsInError(s));

scene('a stream that is cut', (req, res) => {
  gm.head(res);
  gm.event(res, gm.chunk('one '));
  setImmediate(() => (res.stream ?? res).destroy(new Error('cut')));
}, async (s) => endsInError(s));

scene('a stream that is cut inside an event', (req, res) => {
  gm.head(res);
  gm.event(res, gm.chunk('one '));
  res.write('data: {"candidates":[{"content":{"par');
  setImmediate(() => (res.stream ?? res).destroy(new Error('cut')));
}, async (s) => endsInError(s));

scene('UPS-3: an event that is no JSON', (req, res) => {
  gm.head(res);
  gm.event(res, gm.chunk('one '));
  res.write('data: {"candidates":[}\r\n\r\n');
  gm.event(res, gm.chunk('two', { finish: 'STOP' }));
  res.end();
}, async (s) => endsInError(s));

scene('LIM-4: an event over the cap', async (req, res) => {
  gm.head(res);
  gm.event(res, gm.chunk('one '));
  for (let i = 0; i < 100 && !res.destroyed; i++) {
    if (!res.write(i === 0 ? 'data: "' : 'x'.repeat(4096))) await new Promise((r) => res.once('drain', r).once('close', r));
  }
  res.end();
}, async (s) => endsInError(s), { QUEQIAO_MAX_EVENT: '64K' });

scene('LIM-11, UPS-3: upstream falls silent in mid-stream', async (req, res) => {
  gm.head(res);
  gm.event(res, gm.chunk('one '));
  await new Promise((r) => res.once('close', r));
}, async (s) => {
  await endsInError(s);
  await until('upstream to be cancelled', () => s.upstream.seen[0].cancelled);
}, { QUEQIAO_IDLE_TIMEOUT: '1s' });

scene('LIM-11: upstream never answers: 504, whole and streamed', async (req, res) => {
  await new Promise((r) => res.once('close', r));
}, async (s) => {
  for (const stream of [false, true]) {
    const r = await s.gateway.chat({ messages: hello, stream });
    if (stream && r.status === 200) {
      assert.match(await r.text(), /data: \{"error":/);
    } else {
      assert.equal(r.status, 504);
      assert.equal(typeof (await r.json()).error.message, 'string');
    }
  }
  await until('upstream to be cancelled', () => s.upstream.seen.every((x) => x.cancelled));
}, { QUEQIAO_FIRST_BYTE_TIMEOUT: '1s', QUEQIAO_ATTEMPTS: '1' });

scene('an empty answer never passes as a success without a word', (req, res) => {
  gm.head(res);
  res.end();
}, async (s) => {
  const r = await s.gateway.chat({ messages: hello, stream: true });
  const text = await r.text();
  assert.ok(r.status >= 500 || (/data: \{"error":/.test(text) && !/\[DONE\]/.test(text)), `${r.status}: ${text}`);
  assert.ok((await s.gateway.chat({ messages: hello })).status >= 500);
});

scene('a whole answer that is cut short of its length', (req, res) => {
  const text = JSON.stringify(gm.chunk('hello', { finish: 'STOP' }));
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length + 10 });
  res.write(text);
  setImmediate(() => (res.stream ?? res).destroy(new Error('cut')));
}, async (s) => {
  const r = await s.gateway.chat({ messages: hello });
  assert.equal(r.status, 502);
  assert.equal(typeof (await r.json()).error.message, 'string');
});

scene('an error to one client leaves nothing behind for the next one', (req, res, body) => {
  if (body.contents[0].parts[0].text === 'fail') return gm.error(res, 400, 'INVALID_ARGUMENT', 'the first client\'s own error');
  return gm.answer(req, res, 'hello');
}, async (s) => {
  const fail = { messages: [{ role: 'user', content: 'fail' }] };
  for (const stream of [false, true]) {
    for (const before of [() => s.gateway.chat({ ...fail, stream }), () => s.gateway.chat({ messages: [] }), () => s.gateway.fetch('/nothing')]) {
      assert.ok((await before()).status >= 400);
      const { text, done } = await gather(await s.gateway.chat({ messages: hello, stream: true }));
      assert.equal(text, 'hello');
      assert.ok(done);
    }
  }
}, { QUEQIAO_WORKERS: '1' });

// -------------------------------------------------------------------------- endings that are one

for (const [reason, want] of [
  ['STOP', 'stop'], ['MAX_TOKENS', 'length'], ['SAFETY', 'content_filter'], ['RECITATION', 'content_filter'],
  ['PROHIBITED_CONTENT', 'content_filter'], ['SPII', 'content_filter'], ['BLOCKLIST', 'content_filter'], ['OTHER', 'stop'],
]) {
  scene(`finishReason ${reason} is ${want}, whole and streamed`, (req, res) => gm.answer(req, res, 'some text', { finish: reason }), async (s) => {
    const whole = await (await s.gateway.chat({ messages: hello })).json();
    assert.equal(whole.choices[0].finish_reason, want);
    assert.equal(whole.choices[0].message.content, 'some text');
    const { chunks, done } = await gather(await s.gateway.chat({ messages: hello, stream: true }));
    assert.equal(chunks.at(-1).choices[0].finish_reason, want);
    assert.ok(done);
  });
}

const block = (req, res) => {
  const blocked = { promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: { promptTokenCount: 7, totalTokenCount: 7 } };
  if (!req.url.includes('alt=sse')) return gm.json(res, blocked);
  gm.head(res);
  gm.event(res, blocked);
  return res.end();
};

scene('QUEQIAO_BLOCKED_AS_ERROR: a blocked prompt is a 400, whole and streamed', block, async (s) => {
  for (const more of [{}, { stream: true }, { n: 2 }]) {
    const r = await s.gateway.chat({ messages: hello, ...more });
    assert.equal(r.status, 400, JSON.stringify(more));
    const { error } = await r.json();
    assert.equal(error.code, 'content_policy_violation');
    assert.equal(error.type, 'invalid_request_error');
    assert.match(error.message, /\(SAFETY\).*拒绝/);
  }
}, { QUEQIAO_BLOCKED_AS_ERROR: '1' });

scene('a blocked prompt is content_filter, whole and streamed', block, async (s) => {
  const whole = await (await s.gateway.chat({ messages: hello })).json();
  assert.equal(whole.choices[0].finish_reason, 'content_filter');
  const { chunks, done } = await gather(await s.gateway.chat({ messages: hello, stream: true }));
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'content_filter');
  assert.ok(done);
});

scene('usage: the last figures count, thoughts belong to the completion', (req, res) => {
  const part = (text, usage, finish) => gm.chunk(text, { finish, usage });
  gm.head(res);
  gm.event(res, part([{ text: 'hm', thought: true }], { promptTokenCount: 100, thoughtsTokenCount: 30, totalTokenCount: 130 }));
  gm.event(res, part('hello', { promptTokenCount: 79, candidatesTokenCount: 4, thoughtsTokenCount: 35, totalTokenCount: 118 }));
  gm.event(res, part('', { promptTokenCount: 79, candidatesTokenCount: 6, thoughtsTokenCount: 35, totalTokenCount: 120, cachedContentTokenCount: 16 }, 'STOP'));
  res.end();
}, async (s) => {
  const { chunks } = await gather(await s.gateway.chat({ messages: hello, stream: true, stream_options: { include_usage: true } }));
  const { usage } = chunks.at(-1);
  assert.equal(usage.prompt_tokens, 79);
  assert.equal(usage.completion_tokens, 41);
  assert.equal(usage.total_tokens, 120);
  assert.equal(usage.completion_tokens_details.reasoning_tokens, 35);
  assert.equal(usage.prompt_tokens_details.cached_tokens, 16);
});
