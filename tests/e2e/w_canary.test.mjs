// Canaries: keys, tokens, prompts, answers and a proxy's password that stand out, through every
// endpoint and every misbehaviour that there is; then every byte that left is searched for them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { BIN, Emulator, Gateway, PATIENCE, Raw, SLOW, Scripted, UPSTREAM, certificates, deadline, gm, haveEmulator, request } from './lib.mjs';
import { Proxy } from './proxies.mjs';

const KEYS = ['AIzaSyCanary0123456789abcdefghijklmnopq', 'canary~of/its+own=shape.7f3a91'];
const TOKEN = 'canary-token-8d41b7c05e';
const PROMPT = 'canary-prompt-the-heron-sleeps';
const ANSWER = 'canary-answer-the-magpie-wakes';
const PASSWORD = 'canary-proxy-password-66';
const messages = [{ role: 'user', content: PROMPT }];

/** Every way in which somebody could write s down. */
function forms(s) {
  const percent = [...s].map((c) => (/[A-Za-z0-9._~-]/.test(c) ? c : `%${c.charCodeAt(0).toString(16)}`)).join('');
  const all = [s, s.replaceAll('/', '\\/'), percent, percent.toUpperCase() === percent ? percent : encodeURIComponent(s),
    [...s].map((c) => `%${c.charCodeAt(0).toString(16)}`).join(''), [...s].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join(''),
    Buffer.from(s).toString('hex')];
  for (let shift = 0; shift < 3; shift++) { // wherever it begins within longer base64
    const b = Buffer.from(s.slice(shift, shift + Math.floor((s.length - shift) / 3) * 3)).toString('base64');
    all.push(b, b.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return [...new Set(all)];
}

function mustNotHold(what, text, secrets) {
  for (const s of secrets)
    for (const form of forms(s))
      assert.ok(!text.includes(form), `${what} holds ${s} as ${form}: ${text.slice(Math.max(0, text.indexOf(form) - 200), text.indexOf(form) + 100)}`);
}

/** All that came back for one request: head and body. What breaks off is taken as far as it came. */
function everything(gateway, target, options) {
  return deadline(hearAll(gateway, target, options), `the end of the answer to ${target}`);
}
async function hearAll(gateway, target, options) {
  let text = '';
  try {
    const r = await gateway.fetch(target, options);
    text += `${r.status} ${JSON.stringify([...r.headers])}\n`;
    for await (const piece of r.body ?? []) text += Buffer.from(piece).toString('latin1');
  } catch (e) {
    if (e.name === 'AssertionError') throw e;
  }
  return Buffer.from(text, 'latin1').toString('utf8');
}

const env = (more = {}) => ({ GEMINI_API_KEY: KEYS.join(','), AUTH_TOKEN: TOKEN, QUEQIAO_LOG_LEVEL: 'debug', QUEQIAO_IDLE_TIMEOUT: '2s',
  QUEQIAO_ATTEMPTS: '2', QUEQIAO_BYOK: '0', ...more });

/** Everything that the process wrote, and what the kernel shows of it to others. */
function searchProcess(gateway) {
  mustNotHold('standard error', gateway.stderr, [...KEYS, TOKEN, PROMPT, ANSWER, PASSWORD]);
  mustNotHold('standard output', gateway.stdout, [...KEYS, TOKEN, PROMPT, ANSWER, PASSWORD]);
}
/** A key is called by its digest, and by nothing of itself. */
const names = KEYS.map((k) => createHash('sha256').update(k).digest('hex').slice(0, 8));
function searchNames(gateway) {
  const told = [...gateway.stderr.matchAll(/ key=(\S*)/g)].map((m) => m[1]);
  assert.ok(told.length > 0);
  assert.deepEqual(told.filter((n) => !names.includes(n)), []);
}
function searchProc(gateway) {
  for (const file of ['cmdline', 'comm', 'environ']) {
    let text = '';
    try {
      text = readFileSync(`/proc/${gateway.pid}/${file}`, 'latin1');
    } catch (e) {
      if (e.code !== 'EACCES' && e.code !== 'EPERM') throw e; // nobody but root may look: better still
    }
    mustNotHold(`/proc/PID/${file}`, text, [...KEYS, TOKEN, PASSWORD]);
  }
  assert.match(readFileSync(`/proc/${gateway.pid}/limits`, 'utf8'), /Max core file size\s+0\s+0\s/);
}

const open = [];
after(async () => {
  for (const one of open) await one.stop().catch(() => {});
});

const NAMES = ['429', '429-day', '400', '400-key', '402', '403', '403-disabled', '404', 'location', '500', '503', '503-once', '504', 'html-502',
  'cut', 'error-mid', 'reset', 'bad-json', 'huge-event-100', 'long-signature-50', 'thoughts', 'cached', 'empty', 'blocked', 'malformed-call',
  'max-tokens-thinking', 'gibberish-finish', 'safety', 'recitation', 'slow-10', 'stall-10'];

test('SEC-1, SEC-5: every endpoint and every misbehaviour: no key in an answer; no key, token, prompt or answer in a log', { skip: haveEmulator }, async () => {
  const upstream = await Emulator.start();
  const gateway = await Gateway.start({ upstream, env: env() });
  open.push(upstream);
  const told = [];
  const ask = async (target, options = {}) => told.push(await everything(gateway, target, { token: TOKEN, ...options }));

  for (const target of ['/', '/health', '/healthz', '/livez', '/readyz', '/metrics', '/doctor', '/doctor/stream', '/doctor/style.css', '/v1/models',
    '/v1/models/gemini-3.8-flash', '/v1/models/nothing', '/nowhere', `/v1/models?key=${TOKEN}`, '/v1/chat/completions'])
    await ask(target);
  for (const name of NAMES) {
    await ask('/v1/chat/completions', { json: { model: `emulate-${name}`, messages } });
    await ask('/v1/chat/completions', { json: { model: `emulate-${name}`, messages, stream: true } });
  }
  for (const body of ['{', `{"${PROMPT}":1`, JSON.stringify({ model: 'gemini-3.8-flash', messages, temperature: PROMPT }), JSON.stringify({ messages }),
    JSON.stringify({ model: 'gemini-3.8-flash', messages: [{ role: PROMPT, content: [{ type: PROMPT }] }] }), JSON.stringify({ model: 'gemini-3.8-flash', messages, [PROMPT]: 1 })])
    await ask('/v1/chat/completions', { json: body });
  for (const token of [null, 'wrong', `${TOKEN}x`, KEYS[1]])
    await ask('/v1/chat/completions', { token, json: { model: 'gemini-3.8-flash', messages } });
  mustNotHold('an answer', told.join('\n'), KEYS);
  // What no client library sends.
  for (const text of [`${PROMPT}\r\n\r\n`, `GET /?${TOKEN} HTTP/9.9\r\n\r\n`, request('GET', `/${'x'.repeat(9000)}?key=${TOKEN}`), request('POST', '/v1/chat/completions', { headers: { 'Content-Length': 'x' }, token: TOKEN })]) {
    const raw = await Raw.open(gateway.port);
    raw.write(text);
    await deadline(new Promise((r) => raw.socket.on('close', r).on('data', (d) => mustNotHold('an answer', d.toString(), KEYS))), 'the end');
  }
  searchProc(gateway);
  gateway.signal('SIGHUP');
  await gateway.said(/ev=reload/);
  await gateway.stop();
  searchProcess(gateway);
  searchNames(gateway);
  const journal = JSON.stringify(await upstream.state());
  mustNotHold('what upstream counted', journal, [TOKEN]);
});

// Upstream repeats the key, in every form that somebody could give it, in every place of an answer.
const ECHO = [
  ['as it is', (k) => k],
  ['percent-encoded', (k) => encodeURIComponent(k)],
  ['percent-encoded in lower case', (k) => encodeURIComponent(k).replace(/%../g, (c) => c.toLowerCase())],
  ['in base64', (k) => Buffer.from(k).toString('base64')],
  ['in base64, one byte further', (k) => Buffer.from(`x${k}`).toString('base64')],
  ['in base64 for URLs', (k) => Buffer.from(`xy${k}yz`).toString('base64url')],
  ['where the message is cut', (k) => `${'.'.repeat(1024 - 20)}${k}`],
  ['many times', (k) => `${k} `.repeat(20)],
];
const STATUSES = [400, 401, 403, 404, 413, 429, 500, 503, 504];

test('SEC-1, SEC-2: an upstream that repeats the key in its errors, in any form, is not repeated', async () => {
  let form;
  let status;
  const upstream = await Scripted.start((req, res) => {
    const k = form(req.headers['x-goog-api-key']);
    const text = JSON.stringify({ error: { code: status, status: k, message: `Bad key: ${k}.`,
      details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: k, domain: k, metadata: { key: k } },
        { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId: k, quotaMetric: k, quotaDimensions: { model: k }, quotaValue: '1' }] }] } }).replaceAll('/', '\\/');
    res.writeHead(status, { 'content-type': 'application/json', 'x-key': encodeURIComponent(k), 'set-cookie': encodeURIComponent(k) });
    res.write(text.slice(0, 60)); // in two pieces
    res.end(text.slice(60));
  });
  open.push(upstream);
  for (const [name, how] of ECHO) {
    const gateway = await Gateway.start({ upstream, env: env({ QUEQIAO_ATTEMPTS: '1', GEMINI_API_KEY: KEYS[1] }) });
    form = how;
    for (status of STATUSES)
      for (const stream of [false, true])
        mustNotHold(`an answer to ${status}, the key ${name},`,
          await everything(gateway, '/v1/chat/completions', { token: TOKEN, json: { model: `gemini-${status}`, messages, stream } }), KEYS);
    mustNotHold('the list of models', await everything(gateway, '/v1/models', { token: TOKEN }), KEYS);
    await gateway.stop();
    searchProcess(gateway);
  }
  for (const r of upstream.seen) {
    mustNotHold('the address of an upstream request', r.url, [...KEYS, TOKEN]);
    const { 'x-goog-api-key': key, ...others } = r.headers;
    assert.ok(KEYS.includes(key));
    mustNotHold('the other fields of an upstream request', JSON.stringify(others), [...KEYS, TOKEN]);
    mustNotHold('the body of an upstream request', JSON.stringify(r.body), [...KEYS, TOKEN]);
  }
});

