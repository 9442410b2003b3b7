// Tight quotas: who waits for them, in which order, and what is said to those who cannot.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE, Raw, SLOW, deadline, during, gate, gather, gm, hello, request, stage, until } from './lib.mjs';

const CHAT = '/v1/chat/completions';
const RPC = 'type.googleapis.com/google.rpc.';

/** A refusal of the minute's requests, in Google's words. */
function limited(res, delay, limit = 100) {
  const [, model] = /models\/([^:]+):/.exec(res.req.url);
  gm.error(res, 429, 'RESOURCE_EXHAUSTED', `You exceeded your current quota.\nPlease retry in ${delay}.`, [
    { '@type': `${RPC}QuotaFailure`, violations: [{
      quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier',
      quotaDimensions: { location: 'global', model }, quotaValue: String(limit) }] },
    { '@type': `${RPC}RetryInfo`, retryDelay: delay }]);
}

async function within(play, env, scene) {
  const s = await stage({ play, env: { QUEQIAO_WORKERS: '1', QUEQIAO_QUOTA_WAIT: '30s', ...env } });
  await during(() => scene(s), () => s.close());
}

/** The value of a metric; labels as they are printed. */
async function metric(g, name) {
  const text = await (await g.fetch('/metrics')).text();
  const line = text.split('\n').find((l) => l.startsWith(`${name} `));
  assert.ok(line, `a metric ${name}`);
  return Number(line.slice(name.length + 1));
}
const waiting = (g, n) => until(`${n} to wait`, async () => (await metric(g, 'queqiao_quota_waiting')) === n);
const say = (content) => [{ role: 'user', content }];
const said = (seen) => seen.body.contents[0].parts[0].text;

// ------------------------------------------------------------------------------------- waiting

test('quota that is back soon is waited for: a whole answer', () => within((req, res) => {
  if (own.upstream.seen.length === 1) limited(res, '1.2s');
  else gm.answer(req, res, 'here I am');
}, {}, async (s) => {
  own = s;
  const r = await s.gateway.chat({ messages: hello });
  assert.equal(r.status, 200);
  assert.equal((await r.json()).choices[0].message.content, 'here I am');
  assert.equal(s.upstream.seen.length, 2);
  assert.equal(await metric(s.gateway, 'queqiao_quota_waits_total{end="served"}'), 1);
  assert.equal(await metric(s.gateway, 'queqiao_quota_waiting'), 0);
  assert.equal(await metric(s.gateway, 'queqiao_quota_limit{project="1",model="gemini-3.8-flash",quota="rpm"}'), 100);
}));
let own;

test('a stream is kept alive while it waits, and is one answer then', () => within((req, res) => {
  if (own.upstream.seen.length === 1) limited(res, '1.2s');
  else gm.answer(req, res, 'here I am');
}, { QUEQIAO_HEARTBEAT: '100ms' }, async (s) => {
  own = s;
  const raw = await Raw.open(s.gateway.port);
  raw.write(request('POST', CHAT, { body: JSON.stringify({ model: 'gemini-3.8-flash', messages: hello, stream: true }) }));
  assert.equal((await raw.head()).status, 200);
  assert.equal((await raw.chunk()).toString(), ': keep-alive\n\n');
  let text = '';
  for (let c; (c = await raw.chunk()) !== null;) text += c;
  const data = text.split('\n\n').filter((e) => e.startsWith('data: ')).map((e) => e.slice(6));
  assert.equal(data.pop(), '[DONE]');
  assert.equal(data.map((d) => JSON.parse(d).choices[0]?.delta.content ?? '').join(''), 'here I am');
  assert.equal(s.upstream.seen.length, 2, 'nothing was sent meanwhile');
  raw.leave();
}));

test('who came first is served first, and the others as the quota allows', () => within((req, res) => {
  if (own.upstream.seen.length === 1) limited(res, SLOW ? '10s' : '6s'); // all of them have come by then
  else gm.answer(req, res, said(own.upstream.seen.at(-1)));
}, {}, async (s) => {
  own = s;
  const guests = [];
  for (let i = 0; i < 6; i++) {
    guests.push(s.gateway.chat({ messages: say(`guest ${i}`) }));
    await waiting(s.gateway, i + 1);
  }
  for (const r of await Promise.all(guests)) assert.equal(r.status, 200);
  assert.deepEqual(s.upstream.seen.slice(1).map(said), [0, 1, 2, 3, 4, 5].map((i) => `guest ${i}`));
}));

