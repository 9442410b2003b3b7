// lib.mjs - the stage that every scene plays on: certificates, upstreams, the gateway, raw sockets.
//
// A scene waits for conditions with a deadline; it never sleeps for luck. PATIENCE is generous on
// purpose: it bounds a test that has failed, and says nothing about speed.
import { execFileSync, spawn } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

globalThis.crypto ??= webcrypto; // Node 18 has it under its own name only; LangChain asks for this one

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const BIN = process.env.E2E_BIN ?? path.join(ROOT, 'build/release/queqiao');
export const EMULATOR =
  process.env.E2E_EMULATOR ?? path.join(ROOT, 'build/dev/tests/emulator/gemini-emulator');
export const UPSTREAM = process.env.E2E_UPSTREAM ?? 'plain'; // plain (HTTP/1.1) or tls (HTTP/2)
export const SLOW = process.env.E2E_SLOW === '1' || (existsSync(BIN) && /__[at]san_init/.test(readFileSync(BIN, 'latin1'))); // sanitizers are on
export const PATIENCE = SLOW ? 60_000 : 20_000;
export const TOKEN = 'test-token-0123456789';
export const KEY = 'emulated-key-0123456789abcdef';

/** The tests that an unfinished part would fail say so, and are counted as skipped. */
export const haveEmulator = existsSync(EMULATOR) ? false : 'the emulator is not built';

// ---------------------------------------------------------------------------------- conditions

/** Say on stderr why a scene fails: what fails for it later, in a `finally` or in a promise that
 *  nobody awaits any more, may hide that. reporter.mjs shows the stderr of a file that failed. */
function complain(text) {
  process.stderr.write(`${text}\n`);
}

function inVain(what, ms) {
  const e = new Error(`waited ${ms} ms in vain for ${what}`);
  complain(e.stack);
  for (const c of Child.alive) complain(`${c.name} ${c.pid} said last:\n${c.stderr.slice(-1500)}`);
  return e;
}

export function deadline(promise, what, ms = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(inVain(what, ms)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Plays a scene, then closes what it was played on. Of two failures the scene's is the one to know. */
export async function during(scene, close) {
  let failure;
  try {
    await scene();
  } catch (e) {
    failure = e;
  }
  try {
    await close();
  } catch (e) {
    failure ??= e;
  }
  if (failure !== undefined) throw failure;
}

/** An ELF file without PT_INTERP asks for no loader. */
export function isStaticFile(file) {
  const elf = readFileSync(file);
  const [at, size, n] = [Number(elf.readBigUInt64LE(0x20)), elf.readUInt16LE(0x36), elf.readUInt16LE(0x38)];
  return !Array.from({ length: n }, (_, i) => elf.readUInt32LE(at + i * size)).includes(3);
}

/** Ask until the answer is truthy, or a process that the scenes need has died. */
export async function until(what, ask, ms = PATIENCE) {
  const end = Date.now() + ms;
  const died = Child.died.length;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Child.died.length > died) throw new Error(`in vain for ${what}: ${Child.died.at(-1)}`);
    if (Date.now() > end) throw inVain(what, ms);
    await new Promise((r) => setTimeout(r, 5));
  }
}

/** A port that nobody listens on, below those that the system gives to who asks for any: it stays free
 *  until the scene takes it. And above 10080, the last of those that fetch() refuses to go to. */
export async function freePort() {
  for (;;) {
    const probe = net.createServer().listen(10_081 + Math.floor(Math.random() * 20_000));
    const free = await once(probe, 'listening').then(() => true, () => false);
    const port = probe.address()?.port;
    if (free) await new Promise((r) => probe.close(r));
    if (free) return port;
  }
}

/** A door that a scene opens by hand: upstream waits in front of it. */
export function gate() {
  let open;
  const opened = new Promise((r) => (open = r));
  return { open, opened };
}

// -------------------------------------------------------------------------------- certificates

