// soak.mjs - hours of bad days: churn, clients that leave, slow readers, every misbehaviour of upstream, bodies
// that are translated aside, reloads. In quiet at the end memory must be as flat as after the warm-up, descriptors
// as before the first request. Two gateways are played to at once: `plain`, by clients of HTTP/1.1 and h2c, with an
// upstream of HTTP/1.1; and `tls`, by HTTPS clients of both versions, with an upstream of HTTP/2 over TLS.
//
//   SOAK_SECONDS=1800 node tests/e2e/soak.mjs     make soak; E2E_BIN and E2E_EMULATOR name other builds
//
// A line a minute; the last one says "N passed, N failed". The same seed brings the same mixture.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { TOKEN, certificates, deadline, hello, stage, until } from './lib.mjs';

const SECONDS = Number(process.env.SOAK_SECONDS ?? 1800);
const CLIENTS = Number(process.env.SOAK_CLIENTS ?? 32);
const WARM_UP = Math.min(120, SECONDS / 3);
const LINE_EVERY = Math.min(60, SECONDS / 3);
const RSS_MAY_GROW = 8 << 20; // what the allocator leaves in its arenas; a leak of one request in ten is more
const COUNTED_MAY_GROW = 2 << 20; // what connections to upstream that are still open hold
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
const FLASH = 'gemini-3.8-flash';
const PATH = '/v1/chat/completions';

const counts = {};
const wrong = [];
let running = true;

// ------------------------------------------------------------------------------------ the clients
// A door is one client's way in: open(body) begins a request, of which `answered` resolves to the answer (a
// readable, with status and headers) and `leave()` takes it back. shut() is the churn.

const ca = readFileSync(certificates().ca);
const fields = (n) => ({ 'content-type': 'application/json', authorization: `Bearer ${TOKEN}`, 'content-length': n });

class Door1 {
  constructor(gateway) {
    this.port = gateway.port;
    this.module = gateway.tls ? https : http;
    this.agent = new this.module.Agent({ keepAlive: true, maxSockets: 4, ca, servername: 'localhost' });
  }
  open(n) {
    const req = this.module.request({ host: '127.0.0.1', port: this.port, path: PATH, method: 'POST', agent: this.agent, headers: fields(n) });
    const answered = new Promise((resolve, reject) => {
      req.on('error', reject);
      req.on('response', (body) => resolve({ status: body.statusCode, headers: body.headers, body: body.on('error', () => {}) }));
    });
    answered.catch(() => {});
    return { body: req, answered, leave: () => req.destroy() };
  }
  shut() {
    this.agent.destroy();
  }
}

class Door2 {
  constructor(gateway) {
    this.url = gateway.tls ? `https://localhost:${gateway.port}` : `http://127.0.0.1:${gateway.port}`;
  }
  #session() {
    if (this.session === undefined || this.session.closed || this.session.destroyed)
      this.session = http2.connect(this.url, { ca, host: '127.0.0.1', servername: 'localhost' }).on('error', () => {});
    return this.session;
  }
  open(n) {
    const stream = this.#session().request({ ':method': 'POST', ':path': PATH, ...fields(n) });
    const answered = new Promise((resolve, reject) => {
      stream.on('error', reject).on('close', () => reject(new Error('closed')));
      stream.on('response', (h) => resolve({ status: h[':status'], headers: h, body: stream }));
    });
    answered.catch(() => {});
    return { body: stream, answered, leave: () => stream.close(http2.constants.NGHTTP2_CANCEL) };
  }
  shut() {
    this.session?.destroy();
  }
}

/** One request, to the end of what hear(answer, request) does with it. */
async function send(door, body, hear) {
  const text = typeof body === 'string' ? body : JSON.stringify({ model: FLASH, messages: hello, ...body });
  const req = door.open(Buffer.byteLength(text));
  req.body.end(text);
  if (hear.sent) return hear.sent(req);
  try {
    return await hear(await req.answered, req);
  } catch {
    return 'broken';
  }
}

// --------------------------------------------------------------------------------------- the acts

