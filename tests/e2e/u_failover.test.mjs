// Failover under load: keys turn bad, a connection becomes a black hole, upstream restarts, and no
// client sees an error, but for streams that had begun.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { Emulator, Gateway, SLOW, TOKEN, UPSTREAM, deadline, freePort, haveEmulator, until } from './lib.mjs';
import { Road } from './upstreams.mjs';

const CLIENTS = 32;
const KEYS = ['a', 'b', 'c', 'd'].map((k) => `key-${k}-0123456789abcdef`);
const opts = { skip: haveEmulator };

/** One answer: what came of it. `begun`: a word of it had come. */
function post(gateway, agent, body) {
  return new Promise((resolve) => {
    const end = (what) => resolve({ ...what, text, begun: /"content":"[^"]/.test(text) });
    let text = '';
    const req = http.request({ host: '127.0.0.1', port: gateway.port, path: '/v1/chat/completions', method: 'POST', agent,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` } }, (res) => {
      res.setEncoding('utf8').on('data', (d) => (text += d));
      res.on('end', () => end({ status: res.statusCode })).on('error', (error) => end({ error }));
    });
    req.on('error', (error) => end({ error }));
    req.end(body);
  });
}

/** Clients that ask one thing after the other, every second one a stream, until they are told to
 *  stop. `round` counts answers; `wrong` holds those that were none. */
function load(gateway) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
  const l = { round: 0, wrong: [], broken: 0, late: 0, mayBeLate: false, stopped: false, of: new Array(CLIENTS).fill(0) };
  const client = async (n) => {
    for (let i = 0; !l.stopped; i++) {
      const stream = (n + i) % 2 === 0;
      const model = stream ? 'emulate-stream-5-events-every-5-ms' : 'gemini-3.8-flash';
      const r = await deadline(post(gateway, agent, JSON.stringify({ model, stream, messages: [{ role: 'user', content: `client ${n}, ${i}` }] })),
        'an answer under load', 120_000);
      const good = r.status === 200 && !r.text.includes('"error"') && (!stream || r.text.endsWith('data: [DONE]\n\n'));
      l.of[n]++;
      if (good) l.round++;
      else if (stream && r.begun && r.status === 200 && r.text.includes('"error"') && !r.text.includes('[DONE]')) l.broken++;
      else if (l.mayBeLate && r.status === 504) l.late++;
      else l.wrong.push(r.error?.message ?? `${r.status} ${r.text.slice(-300)}`);
    }
  };
  const all = Array.from({ length: CLIENTS }, (_, n) => client(n));
  /** So many more answers have come. */
  l.more = (n) => {
    const from = l.round;
    return until(`${n} more answers`, () => l.round >= from + n || l.wrong.length > 0, 120_000);
  };
  /** Each client has had an answer to something that it asked after now. */
  l.everybody = () => {
    const from = [...l.of];
    return until('answers to everybody', () => l.of.every((n, i) => n >= from[i] + 2) || l.wrong.length > 0, 120_000);
  };
  l.stop = async () => {
    l.stopped = true;
    await Promise.all(all);
    agent.destroy();
  };
  return l;
}

async function scene({ road = false, quotas, port, env }, act) {
  const own = { emulator: await Emulator.start({ quotas, port }) };
  own.road = road ? await Road.start(own.emulator) : null;
  const gateway = await Gateway.start({ upstream: own.road ?? own.emulator, env: { GEMINI_API_KEY: KEYS.join(','), QUEQIAO_WORKERS: process.env.E2E_WORKERS ?? '1', ...env } });
  const l = load(gateway);
  try {
    await l.more(4 * CLIENTS);
    await act(own, l, gateway);
    await l.more(4 * CLIENTS);
    await l.stop();
    assert.deepEqual(l.wrong, []);
    assert.ok(await gateway.well());
    await until('upstream to be idle', async () => (await own.emulator.state()).in_flight === 0);
  } finally {
    await l.stop();
    await gateway.stop();
    await own.road?.stop();
    await own.emulator.stop();
  }
}

test('UPS-2: one key after the other turns bad: nobody notices', opts, () => scene({}, async ({ emulator }, l) => {
  const bad = [];
  for (const [key, fault] of [[KEYS[0], 'suspended'], [KEYS[1], '400-key'], [KEYS[2], '402']]) {
    bad.push({ fault, key, count: -1 });
    await emulator.script(...bad);
    await l.more(4 * CLIENTS);
  }
  assert.equal(l.broken, 0);
  const last = (await emulator.requests()).filter((r) => r.status === 200);
  assert.ok(last.length > 0 && last.every((r) => r.key === KEYS[3].slice(-4)));
}));

// Two of four: a request is tried three times at most, and must not meet three that are new to it.
let began;
test('UPS-2: keys run out of quota: nobody notices', opts, () => (began = Date.now(), scene({
  quotas: { minutes: 'sliding', projects: KEYS.slice(0, 2).map((key, i) => (
    { name: `project ${i}`, keys: [key], models: { '*': { rpm: 20 } } })) },
}, async ({ emulator }, l) => {
  // The first to be refused makes the other a suspect, which is used last: it need not run out as well.
  await until('one to have run out', async () => (await emulator.control('quotas')).meters.some((m) => m.refused.rpm > 0));
  await l.more(8 * CLIENTS);
  assert.equal(l.broken, 0);
  const { meters } = await emulator.control('quotas');
  const minutes = 1 + Math.floor((Date.now() - began) / 60_000); // one, but on a very slow machine
  assert.ok(meters.every((m) => m.served <= 20 * minutes && m.refused.rpm <= CLIENTS), JSON.stringify(meters));
})));

test('UPS-1: upstream has bad moments: 500, 503, a connection that breaks before its answer', opts, () => scene({}, async ({ emulator }, l) => {
  for (const fault of ['500', '503', 'reset-head', 'html-502', 'empty', '500', 'reset-head', 'empty']) {
    await emulator.script({ fault }); // one at a time: who meets two of them may well be told
    await until(`${fault} to have happened`, async () => (await emulator.control('script')).left === 0);
    await l.everybody();
  }
  assert.equal(l.broken, 0);
}));

test('UPS-3: every connection breaks: streams that had begun are told, the others do not notice', opts, () => scene({ road: true }, async ({ road }, l) => {
  for (let i = 0; i < 3; i++) {
    const before = l.broken;
    road.cut();
    await l.more(2 * CLIENTS);
    assert.ok(l.broken - before <= CLIENTS);
  }
}));

// HTTP/1.1 has no way to ask whether the other side is there. Where packets are really lost, the kernel's
// keep-alive does: that is y_dark's, since no relay can play it. Here the kernel answers: see the next one.
test('UPS-6: a connection becomes a black hole: nobody notices', { skip: haveEmulator || (UPSTREAM !== 'tls' && 'HTTP/2 alone can ask') },
  () => scene({ road: true, env: { QUEQIAO_WORKERS: '1' } }, async ({ road }, l) => {
    assert.ok(road.darken() >= 1);
    await l.more(SLOW ? CLIENTS : 4 * CLIENTS);
  }));

// So each connection costs the one request that is on it, at the limit for a first byte or between bytes.
test('HTTP/1.1: a black hole costs one request for each connection in it, and nobody else notices', { skip: haveEmulator || (UPSTREAM === 'tls' && 'HTTP/2 asks') },
  () => scene({ road: true, env: { QUEQIAO_WORKERS: '1', QUEQIAO_FIRST_BYTE_TIMEOUT: SLOW ? '10s' : '4s', QUEQIAO_IDLE_TIMEOUT: SLOW ? '10s' : '4s' } }, async ({ road }, l) => {
    l.mayBeLate = true;
    const n = road.darken();
    await l.everybody();
    await l.more(4 * CLIENTS);
    assert.ok(l.late + l.broken >= 1 && l.late + l.broken <= n, `${l.late} were late, ${l.broken} broken, ${n} connections went dark`);
  }));

test('upstream restarts', opts, async () => scene({ port: await freePort() }, async (own, l) => {
  const { port } = own.emulator;
  await own.emulator.stop();
  own.emulator = await Emulator.start({ port });
  await l.more(4 * CLIENTS);
}));