test('SEC-2: an error in mid-stream that repeats the key, cut at any byte', async () => {
  let pieces;
  const upstream = await Scripted.start(async (req, res) => {
    const text = `data: ${JSON.stringify({ error: { code: 400, status: 'INVALID_ARGUMENT', message: `Key ${req.headers['x-goog-api-key']} is bad.` } })}\r\n\r\n`;
    gm.head(res);
    gm.event(res, gm.chunk(ANSWER));
    for (let at = 0; at < text.length; at += pieces) res.write(text.slice(at, at + pieces));
    res.end();
  });
  const gateway = await Gateway.start({ upstream, env: env() });
  open.push(upstream);
  for (pieces of SLOW ? [7, 1000] : [1, 2, 7, 31, 1000]) {
    const text = await everything(gateway, '/v1/chat/completions', { token: TOKEN, json: { model: 'gemini-3.8-flash', messages, stream: true } });
    assert.ok(text.includes(ANSWER) && text.includes('"error"') && !text.includes('[DONE]'), text);
    mustNotHold('a stream', text, KEYS);
  }
  await gateway.stop();
  searchProcess(gateway);
});

test('SEC-1, SEC-5: a way out with a password: it is in no log, no page, no metric', async () => {
  const upstream = await Scripted.start((req, res) => gm.answer(req, res, ANSWER));
  open.push(upstream);
  for (const mood of ['well', 'cuts', 407, 502]) {
    const proxy = await Proxy.start({ to: upstream, login: `canary:${PASSWORD}`, mood });
    const gateway = await Gateway.start({ upstream, env: env({ ALL_PROXY: proxy.url, NO_PROXY: '' }) });
    const told = [];
    for (const target of ['/health', '/metrics', '/doctor'])
      told.push(await everything(gateway, target, { token: TOKEN }));
    told.push(await everything(gateway, '/v1/chat/completions', { token: TOKEN, json: { model: 'gemini-3.8-flash', messages } }));
    mustNotHold('an answer', told.join('\n'), [...KEYS, PASSWORD]);
    searchProc(gateway);
    await gateway.stop();
    searchProcess(gateway);
    proxy.stop();
  }
});