/** Everything, judged: a stream ends in [DONE] or in an error, an error is one object. */
async function whole({ status, headers, body }) {
  let text = '';
  for await (const piece of body.setEncoding('utf8')) text += piece; // throws when it is broken off
  const stream = headers['content-type']?.startsWith('text/event-stream');
  const good = stream ? text.endsWith('data: [DONE]\n\n') !== text.includes('"error":{') : isObject(text);
  if (!good) wrong.push(`${status} ${text.slice(-300)}`);
  return String(status);
}
function isObject(text) {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

async function slowly({ status, body }) {
  for await (const piece of body) if (piece.length > 0 && random(4) === 0) await new Promise((r) => setTimeout(r, 20));
  return `slow ${status}`;
}

async function leaveInAnswer({ body }, req) {
  await new Promise((resolve) => body.once('data', resolve).once('close', resolve));
  req.leave();
  return 'left in the answer';
}

const leaveEarly = { sent: async (req) => {
  await new Promise((r) => setTimeout(r, random(30)));
  req.leave();
  return 'left early';
} };

/** Leaves with half of a large body sent. */
async function leaveInRequest(door) {
  const req = door.open(1 << 20);
  req.body.on('error', () => {});
  await new Promise((resolve) => req.body.on('close', resolve).write(Buffer.alloc(600_000, 'x'), resolve));
  req.leave();
  return 'left in the request';
}

const long = (n) => ({ messages: [{ role: 'user', content: `${random(1000)} ${'x\\"\n'.repeat(n / 4)}` }] });
const aside = () => long(256 * 1024 + random(1 << 20)); // by another thread
const picture = () => ({ messages: [{ role: 'user', content: [{ type: 'text', text: 'What is it?' },
  { type: 'image_url', image_url: { url: `data:image/png;base64,iVBORw0KGgo${'A'.repeat(4 * (70_000 + random(200_000)) + 1)}` } }] }] });

const ACTS = [
  (door) => send(door, {}, whole),
  (door) => send(door, { stream: true, stream_options: { include_usage: true } }, whole),
  (door) => send(door, { stream: true, n: 1 + random(3) }, whole),
  (door) => send(door, { model: `emulate-${pick(FAULTS)}`, stream: random(2) === 0 }, whole),
  (door) => send(door, { model: `emulate-${pick(FAULTS)}`, stream: random(2) === 0 }, whole),
  (door) => send(door, { model: 'emulate-stream-40-events-every-5-ms', stream: true }, leaveInAnswer),
  // An end right behind a request may be a client that only stops writing: it is served to its end.
  (door) => send(door, { model: 'emulate-slow-3000', stream: random(2) === 0 }, leaveEarly),
  (door) => send(door, { model: 'emulate-huge-event-600', stream: true }, slowly),
  (door) => send(door, pick(['{', '[]', '{"model":1}', '{"messages":[]}', 'x'.repeat(5000)]), whole),
  (door) => send(door, long(random(200_000)), whole),
];
/** One in sixteen: each costs as much as a dozen of the others. */
const LARGE = [
  async (door) => `large ${await send(door, { ...aside(), stream: random(2) === 0 }, whole)}`,
  async (door) => `large ${await send(door, picture(), whole)}`,
  async (door) => `large ${await send(door, aside(), leaveEarly)}`,
  (door) => leaveInRequest(door),
];

async function client(gateway, Door) {
  let door = new Door(gateway);
  while (running) {
    const act = random(16) === 0 ? pick(LARGE) : pick(ACTS);
    const beside = Door === Door2 ? random(3) : 0; // on the same connection
    const all = [act, ...Array.from({ length: beside }, () => pick(ACTS))];
    const ends = await deadline(Promise.all(all.map((one) => one(door))), 'answers', 60_000);
    for (const what of ends) counts[what] = (counts[what] ?? 0) + 1;
    if (random(20) === 0) { // churn
      door.shut();
      door = new Door(gateway);
    }
  }
  door.shut();
}

// ----------------------------------------------------------------------------------- the gateways

const pair = { QUEQIAO_TLS_CERT: certificates().cert, QUEQIAO_TLS_KEY: certificates().key };
// The store of signatures is full before the warm-up is over: what it grows by is no leak.
const env = { QUEQIAO_IDLE_TIMEOUT: '5s', QUEQIAO_MAX_SIGNATURES: '256K' };
const stages = {
  plain: await stage({ env, tls: false }),
  tls: await stage({ env: { ...env, ...pair }, tls: true }),
};
const NAMES = Object.keys(stages);
for (const name of NAMES) stages[name].gateway.tls = name === 'tls';
/** { plain: of(stage), tls: of(stage) } */
const each = async (of) => Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await of(stages[name], name)])));

/** The metrics page; what asks keeps no connection. */
function page({ gateway }) {
  return deadline(new Promise((resolve, reject) => {
    (gateway.tls ? https : http).get({ host: '127.0.0.1', port: gateway.port, path: '/metrics', agent: false, ca, servername: 'localhost',
      headers: { authorization: `Bearer ${TOKEN}` } }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (d) => (text += d)).on('end', () => resolve(text)).on('error', reject);
    }).on('error', reject);
  }), 'the metrics page');
}