let certDir;
/** A CA and a certificate for localhost, made when first asked for. */
export function certificates() {
  if (certDir === undefined) {
    certDir = mkdtempSync(path.join(os.tmpdir(), 'queqiao-certs-'));
    process.on('exit', () => rmSync(certDir, { recursive: true, force: true }));
    const ssl = (...args) => execFileSync('openssl', args, { cwd: certDir, stdio: 'pipe' });
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    ssl('req', '-x509', ...ec, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2',
      '-subj', '/CN=queqiao test CA', '-addext', 'basicConstraints=critical,CA:TRUE',
      '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
    ssl('req', ...ec, '-keyout', 'host.key', '-out', 'host.csr', '-subj', '/CN=localhost');
    writeFileSync(path.join(certDir, 'host.ext'), [
      'subjectAltName=DNS:localhost,DNS:gemini.test,IP:127.0.0.1', 'extendedKeyUsage=serverAuth',
      'basicConstraints=CA:FALSE', 'keyUsage=digitalSignature', ''].join('\n'));
    ssl('x509', '-req', '-in', 'host.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial',
      '-days', '2', '-extfile', 'host.ext', '-out', 'host.pem');
  }
  const at = (name) => path.join(certDir, name);
  return { ca: at('ca.pem'), cert: at('host.pem'), key: at('host.key') };
}

/** One more certificate of that CA for these names; days may be negative for one that has expired. */
export function certificateFor(names, { days = 2, file = names[0].replace('*', 'any') } = {}) {
  certificates();
  const ssl = (...args) => execFileSync('openssl', args, { cwd: certDir, stdio: 'pipe' });
  ssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${file}.key`,
    '-out', `${file}.csr`, '-subj', `/CN=${names[0]}`);
  writeFileSync(path.join(certDir, `${file}.ext`), [
    `subjectAltName=${names.map((n) => `DNS:${n}`).join(',')}`, 'extendedKeyUsage=serverAuth', 'basicConstraints=CA:FALSE', ''].join('\n'));
  ssl('x509', '-req', '-in', `${file}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial',
    '-days', String(days), '-extfile', `${file}.ext`, '-out', `${file}.pem`);
  return { cert: path.join(certDir, `${file}.pem`), key: path.join(certDir, `${file}.key`) };
}

// ------------------------------------------------------------------------------------ processes

const SANITIZER = /(Address|Leak|UndefinedBehavior|Thread)Sanitizer|runtime error:/;

