// proxies.mjs - proxies that a scene plays with: HTTP CONNECT and SOCKS5, of every temper.
//
// A proxy knows where to go by its own: whatever name it is asked for, it connects to `to`. So upstream
// has a name that no resolver knows, and a scene sees that the name came through.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { certificates } from './lib.mjs';

export class Proxy {
  /** kind: 'http', 'https' (the same over TLS) or 'socks5'. to: an upstream of lib.mjs. login: 'user:password' or undefined. mood:
   *  'well', 'silent' (takes the connection and says nothing), 'mute' (opens the tunnel and passes
   *  nothing on), 'cuts' (opens it and hangs up at the first byte), or an HTTP status or a reply of
   *  SOCKS5 to refuse with. */
  static async start({ kind = 'http', to, login, mood = 'well' } = {}) {
    const p = new Proxy();
    Object.assign(p, { kind, to, login, mood });
    p.asked = []; // { host, port, login, type } of each tunnel that was asked for
    p.logins = []; // of each greeting, whatever became of it
    p.sockets = new Set();
    const serve = (s) => p.#serve(s);
    p.server = kind === 'https' ? tls.createServer({ cert: readFileSync(certificates().cert), key: readFileSync(certificates().key) }, serve)
      : net.createServer(serve);
    p.server.on('tlsClientError', () => {}).listen(0, '127.0.0.1');
    p.server.unref();
    await once(p.server, 'listening');
    p.port = p.server.address().port;
    p.url = `${kind}://${login === undefined ? '' : `${login}@`}127.0.0.1:${p.port}`;
    p.name = `${kind}://127.0.0.1:${p.port}`;
    return p;
  }
  stop() {
    for (const s of this.sockets) s.destroy();
    this.server.close();
  }
  get wanted() {
    return this.login === undefined ? undefined : this.login.split(':').map(decodeURIComponent).join(':');
  }
  #keep(s) {
    this.sockets.add(s);
    s.on('error', () => {});
    s.on('close', () => this.sockets.delete(s));
  }
  async #serve(s) {
    this.#keep(s);
    if (this.mood === 'silent') return;
    const reader = new Reader(s);
    try {
      await (this.kind === 'socks5' ? this.#socks(s, reader) : this.#http(s, reader));
    } catch {
      s.destroy();
    }
  }
  async #http(s, reader) {
    const head = (await reader.until('\r\n\r\n')).toString('latin1');
    const [, host, port] = /^CONNECT (\S+):(\d+) HTTP\/1\.1\r\n/.exec(head);
    const basic = /\r\nProxy-Authorization: Basic (\S+)\r\n/i.exec(head)?.[1];
    const login = basic && Buffer.from(basic, 'base64').toString();
    this.logins.push(login);
    if (login !== this.wanted) {
      s.end('HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 2\r\n\r\nno');
      return;
    }
    this.asked.push({ host, port: Number(port), login });
    if (typeof this.mood === 'number') s.end(`HTTP/1.1 ${this.mood} No\r\nContent-Length: 0\r\n\r\n`);
    else await this.#join(s, reader, 'HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n');
  }
  async #socks(s, reader) {
    const [version, n] = await reader.exactly(2);
    const methods = [...await reader.exactly(n)];
    if (version !== 5) throw new Error('no SOCKS5');
    const method = this.login === undefined ? 0 : 2;
    s.write(Buffer.from([5, methods.includes(method) ? method : 255]));
    if (!methods.includes(method)) return;
    let login;
    if (method === 2) {
      await reader.exactly(1);
      const user = await reader.exactly((await reader.exactly(1))[0]);
      const password = await reader.exactly((await reader.exactly(1))[0]);
      login = `${user}:${password}`;
      this.logins.push(login);
      s.write(Buffer.from([1, login === this.wanted ? 0 : 1]));
      if (login !== this.wanted) return;
    }
    const [, , , type] = await reader.exactly(4);
    const raw = await reader.exactly(type === 1 ? 4 : type === 4 ? 16 : (await reader.exactly(1))[0]);
    const port = (await reader.exactly(2)).readUInt16BE();
    this.asked.push({ host: type === 3 ? raw.toString() : raw.join('.'), port, login, type });
    if (typeof this.mood === 'number') s.end(Buffer.from([5, this.mood, 0, 1, 0, 0, 0, 0, 0, 0]));
    else await this.#join(s, reader, Buffer.from([5, 0, 0, 3, 4, ...Buffer.from('name'), 0, 80]));
  }
  async #join(s, reader, hello) {
    if (this.mood === 'cuts' || this.mood === 'mute') {
      s.write(hello);
      if (this.mood === 'cuts') await reader.exactly(1), s.destroy();
      return;
    }
    const far = net.connect(this.to.port, '127.0.0.1');
    this.#keep(far);
    await once(far, 'connect');
    s.write(hello);
    far.write(reader.rest());
    s.pipe(far).pipe(s);
    s.on('close', () => far.destroy());
    far.on('close', () => s.destroy());
  }
}

/** Bytes of a socket, as many as one asks for. */
class Reader {
  constructor(s) {
    this.s = s;
    this.bytes = Buffer.alloc(0);
    this.wake = () => {};
    this.take = (d) => {
      this.bytes = Buffer.concat([this.bytes, d]);
      this.wake();
    };
    s.on('data', this.take);
    s.on('close', () => {
      this.over = true;
      this.wake();
    });
  }
  async #more() {
    if (this.over) throw new Error('closed');
    await new Promise((r) => (this.wake = r));
  }
  async exactly(n) {
    while (this.bytes.length < n) await this.#more();
    const out = this.bytes.subarray(0, n);
    this.bytes = this.bytes.subarray(n);
    return out;
  }
  async until(mark) {
    while (this.bytes.indexOf(mark) < 0) await this.#more();
    return this.exactly(this.bytes.indexOf(mark) + mark.length);
  }
  rest() {
    this.s.off('data', this.take);
    return this.bytes;
  }
}
