// soak.mjs - hours of bad days: churn, clients that leave, slow readers, every misbehaviour of upstream,
// reloads. In quiet at the end memory must be as flat as after the warm-up, descriptors as before the first request.
//
//   SOAK_SECONDS=1800 node tests/e2e/soak.mjs     make soak; E2E_BIN and E2E_EMULATOR name other builds
//
// A line a minute; the last one says "N passed, N failed". The same seed brings the same mixture.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import http from 'node:http';
import { TOKEN, deadline, hello, stage, until } from './lib.mjs';

const SECONDS = Number(process.env.SOAK_SECONDS ?? 1800);
const CLIENTS = Number(process.env.SOAK_CLIENTS ?? 32);
const WARM_UP = Math.min(120, SECONDS / 3);
const LINE_EVERY = Math.min(60, SECONDS / 3);
const RSS_MAY_GROW = 8 << 20; // what the allocator leaves in its arenas; a leak of one request in ten is more
const FDS_MAY_GROW = 4;

// xorshift32: one mixture for everybody
let seed = Number(process.env.SOAK_SEED ?? 20261123) >>> 0;
function random(n) {
  seed ^= seed << 13;
  seed >>>= 0;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  seed >>>= 0;
  return seed % n;
}
const pick = (list) => list[random(list.length)];

// None that puts the only key out: the rest would be nothing but refusals.
const FAULTS = ['429', '400', '404', '500', '503', '503-once', '504', 'html-502', 'cut', 'error-mid', 'reset', 'bad-json', 'empty',
  'blocked', 'malformed-call', 'max-tokens-thinking', 'gibberish-finish', 'safety', 'thoughts', 'long-signature-50', 'huge-event-300'];

const s = await stage({ env: { QUEQIAO_IDLE_TIMEOUT: '5s' } });
const counts = {};
const wrong = [];
let running = true;

/** One request; hear(res) resolves to what became of it. */
function send(agent, body, hear, { token = TOKEN } = {}) {
  return new Promise((resolve) => {
    const text = typeof body === 'string' ? body : JSON.stringify({ messages: hello, ...body });
    const req = http.request({ host: '127.0.0.1', port: s.gateway.port, path: '/v1/chat/completions', method: 'POST', agent,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'content-length': Buffer.byteLength(text) } },
    (res) => resolve(hear(res, req)));
    req.on('error', (e) => resolve(`broken ${e.code}`));
    req.end(text);
    if (hear.sent) resolve(hear.sent(req));
  });
}

/** Everything, judged: a stream ends in [DONE] or in an error, an error is one object. */
async function whole(res) {
  let text = '';
  try {
    for await (const piece of res.setEncoding('utf8')) text += piece;
  } catch {
    return 'broken';
  }
  const stream = res.headers['content-type']?.startsWith('text/event-stream');
  const good = stream ? text.endsWith('data: [DONE]\n\n') !== text.includes('"error":{') : typeof JSON.parse(text) === 'object';
  if (!good) wrong.push(`${res.statusCode} ${text.slice(-300)}`);
  return String(res.statusCode);
}

async function slowly(res) {
  for await (const piece of res) {
    if (piece.length > 0 && random(4) === 0) await new Promise((r) => setTimeout(r, 20));
  }
  return `slow ${res.statusCode}`;
}

const leaveInAnswer = (res, req) => {
  res.on('error', () => {});
  return new Promise((resolve) => {
    res.once('data', () => {
      req.destroy();
      resolve('left in the answer');
    });
    res.once('close', () => resolve('left in the answer'));
  });
};

const leaveEarly = (res, req) => {
  req.destroy();
  return 'left early';
};
leaveEarly.sent = (req) => new Promise((resolve) => {
  setTimeout(() => {
    req.destroy();
    resolve('left early');
  }, random(30));
});

const ACTS = [
  (agent) => send(agent, { model: 'gemini-3.8-flash' }, whole),
  (agent) => send(agent, { model: 'gemini-3.8-flash', stream: true, stream_options: { include_usage: true } }, whole),
  (agent) => send(agent, { model: 'gemini-3.8-flash', stream: true, n: 1 + random(3) }, whole),
  (agent) => send(agent, { model: `emulate-${pick(FAULTS)}`, stream: random(2) === 0 }, whole),
  (agent) => send(agent, { model: `emulate-${pick(FAULTS)}`, stream: random(2) === 0 }, whole),
  (agent) => send(agent, { model: 'emulate-stream-40-events-every-5-ms', stream: true }, leaveInAnswer),
  // An end right behind a request may be a client that only stops writing: it is served to its end.
  () => send(false, { model: 'emulate-slow-3000', stream: random(2) === 0 }, leaveEarly),
  () => send(false, { model: 'emulate-huge-event-600', stream: true }, slowly),
  (agent) => send(agent, pick(['{', '[]', '{"model":1}', '{"messages":[]}', 'x'.repeat(5000)]), whole),
  () => send(false, { model: 'gemini-3.8-flash' }, whole, { token: TOKEN }),
  (agent) => send(agent, { model: 'gemini-3.8-flash', messages: [{ role: 'user', content: 'x'.repeat(random(200_000)) }] }, whole),
];

