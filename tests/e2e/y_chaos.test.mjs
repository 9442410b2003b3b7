// Everything at once: hundreds of requests of every shape, of which some leave, against an upstream that
// does by turns all that upstreams do, over both versions of HTTP. What each client gets is an answer that
// is whole or an error that is one, and nothing of any request stays behind.
//
// The dice are seeded: what is asked and how upstream behaves is the same in each run, their order in time
// is not.
import assert from 'node:assert/strict';
import http from 'node:http';
import http2 from 'node:http2';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { SLOW, TOKEN, deadline, gm, hello, stage, until } from './lib.mjs';

const CLIENTS = 12;
const EACH = SLOW ? 8 : 16; // requests of a client, one after the other

function dice(seed) {
  let state = seed;
  const roll = () => (state = (state * 1103515245 + 12345) & 0x7fffffff) / 0x80000000;
  return { roll, of: (list) => list[Math.floor(roll() * list.length)] };
}

// -------------------------------------------------------------------------------------- upstream

const cut = (req) => (req.stream?.session ?? req.socket).destroy();
const begin = (res) => {
  gm.head(res);
  gm.event(res, gm.chunk('one '));
};
const RATE = [
  { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{
    quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests',
    quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier', quotaValue: '1000' }] },
  { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '0.2s' },
];
const MOODS = {
  good: (req, res) => gm.answer(req, res, 'one two'),
  late: async (req, res) => { await pause(400); gm.answer(req, res, 'one two'); },
  'in two': (req, res) => gm.inTwo(res, pause(20)),
  large: (req, res) => gm.answer(req, res, 'y'.repeat(500_000)),
  empty: (req, res) => gm.answer(req, res, []),
  'a spoilt call': (req, res) => gm.answer(req, res, [], { finish: 'MALFORMED_FUNCTION_CALL' }),
  'to be continued': (req, res) => {
    const last = gm.chunk('', { finish: 'CONTINUATION' });
    last.candidates[0].continuationToken = 'dG9rZW4=';
    begin(res);
    gm.event(res, last);
    res.end();
  },
  'no words': (req, res) => { gm.head(res); res.end('data: {"candidates":[{"con\r\n\r\n'); },
  'an error in between': (req, res) => { begin(res); gm.event(res, { error: { code: 503, message: 'busy', status: 'UNAVAILABLE' } }); res.end(); },
  'an end before the head': (req) => cut(req),
  'an end behind the head': async (req, res) => { gm.head(res); await pause(5); cut(req); },
  'an end in the middle': async (req, res) => { begin(res); await pause(5); cut(req); },
  'a reset': async (req, res) => { begin(res); await pause(5); if (req.stream) req.stream.close(2); else req.socket.resetAndDestroy(); },
  'a refused stream': (req) => (req.stream ? req.stream.close(7) : cut(req)),
  'a farewell': (req, res) => { req.stream?.session.close(); gm.answer(req, res, 'one two'); },
  'no quota': (req, res) => gm.error(res, 429, 'RESOURCE_EXHAUSTED', 'Quota exceeded', RATE),
  'too busy': (req, res) => gm.error(res, 503, 'UNAVAILABLE', 'The model is overloaded.'),
  'out of order': (req, res) => gm.error(res, 500, 'INTERNAL', 'An internal error has occurred.'),
  'no such model': (req, res) => gm.error(res, 404, 'NOT_FOUND', 'models/x is not found for API version v1beta'),
  'no such level': (req, res) => gm.error(res, 400, 'INVALID_ARGUMENT', 'Thinking level is not supported for this model.'),
  silence: () => {},
  'silence in the middle': (req, res) => begin(res),
};

// --------------------------------------------------------------------------------------- clients

/** One request over one connection; its status and text, or null when the client left. */
const KINDS = {
  h1(port) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (body, patience) => new Promise((resolve, reject) => {
      const req = http.request({ port, host: '127.0.0.1', path: '/v1/chat/completions', method: 'POST', agent,
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' } }, (res) => {
        let text = '';
        res.setEncoding('utf8').on('data', (d) => (text += d)).on('error', reject);
        res.on('end', () => resolve({ status: res.statusCode, text }));
      });
      req.on('error', reject);
      req.end(body);
      patience?.then(() => { resolve(null); req.destroy(); });
    });
    return { ask, close: () => agent.destroy() };
  },
  h2(port) {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const ask = (body, patience) => new Promise((resolve, reject) => {
      const req = session.request({ ':method': 'POST', ':path': '/v1/chat/completions', authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' });
      let text = '';
      let status;
      req.on('response', (h) => (status = h[':status'])).on('error', reject);
      req.setEncoding('utf8').on('data', (d) => (text += d)).on('end', () => resolve({ status, text }));
      req.end(body);
      patience?.then(() => { resolve(null); req.close(http2.constants.NGHTTP2_CANCEL); });
    });
    return { ask, close: () => session.destroy() };
  },
};

function holdsStream(text, n) {
  const told = text.split('\n\n').filter((e) => e !== '' && !e.startsWith(':')).map((e) => e.replace(/^data: /, ''));
  const done = told.at(-1) === '[DONE]';
  const events = told.slice(0, done ? -1 : undefined).map((e) => JSON.parse(e));
  assert.equal(events.findIndex((e) => e.error !== undefined), done ? -1 : events.length - 1, 'an error is the last word, and the only one');
  const ended = events.flatMap((e) => e.choices ?? []).filter((c) => c.finish_reason !== null).map((c) => c.index);
  assert.deepEqual(ended.sort(), done ? Array.from({ length: n }, (_, i) => i) : []);
}

function holds({ status, text }, { stream, n }) {
  try {
    if (status !== 200) assert.equal(typeof JSON.parse(text).error.message, 'string');
    else if (stream) holdsStream(text, n);
    else assert.equal(JSON.parse(text).choices.length, n);
  } catch (e) {
    throw new Error(`${status} ${text.slice(-500)}`, { cause: e });
  }
}

const LARGE = [{ role: 'user', content: 'w '.repeat(150_000) }]; // another thread translates it

async function play(kind, port, seed) {
  const { roll, of } = dice(seed);
  const client = KINDS[kind](port);
  for (let i = 0; i < EACH; i++) {
    const body = { model: 'gemini-3.8-flash', stream: roll() < 0.6, n: of([1, 1, 2, 3]), messages: roll() < 0.2 ? LARGE : hello, ...(roll() < 0.3 && { reasoning_effort: 'low' }) };
    const patience = roll() < 0.2 ? pause(roll() * 100) : undefined;
    const answer = await deadline(client.ask(JSON.stringify(body), patience), `the end of ${JSON.stringify({ seed, i, ...body, messages: undefined })}`);
    if (answer !== null) holds(answer, body);
  }
  client.close();
}

describe('chaos', { concurrency: 2 }, () => {
  for (const tls of [false, true]) {
    test(`UPS-1, UPS-4: everything at once, upstream over ${tls ? 'HTTP/2' : 'HTTP/1.1'}`, async () => {
      const { roll, of } = dice(7);
      let calm = false;
      const s = await stage({
        tls,
        play: (req, res) => MOODS[calm || roll() < 0.5 ? 'good' : of(Object.keys(MOODS))](req, res),
        env: {
          GEMINI_API_KEY: 'key-a-0123456789012345,key-b-0123456789012345,key-c-0123456789012345', QUEQIAO_WORKERS: '2', QUEQIAO_HEDGE: '1',
          QUEQIAO_FALLBACK_MODELS: 'gemini-3.8-flash=gemini-2.5-flash,gemini-2.5-flash=gemini-2.5-flash-lite', QUEQIAO_QUOTA_WAIT: '1s',
          QUEQIAO_HEARTBEAT: '20ms', QUEQIAO_FIRST_BYTE_TIMEOUT: '1s', QUEQIAO_IDLE_TIMEOUT: '1s', QUEQIAO_TOTAL_TIMEOUT: '3s',
        },
      });
      try {
        await Promise.all(Array.from({ length: CLIENTS }, (_, i) => play(i % 3 === 0 ? 'h2' : 'h1', s.gateway.port, 100 + i)));
        calm = true;
        const metrics = async () => (await s.gateway.fetch('/metrics')).text();
        await until('all to be over', async () => /^queqiao_requests_in_flight 0$/m.test(await metrics()));
        const held = (await metrics()).match(/^queqiao_(key|egress)_in_flight.*$/gm);
        assert.ok(held.length > 1 && held.every((line) => line.endsWith(' 0')), held.join('\n'));
        await until('an answer as if nothing had been', async () => (await s.gateway.chat({ messages: hello })).status === 200);
      } finally {
        await s.close();
      }
    });
  }
});