/** A child whose stderr is kept, so that lines can be waited for. */
export class Child {
  static alive = new Set();
  static died = []; // an obituary each
  /** For the end of a file: what a failed scene has left running must not keep it open. */
  static reap() {
    for (const c of Child.alive) c.signal('SIGKILL');
  }
  constructor(file, args, env, { stderr = 'pipe' } = {}) {
    this.name = path.basename(file);
    this.stdout = '';
    this.stderr = '';
    const keep = Object.fromEntries(
      Object.entries(process.env).filter(([k]) => /^(PATH|TMPDIR|LANG|.*SAN_.*)$/.test(k)));
    this.process = spawn(file, args, { env: { ...keep, ...env }, stdio: ['ignore', 'pipe', stderr] });
    this.pid = this.process.pid;
    this.process.stdout.on('data', (d) => (this.stdout += d));
    this.process.stderr?.on('data', (d) => (this.stderr += d));
    this.ended = new Promise((resolve) => {
      this.process.on('error', (e) => resolve({ code: null, signal: null, error: e }));
      this.process.on('close', (code, signal) => resolve({ code, signal }));
    });
    this.ended.then((e) => {
      this.end = e;
      if (!this.#unwell()) return;
      Child.died.push(this.#obituary());
      complain(Child.died.at(-1));
    });
    const reap = () => this.process.kill('SIGKILL');
    Child.alive.add(this);
    this.ended.then(() => Child.alive.delete(this));
    process.on('exit', reap);
    this.ended.then(() => process.off('exit', reap));
  }
  /** Did it end as no scene wants it to? Of what serves that is: before it was told to. */
  #unwell() {
    const { code, signal } = this.end;
    const told = this.told ?? false;
    return SANITIZER.test(this.stderr) || (!told && (signal !== null || (this.serves && code !== null)));
  }
  /** How it ended: a sanitizer's report from its beginning, else the last that it said. */
  #obituary() {
    const at = this.stderr.search(SANITIZER);
    const words = at < 0 ? this.stderr.slice(-4000) : this.stderr.slice(Math.max(0, at - 100)).slice(0, 20000);
    return `${this.name} ${this.pid} ended with ${JSON.stringify(this.end)}:\n${words}`;
  }
  said(pattern) {
    return until(`${this.name} to say ${pattern}`, () => {
      const m = pattern.exec(this.stderr) ?? pattern.exec(this.stdout);
      if (m === null && this.end !== undefined) throw new Error(this.#obituary());
      return m;
    });
  }
  signal(name) {
    if (name !== 'SIGHUP') this.told = true;
    this.process.kill(name);
  }
  /** Ends it, and holds it to a clean exit. */
  async stop(signal = 'SIGTERM') {
    if (this.end === undefined) this.signal(signal);
    let end;
    try {
      end = await deadline(this.ended, `${this.name} to exit after ${signal}`);
    } catch (e) {
      this.signal('SIGKILL');
      await this.ended;
      throw new Error(`${e.message}\n${this.stderr.slice(-4000)}`);
    }
    this.process.stdout.destroy();
    if (SANITIZER.test(this.stderr) || end.code !== 0) throw new Error(this.#obituary());
  }
  rss() {
    const m = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
    return Number(m[1]) * 1024;
  }
}

// ------------------------------------------------------------------------------------- upstreams

/** queqiao's emulated Gemini as a process of its own. */
export class Emulator extends Child {
  /** `quotas` are its rules (src/demo/quota.h); `port` is for one that comes back. */
  static async start({ tls = UPSTREAM === 'tls', port = 0, quotas } = {}) {
    const args = ['--listen', `127.0.0.1:${port}`, '--control'];
    if (quotas !== undefined) args.push('--quotas', JSON.stringify(quotas));
    if (tls) args.push('--tls-cert', certificates().cert, '--tls-key', certificates().key);
    const e = new Emulator(EMULATOR, args, {});
    const m = await e.said(/listening on [^\s]*?:(\d+)\s/);
    e.serves = true;
    e.port = Number(m[1]);
    e.tls = tls;
    e.url = tls ? `https://localhost:${e.port}` : `http://127.0.0.1:${e.port}`;
    return e;
  }
  /** GET of a control place; with `told` POST. */
  async control(place, told) {
    const target = `/__emulator/${place}`;
    const body = told === undefined ? undefined : JSON.stringify(told);
    const r = this.tls ? await askOverTls(this.port, target, body)
      : await fetch(this.url + target, { method: body === undefined ? 'GET' : 'POST', body }).then(async (x) => ({ status: x.status, text: await x.text() }));
    if (r.status !== 200) throw new Error(`${target}: ${r.status} ${r.text}`);
    return JSON.parse(r.text);
  }
  /** Counts: requests, in_flight, streams, cancelled. */
  state() {
    return this.control('state');
  }
  /** The next requests that go wrong (src/demo/script.h). */
  script(...steps) {
    return this.control('script', { steps });
  }
  /** The last requests: status, key (its last four characters), model. */
  async requests() {
    const { requests } = await this.control('requests');
    return requests.map((r) => ({
      status: r.status,
      key: r.head.headers?.['x-goog-api-key']?.slice(-4),
      model: /models\/([^:]*)/.exec(r.head.path)?.[1],
      body: r.body,
    }));
  }
}

async function askOverTls(port, target, body) {
  const session = http2.connect(`https://127.0.0.1:${port}`, { ca: readFileSync(certificates().ca) });
  try {
    const stream = session.request({ ':path': target, ':method': body === undefined ? 'GET' : 'POST' });
    let text = '';
    stream.setEncoding('utf8').on('data', (d) => (text += d));
    stream.end(body);
    const [head] = await deadline(once(stream, 'response'), target);
    await deadline(once(stream, 'end'), target);
    return { status: head[':status'], text };
  } finally {
    session.close();
  }
}

/** A Gemini whose every move the scene writes itself: play(req, res, body) for each request.
 *
 *  req and res are Node's, over HTTP/1.1 (plain) or HTTP/2 (tls); `seen` holds what came. */
export class Scripted {
  static async start(play, { tls = UPSTREAM === 'tls' } = {}) {
    const s = new Scripted();
    s.play = play;
    s.tls = tls;
    s.seen = [];
    const serve = (req, res) => s.#serve(req, res);
    if (tls) {
      const c = certificates();
      s.server = http2.createSecureServer(
        { cert: readFileSync(c.cert), key: readFileSync(c.key), allowHTTP1: true }, serve);
    } else {
      s.server = http.createServer({ requestTimeout: 0, keepAliveTimeout: 0 }, serve);
    }
    s.sockets = new Set();
    s.server.on(tls ? 'secureConnection' : 'connection', (c) => {
      s.sockets.add(c);
      c.on('error', () => {});
      c.on('close', () => s.sockets.delete(c));
    });
    s.server.on('sessionError', () => {});
    s.server.listen(0, '127.0.0.1').unref(); // a scene that fails early must not keep the file open
    await once(s.server, 'listening');
    s.port = s.server.address().port;
    s.url = tls ? `https://localhost:${s.port}` : `http://127.0.0.1:${s.port}`;
    return s;
  }
  async #serve(req, res) {
    const seen = { method: req.method, url: req.url, headers: req.headers, cancelled: false };
    this.seen.push(seen);
    res.on('error', () => {});
    req.on('error', () => {});
    if (this.tls && req.stream !== undefined) req.stream.on('aborted', () => (seen.cancelled = true));
    else res.on('close', () => (seen.cancelled = !res.writableFinished));
    let text = '';
    req.setEncoding('utf8').on('data', (d) => (text += d));
    req.on('end', async () => {
      if (req.aborted) return; // HTTP/2 in Node tells of an end all the same
      seen.body = text === '' ? null : JSON.parse(text);
      try {
        await this.play(req, res, seen.body);
      } catch (e) {
        this.failed = e;
        res.destroy?.(e);
      }
    });
  }
  async stop() {
    for (const c of this.sockets) c.destroy();
    this.server.close();
    if (this.failed) throw this.failed;
  }
}

/** Gemini's words for scripted upstreams. */
export const gm = {
  chunk(parts, { finish, usage = { promptTokenCount: 7, candidatesTokenCount: 5, totalTokenCount: 12 } } = {}) {
    const list = typeof parts === 'string' ? [{ text: parts }] : parts;
    return {
      candidates: [{ content: { parts: list, role: 'model' }, ...(finish && { finishReason: finish }), index: 0 }],
      usageMetadata: usage,
      modelVersion: 'gemini-3.8-flash',
      responseId: 'scripted-response-0001',
    };
  },
  head(res) {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.flushHeaders?.();
  },
  event(res, object) {
    return res.write(`data: ${JSON.stringify(object)}\r\n\r\n`);
  },
  json(res, object, status = 200, headers = {}) {
    res.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...headers });
    res.end(JSON.stringify(object, null, 2));
  },
  error(res, code, status, message, details) {
    gm.json(res, { error: { code, message, status, ...(details && { details }) } }, code);
  },
  /** A stream of two events, 'one ' and 'two'; in between upstream waits. */
  async inTwo(res, between) {
    gm.head(res);
    gm.event(res, gm.chunk('one '));
    await between;
    gm.event(res, gm.chunk('two', { finish: 'STOP' }));
    res.end();
  },
  /** The plain case: one answer, in the form that was asked for. */
  answer(req, res, text, options) {
    if (req.url.includes(':streamGenerateContent')) {
      gm.head(res);
      gm.event(res, gm.chunk(text, { finish: 'STOP', ...options }));
      res.end();
    } else {
      gm.json(res, gm.chunk(text, { finish: 'STOP', ...options }));
    }
  },
};

