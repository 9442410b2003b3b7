// upstreams.mjs - upstreams that misbehave below HTTP's own words: every byte and every frame is the
// scene's. What they are for is the fault matrix; well-behaved ones are in lib.mjs.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { UPSTREAM, certificates, gm } from './lib.mjs';

/** What Gemini would say to a request of that kind, in two halves: the second makes it whole. */
export function words(stream) {
  const event = (object) => `data: ${JSON.stringify(object)}\r\n\r\n`;
  if (stream) return [event(gm.chunk('one ')), event(gm.chunk('two', { finish: 'STOP' }))];
  const text = JSON.stringify(gm.chunk('one two', { finish: 'STOP' }));
  return [text.slice(0, text.length / 2), text.slice(text.length / 2)];
}
const typeOf = (stream) => (stream ? 'text/event-stream' : 'application/json; charset=UTF-8');

/** Listeners in common: sockets that are cut when the scene ends, and connections counted. */
class Listener {
  async listen(server, tlsOn) {
    this.server = server;
    this.tls = tlsOn;
    this.sockets = new Set();
    this.connections = 0;
    server.on('connection', (c) => {
      this.connections++;
      this.sockets.add(c);
      c.on('error', () => {}).on('close', () => this.sockets.delete(c));
    });
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1').unref();
    await once(server, 'listening');
    this.port = server.address().port;
    this.url = tlsOn ? `https://localhost:${this.port}` : `http://127.0.0.1:${this.port}`;
    return this;
  }
  async stop() {
    for (const c of this.sockets) c.destroy();
    this.server.close();
    if (this.failed) throw this.failed;
  }
  guard(what) {
    Promise.resolve().then(what).catch((e) => (this.failed ??= e));
  }
}

const secure = (options) => {
  const c = certificates();
  return { cert: readFileSync(c.cert), key: readFileSync(c.key), ...options };
};

// --------------------------------------------------------------------------------- HTTP/1.1, by hand

/** play(call) for each request; call has `stream` (was a stream asked for?), `nth` and the means to
 *  answer with any bytes. */
export class RawH1 extends Listener {
  static async start(play, { tls: tlsOn = UPSTREAM === 'tls' } = {}) {
    const s = new RawH1();
    s.play = play;
    s.requests = 0;
    const serve = (socket) => s.#serve(socket);
    return s.listen(tlsOn ? tls.createServer(secure({ ALPNProtocols: ['http/1.1'] }), serve)
      : net.createServer({ noDelay: true }, serve), tlsOn);
  }
  #serve(socket) {
    let text = '';
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (d) => {
      text += d;
      const end = text.indexOf('\r\n\r\n');
      const need = end < 0 ? Infinity : end + 4 + Number(/\r\ncontent-length: (\d+)/.exec(text)?.[1] ?? 0);
      if (text.length < need) return;
      const head = text.slice(0, end);
      text = text.slice(need);
      const stream = head.includes(':streamGenerateContent');
      const call = {
        nth: ++this.requests,
        stream,
        socket,
        write: (bytes) => socket.write(Buffer.from(bytes, 'utf8')),
        latin1: (bytes) => socket.write(Buffer.from(bytes, 'latin1')),
        /** A head with these lines more, or instead of the status line. */
        head(lines = [], status = 'HTTP/1.1 200 OK') {
          this.latin1(`${[status, `Content-Type: ${typeOf(stream)}`, ...lines].join('\r\n')}\r\n\r\n`);
        },
        chunk: (data) => `${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`,
        /** The head of a chunked answer and its first half. */
        begin() {
          this.head(['Transfer-Encoding: chunked']);
          this.write(this.chunk(words(stream)[0]));
        },
        finish() {
          this.write(`${this.chunk(words(stream)[1])}0\r\n\r\n`);
        },
        good() {
          this.begin();
          this.finish();
        },
        end: () => socket.end(),
        reset: () => (tlsOfSocket(socket) ?? socket).resetAndDestroy(),
      };
      this.guard(() => this.play(call));
    });
  }
}

/** Node resets the TCP socket under a TLS one only when it is asked by its parent. */
function tlsOfSocket(socket) {
  return socket.encrypted ? socket._parent ?? null : null;
}

// --------------------------------------------------------------------------------- HTTP/2, by hand