test('more keys without quota than are tried in a row: a moment later the next ones', () => {
  const out = new Set();
  return within((req, res) => {
    const key = req.headers['x-goog-api-key'];
    if (out.size < 5 || out.has(key)) {
      out.add(key);
      limited(res, '300s', 100 + out.size);
    } else gm.answer(req, res, 'the sixth');
  }, { GEMINI_API_KEY: [1, 2, 3, 4, 5, 6].map((i) => `key-${i}-0123456789`).join() }, async (s) => {
    const r = await s.gateway.chat({ messages: hello });
    assert.equal(r.status, 200, await r.clone().text());
    assert.equal(s.upstream.seen.length, 6);
  });
});

test('another model does not wait in that line', () => within((req, res) => {
  if (req.url.includes('3.8')) limited(res, '25s');
  else gm.answer(req, res, 'another one');
}, {}, async (s) => {
  const raw = await Raw.open(s.gateway.port);
  raw.write(request('POST', CHAT, { body: JSON.stringify({ model: 'gemini-3.8-flash', messages: hello }) }));
  await waiting(s.gateway, 1);
  const r = await s.gateway.chat({ model: 'gemini-3.5-flash', messages: hello });
  assert.equal(r.status, 200);
  raw.leave();
  await waiting(s.gateway, 0);
}));

// ------------------------------------------------------------------------------------- refusals

test('beyond the bound: 429 at once, with when, and which limit', () => within((req, res) => limited(res, '300.5s', 7), {
  GEMINI_API_KEY: 'key-a-0123456789,key-b-0123456789',
}, async (s) => {
  const refused = async () => {
    const r = await s.gateway.chat({ messages: hello });
    const { error } = await r.json();
    assert.equal(r.status, 429);
    assert.ok(Math.abs(Number(r.headers.get('retry-after')) - 301) < 20, r.headers.get('retry-after'));
    assert.match(error.message, /requests a minute \(limit 7\): 2 keys, the first back in \d+ min/);
    assert.equal(error.code, 'rate_limit_exceeded');
  };
  await refused();
  const sent = s.upstream.seen.length;
  assert.ok(sent <= 2);
  await refused();
  assert.equal(s.upstream.seen.length, sent, 'no request is wasted on what is known');
}));

for (const [reason, status, message] of [
  ['leaked', 403, 'Your API key was reported as leaked. Please use another API key.'],
  ['invalid', 401, 'Request had invalid authentication credentials.'],
  ['forbidden', 403, "Permission denied: Consumer 'projects/0' has been suspended."],
  ['credit', 402, 'Your prepayment credits are depleted.'],
])
  test(`SEC-6: a key that upstream refuses (${reason}) is out, the alarm counts it, and a reload brings it back`, async () => {
    let well = false;
    await within((req, res) => {
      if (well) gm.answer(req, res, 'mended');
      else gm.error(res, status, 'PERMISSION_DENIED', message);
    }, {}, async (s) => {
      const alarm = `queqiao_keys_put_out_total{reason="${reason}"}`;
      assert.equal(await metric(s.gateway, alarm), 0);
      for (let i = 0; i < 3; i++) assert.notEqual((await s.gateway.chat({ messages: hello })).status, 200);
      assert.equal(s.upstream.seen.length, 1, 'it is asked once');
      assert.equal(await metric(s.gateway, alarm), 1);
      assert.equal(await metric(s.gateway, 'queqiao_key_up{key="1",project="1"}'), 0);
      well = true;
      s.gateway.signal('SIGHUP');
      await until('the reload', () => /ev=reload/.test(s.gateway.stderr));
      assert.equal((await s.gateway.chat({ messages: hello })).status, 200);
      assert.equal(await metric(s.gateway, 'queqiao_key_up{key="1",project="1"}'), 1);
      assert.equal(await metric(s.gateway, alarm), 1);
    });
  });