// --------------------------------------------------------------------------------------- gateway

export class Gateway extends Child {
  static async start({ upstream, env = {}, file = BIN, args = ['serve'] } = {}) {
    const g = new Gateway(file, args, {
      QUEQIAO_LISTEN: '127.0.0.1:0',
      GEMINI_API_KEY: KEY,
      AUTH_TOKEN: TOKEN,
      QUEQIAO_MAX_REQUESTS_PER_TOKEN: '0', // one token plays all clients; LIM-16 has scenes of its own
      ...(process.env.E2E_WORKERS && { QUEQIAO_WORKERS: process.env.E2E_WORKERS }),
      QUEQIAO_QUOTA_WAIT: '0', // scenes that wait for quota say so
      QUEQIAO_CONNECT_TIMEOUT: '30s', // and so do those that wait for this: handshakes are slow where all cores are busy
      ...(upstream && { GEMINI_BASE_URL: upstream.url }),
      ...(upstream?.tls && { SSL_CERT_FILE: certificates().ca }),
      ...env,
    });
    const m = await g.said(/listening on (https?):\/\/(\[[^\]]*\]|[^\s:]+):(\d+)/);
    g.serves = true;
    g.port = Number(m[3]);
    g.url = m[1] === 'https' ? `https://localhost:${g.port}` : `http://127.0.0.1:${g.port}`;
    return g;
  }
  /** fetch() against the gateway; `json` is a body to POST. Who does not await it, because something
   *  failed before, is not told that it failed too. */
  fetch(target, { json, token = TOKEN, headers = {}, patience = PATIENCE, ...rest } = {}) {
    const answer = deadline(fetch(this.url + target, {
      ...(json !== undefined && { method: 'POST', body: typeof json === 'string' ? json : JSON.stringify(json) }),
      headers: {
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...rest,
    }), `an answer to ${target}`, patience);
    answer.catch(() => {});
    return answer;
  }
  chat(body, options) {
    return this.fetch('/v1/chat/completions', { json: { model: 'gemini-3.8-flash', ...body }, ...options });
  }
  /** Is the process well? Asked at the end of scenes that tried to hurt it. */
  async well() {
    const r = await this.fetch('/health', { token: null });
    return r.status === 200 && (await r.json()).status === 'ok';
  }
}