export const FRAME = {
  DATA: 0, HEADERS: 1, PRIORITY: 2, RST_STREAM: 3, SETTINGS: 4, PUSH_PROMISE: 5, PING: 6, GOAWAY: 7, WINDOW_UPDATE: 8,
  CONTINUATION: 9,
};
export const END_STREAM = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** HPACK without indexing and without Huffman: a string with its length. */
function hpackText(s) {
  const bytes = Buffer.from(s, 'latin1');
  const length = [];
  if (bytes.length < 127) {
    length.push(bytes.length);
  } else {
    length.push(127);
    let rest = bytes.length - 127;
    for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}
export const field = (name, value) => Buffer.concat([Buffer.of(0), hpackText(name), hpackText(value)]);

const u32 = (n) => {
  const b = Buffer.alloc(4);
  b.writeUInt32BE(n >>> 0);
  return b;
};

/** play(call) for each request whose body is complete. `settings` are sent first: [[id, value], ...],
 *  then greet(connection) is called. Each byte that comes is credited by itself. */
export class RawH2 extends Listener {
  static async start(play, { settings = [], greet } = {}) {
    const s = new RawH2();
    Object.assign(s, { play, settings, greet, requests: 0, stream: false });
    return s.listen(tls.createServer(secure({ ALPNProtocols: ['h2'] }), (socket) => s.#serve(socket)), true);
  }
  #serve(socket) {
    const c = {
      socket,
      frame(type, flags, id, payload = Buffer.alloc(0)) {
        const head = Buffer.alloc(9);
        head.writeUIntBE(payload.length, 0, 3);
        head[3] = type;
        head[4] = flags;
        head.writeUInt32BE(id, 5);
        return socket.write(Buffer.concat([head, payload]));
      },
      settings(list, flags = 0) {
        const payload = Buffer.alloc(list.length * 6);
        list.forEach(([id, value], i) => {
          payload.writeUInt16BE(id, i * 6);
          payload.writeUInt32BE(value, i * 6 + 2);
        });
        c.frame(FRAME.SETTINGS, flags, 0, payload);
      },
      window: (id, n) => c.frame(FRAME.WINDOW_UPDATE, 0, id, u32(n)),
      goaway: (last, code = 0) => c.frame(FRAME.GOAWAY, 0, 0, Buffer.concat([u32(last), u32(code)])),
    };
    let bytes = Buffer.alloc(0);
    let greeted = false;
    socket.on('error', () => {});
    socket.on('data', (d) => {
      bytes = Buffer.concat([bytes, d]);
      if (!greeted) {
        if (bytes.length < PREFACE.length) return;
        bytes = bytes.subarray(PREFACE.length);
        greeted = true;
        c.settings(this.settings);
        this.greet?.(c);
      }
      while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
        const n = bytes.readUIntBE(0, 3);
        this.#frame(c, bytes[3], bytes[4], bytes.readUInt32BE(5) & 0x7fffffff, bytes.subarray(9, 9 + n));
        bytes = bytes.subarray(9 + n);
      }
    });
  }
  #frame(c, type, flags, id, payload) {
    if (type === FRAME.SETTINGS && !(flags & 1)) c.frame(FRAME.SETTINGS, 1, 0);
    if (type === FRAME.PING && !(flags & 1)) c.frame(FRAME.PING, 1, 0, payload);
    if (type === FRAME.GOAWAY) this.goaway = payload.readUInt32BE(4);
    if (type === FRAME.RST_STREAM) this.reset = payload.readUInt32BE(0);
    if (type === FRAME.DATA && payload.length > 0) {
      c.window(0, payload.length);
      if (!(flags & END_STREAM)) c.window(id, payload.length);
    }
    if ((type === FRAME.DATA || type === FRAME.HEADERS) && flags & END_STREAM) this.guard(() => this.play(this.#call(c, id)));
  }
  #call(c, id) {
    const { stream } = this; // its scene says so: request heads are not unpacked here
    return {
      ...c,
      id,
      stream,
      nth: ++this.requests,
      head(more = [], { status = '200', flags = END_HEADERS } = {}) {
        const named = status === '200' ? Buffer.of(0x88) : Buffer.concat([Buffer.of(0x08), hpackText(status)]);
        c.frame(FRAME.HEADERS, flags, id, Buffer.concat([named, field('content-type', typeOf(stream)), ...more]));
      },
      data(text, flags = 0) {
        c.frame(FRAME.DATA, flags, id, Buffer.from(text, 'utf8'));
      },
      begin() {
        this.head();
        this.data(words(stream)[0]);
      },
      finish() {
        this.data(words(stream)[1], END_STREAM);
      },
      good() {
        this.begin();
        this.finish();
      },
      rst(code) {
        c.frame(FRAME.RST_STREAM, 0, id, u32(code));
      },
    };
  }
}

// ---------------------------------------------------------------------------------- certificates

let shop;
/** Certificates for localhost, each wrong in one way, and one that is right; made when first asked
 *  for: { name: { cert, key } } and the roots to trust. */
export function badCertificates() {
  if (shop !== undefined) return shop;
  const dir = mkdtempSync(path.join(os.tmpdir(), 'queqiao-bad-certs-'));
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
  const ssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const ca = (name) => ssl('req', '-x509', ...ec, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-days', '2',
    '-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
  const GOOD = { san: 'DNS:localhost,IP:127.0.0.1', eku: 'serverAuth' };
  let serial = 0x1000;
  function leaf(name, { san, eku, subject = '/CN=leaf', signer = 'known', from, to }) {
    ssl('req', ...ec, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    writeFileSync(path.join(dir, `${name}.ext`), ['[v3]', san && `subjectAltName=${san}`, eku && `extendedKeyUsage=${eku}`,
      'basicConstraints=CA:FALSE', 'keyUsage=digitalSignature', ''].filter((l) => l !== undefined).join('\n'));
    if (from === undefined) {
      ssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${signer}.pem`, '-CAkey', `${signer}.key`, '-set_serial', String(serial++),
        '-days', '2', '-extfile', `${name}.ext`, '-extensions', 'v3', '-out', `${name}.pem`);
      return;
    }
    // Only `ca` can date a certificate at will; it wants a small household.
    writeFileSync(path.join(dir, 'index.txt'), '');
    writeFileSync(path.join(dir, 'serial'), `${(serial++).toString(16)}\n`);
    writeFileSync(path.join(dir, 'ca.cnf'), ['[ca]', 'default_ca=d', '[d]', 'database=index.txt', 'serial=serial', 'new_certs_dir=.',
      'default_md=sha256', 'policy=p', '[p]', 'commonName=supplied', ''].join('\n'));
    ssl('ca', '-batch', '-config', 'ca.cnf', '-cert', `${signer}.pem`, '-keyfile', `${signer}.key`, '-in', `${name}.csr`,
      '-startdate', from, '-enddate', to, '-extfile', `${name}.ext`, '-extensions', 'v3', '-notext', '-out', `${name}.pem`);
  }
  ca('known');
  ca('unknown');
  leaf('good', GOOD);
  leaf('expired', { ...GOOD, from: '20200101000000Z', to: '20210101000000Z' });
  leaf('not yet valid', { ...GOOD, from: '20900101000000Z', to: '20910101000000Z' });
  leaf('of another name', { ...GOOD, san: 'DNS:example.com' });
  leaf('with a partial wildcard', { ...GOOD, san: 'DNS:local*' });
  leaf('with a wildcard for all', { ...GOOD, san: 'DNS:*' });
  leaf('with the name in its CN only', { eku: 'serverAuth', subject: '/CN=localhost' });
  leaf('with the name in its CN, another in its SAN', { ...GOOD, san: 'DNS:example.com', subject: '/CN=localhost' });
  leaf('for clients only', { ...GOOD, eku: 'clientAuth' });
  leaf('of an unknown CA', { ...GOOD, signer: 'unknown' });
  leaf('signed by a leaf', { ...GOOD, signer: 'good' });
  ssl('req', '-x509', ...ec, '-keyout', 'self-signed.key', '-out', 'self-signed.pem', '-days', '2', '-subj', '/CN=localhost',
    '-addext', `subjectAltName=${GOOD.san}`, '-addext', 'basicConstraints=critical,CA:FALSE');
  const read = (name) => ({ cert: readFileSync(path.join(dir, `${name}.pem`)), key: readFileSync(path.join(dir, `${name}.key`)) });
  const names = ['expired', 'not yet valid', 'of another name', 'with a partial wildcard', 'with a wildcard for all', 'with the name in its CN only',
    'with the name in its CN, another in its SAN', 'for clients only', 'of an unknown CA', 'signed by a leaf', 'self-signed'];
  shop = { roots: path.join(dir, 'known.pem'), good: read('good'), bad: new Map(names.map((n) => [n, read(n)])) };
  return shop;
}

// ------------------------------------------------------------------------------------- a long road

/** TCP passed on to another upstream, so that a scene can spoil a connection under it. */
export class Road extends Listener {
  static async start(to) {
    const s = new Road();
    s.to = to;
    s.pairs = new Set();
    await s.listen(net.createServer({ noDelay: true }, (near) => s.#join(near)), to.tls);
    return s;
  }
  #join(near) {
    if (this.shut) {
      near.resetAndDestroy();
      return;
    }
    const far = net.connect({ port: this.to.port, host: '127.0.0.1', noDelay: true });
    const pair = { near, far };
    this.pairs.add(pair);
    for (const [a, b] of [[near, far], [far, near]]) {
      a.on('error', () => {});
      a.on('data', (d) => pair.dark || b.write(d));
      a.on('end', () => pair.dark || b.end());
      a.on('close', () => {
        this.pairs.delete(pair);
        if (!pair.dark) b.destroy();
      });
    }
  }
  /** From now on nothing passes on the connections that there are; they stay open. */
  darken() {
    for (const p of this.pairs) p.dark = true;
    return this.pairs.size;
  }
  /** All connections break. */
  cut() {
    for (const p of this.pairs) {
      p.near.resetAndDestroy();
      p.far.destroy();
    }
  }
  async stop() {
    for (const p of this.pairs) {
      p.near.destroy();
      p.far.destroy();
    }
    await super.stop();
  }
}