async function client() {
  let agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  while (running) {
    const what = await deadline(pick(ACTS)(agent), 'an answer', 60_000);
    counts[what] = (counts[what] ?? 0) + 1;
    if (random(20) === 0) { // churn
      agent.destroy();
      agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    }
  }
  agent.destroy();
}

const descriptors = () => (process.getuid() === 0 ? readdirSync(`/proc/${s.gateway.pid}/fd`).length : 0);
const look = () => ({ rss: s.gateway.rss(), fds: descriptors() });
const show = ({ rss, fds }) => `${(rss / 1048576).toFixed(1)} MiB, ${fds} descriptors`;

/** Everybody home: nothing in flight, no client connected. */
async function quiet(clients) {
  running = false;
  await Promise.all(clients);
  await until('upstream to be idle', async () => (await s.upstream.state()).in_flight === 0).catch(async (e) => {
    const page = await (await s.gateway.fetch('/metrics')).text();
    throw new Error(`${e.message}: ${JSON.stringify(await s.upstream.state())}\n${page.match(/^[a-z_]*in_flight.*/gm).join("\n")}`);
  });
  await until('clients to be gone', async () => {
    const page = await (await s.gateway.fetch('/metrics')).text();
    return Number(/^queqiao_requests_in_flight (\d+)/m.exec(page)?.[1] ?? 0) === 0;
  });
  await new Promise((r) => setTimeout(r, 1000)); // the kernel's sockets, too
  return look();
}

async function play(seconds) {
  running = true;
  const clients = Array.from({ length: CLIENTS }, client);
  const end = Date.now() + seconds * 1000;
  let line = Date.now() + LINE_EVERY * 1000;
  while (Date.now() < end) {
    await Promise.race([Promise.all(clients), new Promise((r) => setTimeout(r, Math.min(2000, end - Date.now())))]);
    s.gateway.signal('SIGHUP');
    if (!/Sanitizer/.test(s.gateway.stderr)) s.gateway.stderr = ''; // half a gigabyte of log lines otherwise
    if (Date.now() >= line) {
      line += LINE_EVERY * 1000;
      console.log(`soak: ${Math.round((Date.now() - began) / 1000)} s, ${Object.values(counts).reduce((a, b) => a + b, 0)} requests, ${show(look())}`);
    }
  }
  return quiet(clients);
}

const began = Date.now();
await (await s.gateway.fetch('/health')).text();
const cold = descriptors();
const warm = await play(WARM_UP);
console.log(`soak: cold: ${cold} descriptors; warm and quiet: ${show(warm)}`);
const last = await play(SECONDS - WARM_UP);
// Idle connections to upstream are kept for 30 s; what is still there long after that has leaked.
await until('idle connections to be closed', () => descriptors() <= cold + FDS_MAY_GROW, 90_000).catch(() => {});
last.fds = descriptors();
console.log(`soak: at the end, quiet: ${show(last)}`);
console.log(`soak: ${JSON.stringify(counts)}`);
assert.ok(await s.gateway.well());
await s.close();

const checks = [
  [`SHP-7: flat memory: ${((last.rss - warm.rss) / 1048576).toFixed(1)} MiB more`, process.env.E2E_SLOW === '1' || last.rss - warm.rss <= RSS_MAY_GROW],
  [`SHP-7: flat descriptors: ${last.fds - cold} more`, last.fds - cold <= FDS_MAY_GROW],
  [`every answer was one: ${wrong.length} were not${wrong.length ? `: ${wrong[0]}` : ''}`, wrong.length === 0],
  ['some of each kind', ['200', '400', '502', 'left early', 'left in the answer', 'slow 200'].every((k) => counts[k] > 0)],
];
for (const [name, ok] of checks) console.log(`${ok ? 'ok    ' : 'FAIL  '} soak: ${name}`);
const failed = checks.filter(([, ok]) => !ok).length;
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