export const hello = [{ role: 'user', content: '你好，请介绍一下自己' }];

/** An upstream and a gateway in front of it; close() holds both to a clean end. */
export async function stage({ play, env, tls, args } = {}) {
  const upstream = play ? await Scripted.start(play, { tls }) : await Emulator.start({ tls });
  const gateway = await Gateway.start({ upstream, env, args }).catch(async (e) => {
    await upstream.stop();
    throw e;
  });
  return {
    upstream,
    gateway,
    async close() {
      try {
        await this.gateway.stop();
      } finally {
        await this.upstream.stop();
      }
    },
  };
}

// ------------------------------------------------------------------------------------------- SSE

/** The data of each event of a fetch() body, as it comes; what is no `data:` event is a fault. */
export async function* events(response) {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of response.body) {
    rest += decoder.decode(bytes, { stream: true });
    for (let at; (at = rest.indexOf('\n\n')) >= 0; rest = rest.slice(at + 2)) {
      const block = rest.slice(0, at);
      if (block.startsWith(':')) continue; // a comment: the heartbeat
      if (!block.startsWith('data: ')) throw new Error(`not an event: ${JSON.stringify(block)}`);
      yield block.slice(6);
    }
  }
  if (rest !== '') throw new Error(`the stream ended inside an event: ${JSON.stringify(rest)}`);
}

/** A whole stream: its chunks, and whether [DONE] closed it. */
export async function gather(response) {
  const chunks = [];
  let done = false;
  for await (const data of events(response)) {
    if (done) throw new Error('an event after [DONE]');
    if (data === '[DONE]') done = true;
    else chunks.push(JSON.parse(data));
  }
  const text = chunks.map((c) => c.choices?.[0]?.delta?.content ?? '').join('');
  return { chunks, done, text };
}

// ----------------------------------------------------------------------------------- raw sockets