test('a stream that has waited in vain ends in an error event', () => within((req, res) => {
  limited(res, own.upstream.seen.length === 1 ? '1.2s' : '300s');
}, { QUEQIAO_HEARTBEAT: '100ms' }, async (s) => {
  own = s;
  const r = await s.gateway.chat({ messages: hello, stream: true });
  assert.equal(r.status, 200, 'the head went out with the first heartbeat');
  const { chunks, done } = await gather(r);
  assert.equal(done, false);
  assert.match(chunks.pop().error.message, /quota/);
  assert.equal(await metric(s.gateway, 'queqiao_quota_waits_total{end="served"}'), 1);
}));

test('QUEQIAO_QUOTA_WAIT=0: nobody waits', () => within((req, res) => limited(res, '2.5s'), { QUEQIAO_QUOTA_WAIT: '0' }, async (s) => {
  const r = await s.gateway.chat({ messages: hello });
  assert.equal(r.status, 429);
  assert.equal(r.headers.get('retry-after'), '3');
  assert.equal(s.upstream.seen.length, 1);
}));

// -------------------------------------------------------------------------------- leaving early

test('a client that leaves while it waits leaves the line', () => within((req, res) => limited(res, '25s'), {}, async (s) => {
  const raw = await Raw.open(s.gateway.port);
  raw.write(request('POST', CHAT, { body: JSON.stringify({ model: 'gemini-3.8-flash', messages: hello, stream: true }) }));
  await waiting(s.gateway, 1);
  raw.leave();
  await waiting(s.gateway, 0);
  assert.equal(await metric(s.gateway, 'queqiao_quota_waits_total{end="left"}'), 1);
  assert.equal(s.upstream.seen.length, 1);
}));

test('the total time limit holds for those who wait', () => within((req, res) => limited(res, '25s'), { QUEQIAO_TOTAL_TIMEOUT: '1s' }, async (s) => {
  const r = await s.gateway.chat({ messages: hello });
  assert.ok(r.status === 504 || r.status === 429, `${r.status}`);
  assert.equal(await metric(s.gateway, 'queqiao_quota_waiting'), 0);
}));

test('a drain keeps nobody waiting', { timeout: 2 * PATIENCE }, () => within((req, res) => limited(res, '25s'), {}, async (s) => {
  const r = s.gateway.chat({ messages: hello });
  await waiting(s.gateway, 1);
  s.gateway.signal('SIGTERM');
  assert.equal((await r).status, 429);
  await deadline(s.gateway.ended, 'the gateway to end');
}));