const descriptors = ({ gateway }) => (process.getuid() === 0 ? readdirSync(`/proc/${gateway.pid}/fd`).length : 0);
const look = (s) => ({ rss: s.gateway.rss(), fds: descriptors(s) });
/** Bodies, events, queues and stores, as the process counts them. */
const counted = async (s) => Number(/^queqiao_memory_counted_bytes (\d+)/m.exec(await page(s))[1]);
const show = (seen) => NAMES.map((name) => `${name} ${(seen[name].rss / 1048576).toFixed(1)} MiB, ${seen[name].fds} descriptors`).join('; ');

/** Nothing in flight, no client connected. */
async function idle(s) {
  await until('upstream to be idle', async () => (await s.upstream.state()).in_flight === 0).catch(async (e) => {
    throw new Error(`${e.message}: ${JSON.stringify(await s.upstream.state())}\n${(await page(s)).match(/^[a-z_]*in_flight.*/gm).join('\n')}`);
  });
  await until('clients to be gone', async () => Number(/^queqiao_requests_in_flight (\d+)/m.exec(await page(s))?.[1] ?? 0) === 0);
}

/** Everybody home. Pages that large bodies left go back to the system some seconds later. */
async function quiet(clients) {
  running = false;
  await Promise.all(clients);
  await each(idle);
  await new Promise((r) => setTimeout(r, 10_000));
  return each(async (s) => ({ ...look(s), counted: await counted(s) }));
}

const KINDS = [['plain', Door1], ['tls', Door1], ['plain', Door2], ['tls', Door2]];

async function play(seconds) {
  running = true;
  const clients = Array.from({ length: CLIENTS }, (_, i) => {
    const [name, Door] = KINDS[i % KINDS.length];
    return client(stages[name].gateway, Door);
  });
  const end = Date.now() + seconds * 1000;
  let line = Date.now() + LINE_EVERY * 1000;
  while (Date.now() < end) {
    await Promise.race([Promise.all(clients), new Promise((r) => setTimeout(r, Math.min(2000, end - Date.now())))]);
    for (const { gateway } of Object.values(stages)) {
      gateway.signal('SIGHUP');
      if (!/Sanitizer/.test(gateway.stderr)) gateway.stderr = ''; // half a gigabyte of log lines otherwise
    }
    if (Date.now() >= line) {
      line += LINE_EVERY * 1000;
      console.log(`soak: ${Math.round((Date.now() - began) / 1000)} s, ${Object.values(counts).reduce((a, b) => a + b, 0)} requests; ${show(await each(look))}`);
    }
  }
  return quiet(clients);
}

const began = Date.now();
await each(page);
const cold = await each(descriptors);
const warm = await play(WARM_UP);
console.log(`soak: cold: ${NAMES.map((name) => `${name} ${cold[name]} descriptors`).join('; ')}`);
console.log(`soak: warm and quiet: ${show(warm)}`);
const last = await play(SECONDS - WARM_UP);
// Idle connections to upstream are kept for 30 s; what is still there long after that has leaked.
await each((s, name) => until('idle connections to be closed', () => descriptors(s) <= cold[name] + FDS_MAY_GROW, 90_000).catch(() => {}));
for (const name of NAMES) last[name].fds = descriptors(stages[name]);
console.log(`soak: at the end, quiet: ${show(last)}`);
console.log(`soak: ${JSON.stringify(counts)}`);
const slow = process.env.E2E_SLOW === '1';
const checks = NAMES.flatMap((name) => {
  const [grown, more] = [last[name].rss - warm[name].rss, last[name].fds - cold[name]];
  const kept = last[name].counted - warm[name].counted;
  return [
    [`SHP-7: flat counted memory, ${name}: ${(kept / 1048576).toFixed(1)} MiB more`, kept <= COUNTED_MAY_GROW],
    [`SHP-7: flat memory, ${name}: ${(grown / 1048576).toFixed(1)} MiB more`, slow || grown <= RSS_MAY_GROW],
    [`SHP-7: flat descriptors, ${name}: ${more} more`, more <= FDS_MAY_GROW],
  ];
});
await each(async (s) => assert.match(await page(s), /^queqiao_requests_in_flight 0/m));
await each((s) => s.close());

checks.push(
  [`every answer was one: ${wrong.length} were not${wrong.length ? `: ${wrong[0]}` : ''}`, wrong.length === 0],
  ['some of each kind', ['200', '400', '502', 'left early', 'left in the answer', 'left in the request', 'slow 200', 'large 200', 'large left early']
    .every((k) => counts[k] > 0)]);
for (const [name, ok] of checks) console.log(`${ok ? 'ok    ' : 'FAIL  '} soak: ${name}`);
const failed = checks.filter(([, ok]) => !ok).length;
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