/** HTTP/1.1 by hand, read as strictly as the RFC asks, for what no well-behaved client sends. */
export class Raw {
  static async open(port) {
    const r = new Raw();
    r.socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    r.bytes = Buffer.alloc(0);
    r.eof = false;
    r.wake = () => {};
    r.socket.on('data', (d) => {
      r.bytes = Buffer.concat([r.bytes, d]);
      r.wake();
    });
    const end = () => {
      r.eof = true;
      r.wake();
    };
    r.socket.on('end', end).on('close', end).on('error', end);
    await once(r.socket, 'connect');
    return r;
  }
  write(text) {
    this.socket.write(text);
    return this;
  }
  /** Try to read `take` (returns undefined to ask for more bytes). */
  #take(what, take) {
    return deadline((async () => {
      for (;;) {
        const got = take();
        if (got !== undefined) return got;
        if (this.eof) throw new Error(`the connection ended before ${what}: ${this.bytes}`);
        await new Promise((r) => (this.wake = r));
      }
    })(), what);
  }
  #line(what) {
    return this.#take(what, () => {
      const at = this.bytes.indexOf('\r\n');
      if (at < 0) return undefined;
      const line = this.bytes.subarray(0, at).toString('latin1');
      if (/[\r\n]/.test(line)) throw new Error(`bare CR or LF in ${JSON.stringify(line)}`);
      this.bytes = this.bytes.subarray(at + 2);
      return line;
    });
  }
  #exactly(n, what) {
    return this.#take(what, () => {
      if (this.bytes.length < n) return undefined;
      const out = this.bytes.subarray(0, n);
      this.bytes = this.bytes.subarray(n);
      return out;
    });
  }
  async head() {
    const line = await this.#line('a status line');
    const m = /^HTTP\/1\.1 (\d{3}) (.+)$/.exec(line);
    if (m === null) throw new Error(`not a status line: ${JSON.stringify(line)}`);
    const headers = {};
    for (;;) {
      const field = await this.#line('a header field');
      if (field === '') break;
      const f = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(field);
      if (f === null) throw new Error(`not a header field: ${JSON.stringify(field)}`);
      const name = f[1].toLowerCase();
      headers[name] = name in headers ? `${headers[name]}, ${f[2]}` : f[2];
    }
    return { status: Number(m[1]), reason: m[2], headers };
  }
  /** The next piece of a chunked body; null after the last. */
  async chunk() {
    const size = await this.#line('a chunk size');
    if (!/^[0-9a-f]+$/i.test(size)) throw new Error(`not a chunk size: ${JSON.stringify(size)}`);
    const n = parseInt(size, 16);
    const data = Buffer.from(await this.#exactly(n, 'chunk data'));
    if ((await this.#line('the end of a chunk')) !== '') throw new Error('a chunk has no end');
    return n === 0 ? null : data;
  }
  /** One whole answer; `bodiless` for the answer to HEAD. */
  async response({ bodiless = false } = {}) {
    const head = await this.head();
    const { headers } = head;
    if ('content-length' in headers && 'transfer-encoding' in headers)
      throw new Error('an answer with both framings');
    let body = Buffer.alloc(0);
    if (!bodiless && head.status >= 200 && head.status !== 204 && head.status !== 304) {
      if (headers['transfer-encoding'] === 'chunked') {
        for (let c; (c = await this.chunk()) !== null;) body = Buffer.concat([body, c]);
      } else if ('content-length' in headers) {
        body = Buffer.from(await this.#exactly(Number(headers['content-length']), 'a body'));
      } else {
        throw new Error('an answer without framing');
      }
    }
    return { ...head, body, json: () => JSON.parse(body.toString('utf8')) };
  }
  /** The other side has closed, after nothing more than was read. */
  closed() {
    return this.#take('the end of the connection', () => {
      if (this.bytes.length > 0) throw new Error(`bytes instead of an end: ${this.bytes}`);
      return this.eof || undefined;
    });
  }
  /** Drop the connection; hard: with RST. */
  leave({ hard = false } = {}) {
    if (hard) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }
}

/** A request as text. */
export function request(method, target, { headers = {}, body, token = TOKEN } = {}) {
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: gateway.test'];
  if (token !== null) lines.push(`Authorization: Bearer ${token}`);
  if (body !== undefined && !Object.keys(headers).some((h) => /^(content-length|transfer-encoding)$/i.test(h)))
    lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  if (body !== undefined) lines.push('Content-Type: application/json');
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
}