test('a key that comes with a reload ends the wait', async () => {
  const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs');
  const dir = mkdtempSync('/tmp/queqiao-quota-');
  const file = `${dir}/keys`;
  writeFileSync(file, 'key-a-0123456789\n', { mode: 0o600 });
  try {
    await within((req, res) => {
      if (req.headers['x-goog-api-key'] === 'key-a-0123456789') limited(res, '25s');
      else gm.answer(req, res, 'on the new key');
    }, { GEMINI_API_KEY: '', GEMINI_API_KEYS_FILE: file }, async (s) => {
      const r = s.gateway.chat({ messages: hello });
      await waiting(s.gateway, 1);
      writeFileSync(file, 'key-a-0123456789\nkey-b-0123456789\n', { mode: 0o600 });
      s.gateway.signal('SIGHUP');
      assert.equal((await r).status, 200);
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
});

// ---------------------------------------------------------------------------------- the budget

test('UPS-1: when all fails, retries stay a small part of it', () => within(
  (req, res) => gm.error(res, 503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'), {},
  async (s) => {
    const all = 100;
    await Promise.all(Array.from({ length: all }, async () => {
      const r = await s.gateway.chat({ messages: hello });
      assert.equal(r.status, 503);
    }));
    const extra = s.upstream.seen.length - all;
    assert.ok(extra >= 20, `${extra} retries`);
    assert.ok(extra <= 20 + all / 5 + PATIENCE / 2000, `${extra} retries`);
    assert.equal(await metric(s.gateway, 'queqiao_retries_total{outcome="sent"}'), extra);
    assert.ok(await metric(s.gateway, 'queqiao_retries_total{outcome="denied"}') > 0);
  }));

// ------------------------------------------------------------------------------------- repairs

const bad = (res, message) => gm.error(res, 400, 'INVALID_ARGUMENT', message);

test('what a model will not take is left out, once asked for and from then on', () => within((req, res, body) => {
  if (body.generationConfig?.thinkingConfig?.thinkingLevel === 'MINIMAL') bad(res, 'Thinking level MINIMAL is not supported for this model.');
  else gm.answer(req, res, 'hi');
}, {}, async (s) => {
  const ask = async (reasoning_effort, model = 'gemini-3.5-flash') => {
    const r = await s.gateway.chat({ model, messages: hello, reasoning_effort });
    assert.equal(r.status, 200);
    return r.headers.get('x-queqiao-ignored');
  };
  assert.equal(await ask('minimal'), 'reasoning_effort=low', 'the client is told');
  assert.equal(s.upstream.seen.length, 2);
  assert.equal(await ask('minimal'), 'reasoning_effort=low');
  assert.equal(s.upstream.seen.length, 3, 'one refusal for two requests');
  assert.equal(await ask('high'), null, 'what it does take is sent as before');
  assert.equal(s.upstream.seen.at(-1).body.generationConfig.thinkingConfig.thinkingLevel, 'HIGH');
  await ask('minimal', 'gemini-3-flash-preview');
  assert.equal(s.upstream.seen.length, 6, 'another model is another lesson');
  assert.equal(await metric(s.gateway, 'queqiao_repairs_total{remedy="not_minimal"}'), 2);
}));

test('what is peculiar to one request teaches nothing about the model', () => within((req, res, body) => {
  if (body.generationConfig?.responseJsonSchema?.properties.a.maxLength) bad(res, 'The specified schema produces a constraint that has too many states for serving.');
  else gm.answer(req, res, '{}');
}, {}, async (s) => {
  const response_format = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object', properties: { a: { type: 'string', maxLength: 9 } } } } };
  for (let i = 0; i < 2; i++) assert.equal((await s.gateway.chat({ messages: hello, response_format })).status, 200);
  assert.deepEqual(s.upstream.seen.map((x) => x.body.generationConfig.responseJsonSchema.properties.a.maxLength),
    [9, undefined, 9, undefined]);
}));

test('a remedy that does not help is tried once', () => within((req, res) => bad(res, 'Logprobs is not enabled for this model'), {}, async (s) => {
  const r = await s.gateway.chat({ model: 'gemini-2.0-flash', messages: hello, logprobs: true });
  assert.equal(r.status, 400);
  assert.match((await r.json()).error.message, /Logprobs/);
  assert.equal(s.upstream.seen.length, 2);
}));

// ------------------------------------------------------------------------------ fallback models

const FALLBACK = { QUEQIAO_FALLBACK_MODELS: 'gemini-3.1-pro-preview=gemini-3.8-flash, gemini-3.8-flash=gemini-3.5-flash-lite' };
const PRO = 'gemini-3.1-pro-preview';
const asked = (s) => s.upstream.seen.map((x) => /models\/([^:]+):/.exec(x.url)[1]);

/** One whole answer and one stream; both say who answered. */
async function answeredBy(s, model, other = model) {
  const r = await s.gateway.chat({ model: PRO, messages: hello, reasoning_effort: 'minimal' });
  assert.equal(r.status, 200, await r.clone().text());
  assert.equal((await r.json()).model, model);
  assert.equal(r.headers.get('x-queqiao-model'), model === PRO ? null : model);
  const stream = await s.gateway.chat({ model: PRO, messages: hello, stream: true });
  const { chunks, done } = await gather(stream);
  assert.equal(done, true);
  assert.ok(chunks.every((c) => c.model === other));
  assert.equal(stream.headers.get('x-queqiao-model'), other === PRO ? null : other);
}

test('a model without quota: another one answers, and nobody waits', () => within((req, res) => {
  if (req.url.includes(PRO)) limited(res, '20s');
  else gm.answer(req, res, 'hi');
}, FALLBACK, async (s) => {
  await answeredBy(s, 'gemini-3.8-flash');
  assert.deepEqual(asked(s), [PRO, 'gemini-3.8-flash', 'gemini-3.8-flash'], 'the first is not asked again');
  assert.deepEqual(s.upstream.seen.map((x) => x.body.generationConfig.thinkingConfig?.thinkingLevel),
    ['LOW', 'LOW', undefined], 'translated anew for the other family');
  assert.equal(await metric(s.gateway, 'queqiao_fallbacks_total{why="quota"}'), 2);
  assert.match(s.gateway.stderr, /model=gemini-3\.8-flash asked=gemini-3\.1-pro-preview/);
}));

test('a model that stays overloaded: another one, after the attempts', () => within((req, res) => {
  if (req.url.includes(PRO)) gm.error(res, 503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.');
  else gm.answer(req, res, 'hi');
}, { ...FALLBACK, QUEQIAO_ATTEMPTS: '2' }, async (s) => {
  await answeredBy(s, 'gemini-3.8-flash');
  assert.deepEqual(asked(s), [PRO, PRO, 'gemini-3.8-flash', PRO, PRO, 'gemini-3.8-flash']);
}));

test('a model that is not there: the next of the chain, and the next', () => within((req, res) => {
  if (req.url.includes('3.5-flash-lite')) gm.answer(req, res, 'hi');
  else gm.error(res, 404, 'NOT_FOUND', 'models/x is not found for API version v1beta, or is not supported for generateContent.');
}, FALLBACK, async (s) => {
  await answeredBy(s, 'gemini-3.5-flash-lite');
  assert.equal(await metric(s.gateway, 'queqiao_fallbacks_total{why="not_found"}'), 4);
}));

test('no model of the chain has quota: the one that has some first is waited for', () => within((req, res) => {
  if (req.url.includes('3.8-flash') && !flashIsBack) {
    flashIsBack = true;
    limited(res, '1.5s');
  } else if (req.url.includes('3.8-flash')) gm.answer(req, res, 'hi');
  else limited(res, '300s');
}, FALLBACK, async (s) => {
  const r = await s.gateway.chat({ model: PRO, messages: hello });
  assert.equal(r.status, 200);
  assert.equal((await r.json()).model, 'gemini-3.8-flash');
  assert.deepEqual(asked(s), [PRO, 'gemini-3.8-flash', 'gemini-3.5-flash-lite', 'gemini-3.8-flash']);
}));
let flashIsBack = false;

test('several choices fall back together', () => within((req, res) => {
  if (req.url.includes(PRO)) limited(res, '20s');
  else gm.answer(req, res, 'hi');
}, FALLBACK, async (s) => {
  for (let i = 0; i < 2; i++) {
    const r = await s.gateway.chat({ model: PRO, messages: hello, n: 3 });
    assert.equal(r.status, 200);
    assert.equal((await r.json()).choices.length, 3);
  }
  assert.equal(asked(s).filter((m) => m !== PRO).length, 6);
}));

test('many choices fall back as one does', () => within((req, res) => {
  if (req.url.includes(PRO)) gm.error(res, 404, 'NOT_FOUND', 'models/x is not found for API version v1beta, or is not supported for generateContent.');
  else gm.answer(req, res, 'hi');
}, FALLBACK, async (s) => {
  const r = await s.gateway.chat({ model: PRO, messages: hello, n: 12 });
  assert.equal(r.status, 200, await r.clone().text());
  assert.equal((await r.json()).choices.length, 12);
}));

test('several choices of which one has begun stay with their model', () => {
  const begun = gate();
  const seen = [];
  return within(async (req, res, body) => {
    seen.push(said({ body }));
    if (!req.url.includes(PRO)) gm.answer(req, res, 'another model');
    else if (seen.length === 1) { // the first choice begins and does not end
      await begun.opened;
      gm.head(res);
      gm.event(res, gm.chunk('begun '));
    } else if (seen.length === 2) { // the second is to be sent again a moment later
      res.setHeader('retry-after', '3');
      gm.error(res, 503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.');
      res.once('close', () => begun.open());
    } else limited(res, '7200s');
  }, { ...FALLBACK, QUEQIAO_QUOTA_WAIT: '0' }, async (s) => {
    const r = await s.gateway.chat({ model: PRO, messages: say('two'), n: 2, stream: true });
    const both = gather(r);
    assert.equal((await s.gateway.chat({ model: PRO, messages: say('one') })).status, 200); // there is no quota any more
    const { chunks, text, done } = await both;
    assert.equal(text, 'begun ');
    assert.equal(done, false);
    assert.ok(chunks.at(-1).error);
    assert.deepEqual(seen, ['two', 'two', 'one', 'one'], 'the other model answered the other request alone');
  });
});

test('other failures are told, not passed on', () => within((req, res) => gm.error(res, 400, 'INVALID_ARGUMENT', 'Request contains an invalid argument.'), FALLBACK, async (s) => {
  assert.equal((await s.gateway.chat({ model: PRO, messages: hello })).status, 400);
  assert.deepEqual(asked(s), [PRO]);
}));

test('a circle of models is refused at the start', async () => {
  const { Child, BIN } = await import('./lib.mjs');
  const g = new Child(BIN, ['--check-config'], { QUEQIAO_FALLBACK_MODELS: 'a=b,b=a', GEMINI_API_KEY: 'x' });
  assert.notEqual((await g.ended).code, 0);
  assert.match(g.stderr + g.stdout, /QUEQIAO_FALLBACK_MODELS leads from a model back to itself/);
});

// -------------------------------------------------------------------------------------- hedging

const TWO = { GEMINI_API_KEY: 'key-a-0123456789,key-b-0123456789', QUEQIAO_HEDGE: '1' };
const keyOf = (x) => x.headers['x-goog-api-key'];

/** So many quick answers that the usual is known; then the first of the next is late, until let go. */
function lateOnce(more = {}) {
  const late = { after: 20, seen: 0, ...gate(), ...more }; // more would be late themselves where the machine is busy
  late.play = async (req, res) => {
    const n = ++late.seen;
    if (n === late.after + 1) {
      await Promise.race([late.opened, new Promise((r) => res.once('close', r))]);
      if (res.closed || res.destroyed) return;
    } else if (n === late.after + 2 && late.second) {
      late.second(res);
      return;
    }
    gm.answer(req, res, `answer ${n}`);
  };
  late.warmUp = async (s) => {
    for (let i = 0; i < late.after; i++) await (await s.gateway.chat({ messages: hello, stream: true })).text();
  };
  return late;
}

for (const stream of [true, false])
  test(`a late first byte: another project is asked, and the first cancelled (${stream ? 'stream' : 'whole'})`, async () => {
    const late = lateOnce();
    await within(late.play, TWO, async (s) => {
      for (let i = 0; i < late.after; i++) await (await s.gateway.chat({ messages: hello, stream })).text();
      const r = await s.gateway.chat({ messages: hello, stream });
      assert.equal(r.status, 200);
      const text = stream ? (await gather(r)).text : (await r.json()).choices[0].message.content;
      assert.equal(String(text), `answer ${late.after + 2}`);
      const [first, second] = s.upstream.seen.slice(late.after);
      assert.notEqual(keyOf(first), keyOf(second));
      await until('the late one to be cancelled', () => first.cancelled);
      assert.equal(s.upstream.seen.length, late.after + 2);
      assert.equal(await metric(s.gateway, 'queqiao_hedges_total'), 1);
      assert.equal(await metric(s.gateway, 'queqiao_hedges_won_total'), 1);
      await until('nothing to be in flight', async () => (await metric(s.gateway, 'queqiao_key_in_flight{key="1"}')) + (await metric(s.gateway, 'queqiao_key_in_flight{key="2"}')) === 0);
    });
  });

test('the first one answers after all: the second is cancelled', async () => {
  const late = lateOnce({ second: () => late.open() });
  await within(late.play, TWO, async (s) => {
    await late.warmUp(s);
    const { text } = await gather(await s.gateway.chat({ messages: hello, stream: true }));
    assert.equal(String(text), `answer ${late.after + 1}`);
    await until('the second to be cancelled', () => s.upstream.seen[late.after + 1].cancelled);
    assert.equal(await metric(s.gateway, 'queqiao_hedges_total'), 1);
    assert.equal(await metric(s.gateway, 'queqiao_hedges_won_total'), 0);
  });
});

test('one runner fails: the other one goes on, and nothing is sent again', async () => {
  const late = lateOnce({ second: (res) => {
    gm.error(res, 503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.');
    res.once('close', () => late.open());
    if (res.writableFinished) late.open();
    else res.once('finish', () => late.open());
  } });
  await within(late.play, TWO, async (s) => {
    await late.warmUp(s);
    const { text } = await gather(await s.gateway.chat({ messages: hello, stream: true }));
    assert.equal(String(text), `answer ${late.after + 1}`);
    assert.equal(s.upstream.seen.length, late.after + 2);
    assert.equal(await metric(s.gateway, 'queqiao_retries_total{outcome="sent"}'), 0);
  });
});

test('a client that leaves cancels both', async () => {
  const late = lateOnce({ second: () => {} });
  await within(late.play, TWO, async (s) => {
    await late.warmUp(s);
    const raw = await Raw.open(s.gateway.port);
    raw.write(request('POST', CHAT, { body: JSON.stringify({ model: 'gemini-3.8-flash', messages: hello, stream: true }) }));
    await until('both to be under way', () => s.upstream.seen.length === late.after + 2);
    raw.leave();
    await until('both to be cancelled', () => s.upstream.seen.slice(late.after).every((x) => x.cancelled));
  });
});

test('no other project, no option: nothing is sent twice', async () => {
  for (const env of [{ ...TWO, GEMINI_API_KEY: 'key-a-0123456789' }, { ...TWO, QUEQIAO_HEDGE: '0' }]) {
    const slow = 600; // ms: much longer than the usual
    const late = lateOnce({ second: (res) => setTimeout(() => gm.answer(res.req, res, 'slow'), slow) });
    await within(late.play, env, async (s) => {
      await late.warmUp(s);
      const answer = s.gateway.chat({ messages: hello, stream: true });
      await until('the late one to be under way', () => s.upstream.seen.length === late.after + 1);
      assert.equal(String((await gather(await s.gateway.chat({ messages: hello, stream: true }))).text), 'slow');
      late.open();
      assert.equal(String((await gather(await answer)).text), `answer ${late.after + 1}`);
      assert.equal(await metric(s.gateway, 'queqiao_hedges_total'), 0);
    });
  }
});

// ------------------------------------------------------------------------------- continuations

/** Gemini-4-argon, which stops after each word; `words` in as many hops. */
function argon(words, refuse = () => false) {
  return async (req, res, body) => {
    const at = body.continuationToken === undefined ? 0 : Number(atob(body.continuationToken));
    if (refuse(res, at)) return;
    const last = at === words.length - 1;
    gm.head(res);
    const usage = { promptTokenCount: 10, candidatesTokenCount: at + 1, totalTokenCount: 11 + at };
    const chunk = gm.chunk(words[at], { finish: last ? 'STOP' : 'CONTINUATION', usage });
    if (!last) chunk.candidates[0].continuationToken = btoa(String(at + 1));
    gm.event(res, chunk);
    res.end();
  };
}
const ARGON = { model: 'gemini-4-argon', messages: hello, max_completion_tokens: 200000 };

test('an answer that stops midway goes on where it stopped: one stream', () => within(argon(['one ', 'two ', 'three']), {
  GEMINI_API_KEY: 'key-a-0123456789,key-b-0123456789,key-c-0123456789',
}, async (s) => {
  const r = await s.gateway.chat({ ...ARGON, stream: true, stream_options: { include_usage: true } });
  const { chunks, text, done } = await gather(r);
  assert.equal(String(text), 'one two three');
  assert.equal(done, true);
  assert.equal(chunks.filter((c) => c.choices[0]?.finish_reason).length, 1);
  assert.equal(chunks.at(-1).usage.prompt_tokens, 30, 'usage of all hops');
  assert.equal(chunks.at(-1).usage.completion_tokens, 6);
  assert.deepEqual(s.upstream.seen.map((x) => x.body.continuationToken), [undefined, btoa('1'), btoa('2')]);
  assert.ok(s.upstream.seen.every((x) => x.body.generationConfig.maxOutputTokens === 200000), 'the whole budget, each time');
  assert.equal(new Set(s.upstream.seen.map(keyOf)).size, 1, 'the token belongs to the project');
  assert.equal(await metric(s.gateway, 'queqiao_continuations_total'), 2);
}));

test('and one whole answer', () => within(argon(['one ', 'two ', 'three']), {}, async (s) => {
  const answer = await (await s.gateway.chat(ARGON)).json();
  assert.equal(answer.choices[0].message.content, 'one two three');
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.usage.completion_tokens, 6);
}));

for (const stream of [true, false])
  test(`when it cannot go on it was too long: ${stream ? 'stream' : 'whole'}`, () => within(argon(['one ', 'two ', 'three'], (res, at) => {
    if (at === 2) gm.error(res, 400, 'INVALID_ARGUMENT', 'The continuation token has expired.');
    return at === 2;
  }), {}, async (s) => {
    const r = await s.gateway.chat({ ...ARGON, stream });
    const choice = stream ? null : (await r.json()).choices[0];
    const got = stream ? await gather(r) : null;
    assert.equal(stream ? String(got.text) : choice.message.content, 'one two ');
    assert.equal(stream ? got.chunks.map((c) => c.choices[0]?.finish_reason).find(Boolean) : choice.finish_reason, 'length');
  }));

test('a hop that is refused for quota waits, one that fails is sent again', () => {
  const seen = new Map();
  return within(argon(['one ', 'two ', 'three'], (res, at) => {
    seen.set(at, (seen.get(at) ?? 0) + 1);
    if (at === 1 && seen.get(1) === 1) limited(res, '1.2s');
    else if (at === 2 && seen.get(2) === 1) gm.error(res, 503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.');
    else return false;
    return true;
  }), {}, async (s) => {
    const { text, done } = await gather(await s.gateway.chat({ ...ARGON, stream: true }));
    assert.equal(String(text), 'one two three');
    assert.equal(done, true);
    assert.equal(s.upstream.seen.length, 5);
  });
});

test('an answer that goes nowhere ends', () => within((req, res) => {
  gm.head(res);
  const chunk = gm.chunk('', { finish: 'CONTINUATION', usage: { promptTokenCount: 10, totalTokenCount: 10 } });
  chunk.candidates[0].continuationToken = 'AAAA';
  gm.event(res, chunk);
  res.end();
}, {}, async (s) => {
  await (await s.gateway.chat({ ...ARGON, stream: true })).text();
  assert.ok(s.upstream.seen.length <= 4, `${s.upstream.seen.length} hops`);
}));

for (const [words, finish] of [[33, 'stop'], [34, 'length']])
  test(`LIM-18: an answer in ${words} parts: thirty-two are asked for after the first, and no more`, () => within(argon(Array(words).fill('on ')), {}, async (s) => {
    const { chunks, text } = await gather(await s.gateway.chat({ ...ARGON, stream: true }));
    assert.equal(String(text), 'on '.repeat(33));
    assert.equal(chunks.map((c) => c.choices[0]?.finish_reason).find(Boolean), finish);
    assert.equal(s.upstream.seen.length, 33);
  }));

test('a client that leaves between two hops ends them', () => {
  const second = gate();
  return within(argon(['one ', 'two '], (res, at) => {
    if (at === 1) second.open();
    return at === 1; // never answered
  }), {}, async (s) => {
    const raw = await Raw.open(s.gateway.port);
    raw.write(request('POST', CHAT, { body: JSON.stringify({ ...ARGON, stream: true }) }));
    await second.opened;
    raw.leave();
    await until('the second hop to be cancelled', () => s.upstream.seen[1].cancelled);
  });
});