/** A command of the product, to its end. */
async function command(args, variables) {
  const run = promisify(execFile);
  const keep = Object.fromEntries(Object.entries(process.env).filter(([k]) => /^(PATH|TMPDIR|.*SAN_.*)$/.test(k)));
  const r = await run(BIN, args, { env: { ...keep, ...variables }, timeout: PATIENCE, killSignal: 'SIGKILL' }).catch((e) => e);
  return `${r.stdout}${r.stderr}`;
}

test('SEC-1: --check-config and doctor say nothing of a secret, also where the options are wrong', async () => {
  const upstream = await Scripted.start((req, res) => gm.error(res, 400, 'INVALID_ARGUMENT', `API key ${req.headers['x-goog-api-key']} not valid.`,
    [{ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId: req.headers['x-goog-api-key'] }] }]));
  open.push(upstream);
  const base = { ...env(), GEMINI_BASE_URL: upstream.url, ...(UPSTREAM === 'tls' && { SSL_CERT_FILE: certificates().ca }) };
  const examined = await command(['doctor'], base);
  for (const [i, n] of names.entries())
    assert.ok(examined.includes(`key ${i + 1} of 2, ${n}`), examined);
  const told = [
    await command(['--check-config'], base),
    await command(['--check-config'], { ...base, GEMINI_API_KEY: `${KEYS[0]} ${KEYS[1]}` }),
    await command(['--check-config'], { ...base, GEMINI_BASE_URL: `https://u:${PASSWORD}@127.0.0.1/x` }),
    await command(['--check-config'], { ...base, HTTPS_PROXY: `ftp://u:${PASSWORD}@127.0.0.1:1` }),
    await command(['--check-config'], { ...base, HTTPS_PROXY: `http://u:${PASSWORD}@127.0.0.1:99999` }),
    examined,
    await command(['doctor'], { ...base, ALL_PROXY: `http://u:${PASSWORD}@127.0.0.1:1` }),
  ];
  assert.ok(told.every((t) => t.length > 0));
  mustNotHold('what a command says', told.join('\n'), [...KEYS, TOKEN, PASSWORD]);
});
