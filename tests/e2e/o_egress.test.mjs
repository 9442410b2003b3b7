// Ways out: HTTP CONNECT and SOCKS5 proxies, several of them, one for a key; refused locations.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Child, BIN, Gateway, KEY, SLOW, Scripted, UPSTREAM, certificates, gather, gm, hello, until } from './lib.mjs';
import { Proxy } from './proxies.mjs';

const TLS = UPSTREAM === 'tls';
// A name that nobody resolves: whoever reaches it did so through a proxy that was told the name.
const URL_OF_UPSTREAM = TLS ? 'https://gemini.test' : 'http://gemini.test';
const PORT = TLS ? 443 : 80;
const VARIABLE = TLS ? 'HTTPS_PROXY' : 'ALL_PROXY';
const SECRET = 'CANARY-p%40ss%3Aword';
const GONE = [1, 2].map((port) => ({ name: `http://127.0.0.1:${port}`, url: `http://127.0.0.1:${port}` })); // ports that nobody listens on

const well = (req, res) => (req.url.includes('/models?') ? gm.json(res, { models: [{ name: 'models/gemini-3.8-flash', supportedGenerationMethods: ['generateContent'] }] })
  : gm.answer(req, res, 'hi'));
const refuses = (req, res) => gm.error(res, 400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.');

/** Upstreams, proxies and a gateway; whatever was started ends with the scene. */
async function scene(run) {
  const ends = [];
  const s = {
    async upstream(play = well) {
      const u = await Scripted.start(play);
      ends.push(() => u.stop());
      return u;
    },
    async proxy(options) {
      const p = await Proxy.start(options);
      ends.push(() => p.stop());
      return p;
    },
    async gateway(ways, env = {}) {
      const g = await Gateway.start({
        env: {
          GEMINI_BASE_URL: URL_OF_UPSTREAM, QUEQIAO_DNS_TIMEOUT: '500ms', QUEQIAO_WORKERS: '1',
          SSL_CERT_FILE: certificates().ca,
          ...(ways.length > 0 && { [VARIABLE]: ways.map((w) => w.url ?? w).join(', ') }),
          ...env,
        },
      });
      ends.push(async () => {
        await g.stop();
        assert.doesNotMatch(g.stderr + g.stdout, /CANARY/);
      });
      return g;
    },
    file(text) {
      const dir = mkdtempSync(path.join(os.tmpdir(), 'queqiao-egress-'));
      ends.push(() => rmSync(dir, { recursive: true }));
      const name = path.join(dir, 'keys');
      writeFileSync(name, text, { mode: 0o600 });
      return name;
    },
  };
  try {
    await run(s);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

async function served(g, body = {}) {
  const r = await g.chat({ messages: hello, ...body });
  const text = await r.text();
  assert.equal(r.status, 200, text);
  return text;
}

async function fails(g, status, pattern) {
  const r = await g.chat({ messages: hello });
  const text = await r.text();
  assert.equal(r.status, status, text);
  assert.match(JSON.parse(text).error.message, pattern);
  return text;
}

for (const kind of ['http', 'https', 'socks5'])
  for (const login of [undefined, `me:${SECRET}`])
    test(`${kind}${login ? ' with user and password' : ''}: whole and streamed; the name goes to the proxy`, () => scene(async (s) => {
      const to = await s.upstream();
      const proxy = await s.proxy({ kind, to, login });
      const g = await s.gateway([proxy]);
      await served(g);
      assert.match((await g.said(/ev=exchange .*/))[0], new RegExp(`way=${proxy.name} `));
      await g.said(new RegExp(`ev=ways .*requests leave by ${proxy.name}`));
      const stream = await gather(await g.chat({ messages: hello, stream: true }));
      assert.equal(stream.text, 'hi');
      assert.ok(stream.done);
      assert.deepEqual(proxy.asked, [{
        host: 'gemini.test', port: PORT, login: login && 'me:CANARY-p@ss:word',
        ...(kind === 'socks5' && { type: 3 }),
      }]); // one tunnel carries both
      assert.ok(to.seen.every((r) => (r.headers.host ?? r.headers[':authority']) === 'gemini.test'));
      assert.ok(to.seen.every((r) => !('proxy-authorization' in r.headers)));
    }));

for (const kind of ['http', 'socks5'])
  test(`${kind}: a wrong password is told, and is no fault of the key`, () => scene(async (s) => {
    const to = await s.upstream();
    const proxy = await s.proxy({ kind, to, login: 'me:right' });
    const g = await s.gateway([`${kind}://me:CANARY@127.0.0.1:${proxy.port}`]);
    await fails(g, 502, /the proxy refuses the user or the password/);
    assert.deepEqual(proxy.logins, ['me:CANARY']); // once: it does not become right by itself
    await g.said(new RegExp(`ev=egress way=${proxy.name} state=failing why=".*the proxy refuses the user`));
    proxy.login = 'me:CANARY';
    await served(g);
    await g.said(/ev=egress way=\S+ state=well/);
  }));

test('https: a proxy whose certificate is not trusted is told, and sees no password', () => scene(async (s) => {
  const to = await s.upstream();
  const proxy = await s.proxy({ kind: 'https', to, login: 'me:CANARY' });
  const g = await s.gateway([proxy], { SSL_CERT_FILE: '' });
  await fails(g, 502, /upstream failed \(proxy, upstream\): .*certificate/);
  assert.equal(proxy.logins.length, 0);
}));

test('large bodies, both ways, through TLS within TLS', () => scene(async (s) => {
  const big = 'x'.repeat(3 << 20);
  const to = await s.upstream((req, res, body) => gm.answer(req, res, `${body.contents[0].parts[0].text.length} ${big}`));
  const proxy = await s.proxy({ kind: 'https', to });
  const g = await s.gateway([proxy]);
  const answers = await Promise.all([1, 2, 3].map((n) => served(g, { messages: [{ role: 'user', content: big.slice(n) }], stream: n === 2 })));
  answers.forEach((a, i) => assert.ok(a.includes(`${big.length - i - 1} ${big}`)));
}));

test('a proxy that nobody asked for a login asks for one', () => scene(async (s) => {
  const to = await s.upstream();
  for (const kind of ['http', 'socks5']) {
    const proxy = await s.proxy({ kind, to, login: 'me:right' });
    const g = await s.gateway([proxy.name]);
    await fails(g, 502, /the proxy asks for a user and a password/);
  }
}));

const MOODS = [
  ['http', 503, 'answers 503'],
  ['http', 'silent', 'says nothing'],
  ['http', 'cuts', 'hangs up inside the tunnel'],
  ['socks5', 4, 'cannot reach the host'],
  ['socks5', 'silent', 'says nothing'],
  ['socks5', 'cuts', 'hangs up inside the tunnel'],
  ...(TLS ? [['http', 'mute', 'swallows what it is given']] : []), // without TLS only upstream's answer is missing
];
for (const [kind, mood, what] of MOODS)
  test(`a ${kind} proxy that ${what}: the next one is taken, and stayed with`, () => scene(async (s) => {
    const to = await s.upstream();
    const bad = await s.proxy({ kind, to, mood });
    const good = await s.proxy({ to });
    const g = await s.gateway([bad, good], { QUEQIAO_CONNECT_TIMEOUT: SLOW ? '5s' : '3s' }); // the good one must be quicker
    await served(g);
    await g.said(new RegExp(`ev=egress way=${bad.name} state=failing next=${good.name} why=`));
    const before = bad.asked.length;
    for (let i = 0; i < 5; i++) await served(g);
    assert.equal(bad.asked.length, before);
    assert.equal(good.asked.length, 1);
    assert.equal(to.seen.length, 6);
  }));

test('a proxy that is not there, a name that there is not, and direct: all are tried', () => scene(async (s) => {
  const to = await s.upstream();
  const gone = GONE[0];
  const good = await s.proxy({ to, kind: 'socks5' });
  const g = await s.gateway([gone, 'http://no-such-proxy.invalid:3128', 'direct', good]);
  await served(g);
  for (const name of [gone.name, 'http://no-such-proxy.invalid:3128', 'direct'])
    await g.said(new RegExp(`ev=egress way=${name} state=failing`));
  assert.equal(good.asked.length, 1);
}));

test('LIM-18: one try asks eight ways, and not a ninth', () => scene(async (s) => {
  const to = await s.upstream();
  const good = await s.proxy({ to });
  const bad = [];
  for (let i = 0; i < 8; i++) bad.push(await s.proxy({ to, mood: 502 }));
  const asked = () => bad.filter((p) => p.asked.length > 0).length;
  await served(await s.gateway([...bad.slice(1), good], { QUEQIAO_ATTEMPTS: '1' }));
  assert.equal(asked(), 7);
  for (const p of bad) p.asked.length = 0;
  const r = await (await s.gateway([...bad, good], { QUEQIAO_ATTEMPTS: '1' })).chat({ messages: hello });
  assert.equal(r.status, 502, await r.text());
  assert.equal(asked(), 8);
  assert.equal(good.asked.length, 1);
}));

// Upstream's model stops after a word; going on is a request of its own, with tries of its own.
test('an answer that goes on after ways had failed: what it goes on with is tried as often as any', () => scene(async (s) => {
  let goes = 0;
  const to = await s.upstream((req, res, body) => {
    if (body.continuationToken !== undefined && ++goes === 1) {
      gm.error(res, 503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.');
      return;
    }
    gm.head(res);
    const chunk = gm.chunk(body.continuationToken === undefined ? 'one ' : 'two', { finish: goes > 0 ? 'STOP' : 'CONTINUATION' });
    if (goes === 0) chunk.candidates[0].continuationToken = btoa('1');
    gm.event(res, chunk);
    res.end();
  });
  const good = await s.proxy({ to });
  const g = await s.gateway([...GONE, good]);
  const { text, done } = await gather(await g.chat({ model: 'gemini-4-argon', messages: hello, max_completion_tokens: 200000, stream: true }));
  assert.equal(text, 'one two');
  assert.ok(done);
  assert.equal(to.seen.length, 3);
}));

test('when no way leads to upstream the client is told, and the next request tries again', () => scene(async (s) => {
  const to = await s.upstream();
  const one = await s.proxy({ to, mood: 502 });
  const two = await s.proxy({ to, mood: 503 });
  const g = await s.gateway([one, two], { QUEQIAO_ATTEMPTS: '1' });
  await fails(g, 502, /the proxy cannot reach upstream.*HTTPS_PROXY.*请在 HTTPS_PROXY/);
  assert.deepEqual([one.asked.length, two.asked.length], [1, 1]);
  two.mood = 'well';
  await served(g);
}));

test('a tunnel that dies while it is idle costs nobody an error', () => scene(async (s) => {
  const to = await s.upstream();
  const proxy = await s.proxy({ to });
  const g = await s.gateway([proxy]);
  await served(g);
  for (const socket of proxy.sockets) socket.destroy();
  await served(g);
  assert.equal(proxy.asked.length, 2);
}));

test('a refused location: the way is left, not the key, and the log says so once', () => scene(async (s) => {
  const china = await s.upstream(refuses);
  const japan = await s.upstream();
  const one = await s.proxy({ to: china });
  const two = await s.proxy({ to: japan, kind: 'socks5' });
  const g = await s.gateway([one, two], { QUEQIAO_ATTEMPTS: '1' });
  for (const stream of [false, true, false]) await served(g, { stream });
  assert.equal(china.seen.length, 1);
  assert.equal(japan.seen.length, 3);
  assert.ok(japan.seen.every((r) => r.headers['x-goog-api-key'] === KEY));
  await g.said(new RegExp(`ev=egress way=${one.name} state=refused next=${two.name} why="User location is not supported`));
  assert.equal(g.stderr.match(/ev=egress/g).length, 1);
}));

test('refused everywhere: 403 says that it is every way; each request asks one of them again', () => scene(async (s) => {
  const china = await s.upstream(refuses);
  const one = await s.proxy({ to: china });
  const two = await s.proxy({ to: china });
  const g = await s.gateway([one, two]);
  const text = await fails(g, 403, /refuses the location of every way out of this server \(2\): User location/);
  assert.doesNotMatch(text, /127\.0\.0\.1/); // where the ways are is nobody's business
  assert.equal(china.seen.length, 2);
  await fails(g, 403, /every way out/);
  assert.equal(china.seen.length, 3);
  china.play = well;
  await served(g);
  await served(g);
}));

test('a single way: what upstream says is told as it is, and it is asked each time', () => scene(async (s) => {
  const china = await s.upstream(refuses);
  const one = await s.proxy({ to: china });
  const g = await s.gateway([one]);
  for (let i = 0; i < 2; i++) await fails(g, 403, /^User location is not supported.*HTTPS_PROXY.*换 key 没有用/);
  assert.equal(china.seen.length, 2);
}));

test('a key with a way of its own uses that alone; the others use everybody\'s', () => scene(async (s) => {
  const shared = await s.upstream();
  const own = await s.upstream();
  const common = await s.proxy({ to: shared });
  const special = await s.proxy({ to: own, kind: 'socks5', login: `me:${SECRET}` });
  const file = s.file(`# two keys\nkey-without-way-0001\n  key-with-a-way-0002\t${special.url}  \n`);
  const g = await s.gateway([common], { GEMINI_API_KEY: '', GEMINI_API_KEYS_FILE: file });
  for (let i = 0; i < 6; i++) await served(g, { messages: [{ role: 'user', content: `conversation ${i} ${'x'.repeat(i)}` }] });
  const keys = (u) => new Set(u.seen.map((r) => r.headers['x-goog-api-key']));
  await until('both keys to be used', async () => {
    if (shared.seen.length > 0 && own.seen.length > 0) return true;
    await served(g, { messages: [{ role: 'user', content: `${Math.random()}` }] });
    return false;
  });
  assert.deepEqual([...keys(shared)], ['key-without-way-0001']);
  assert.deepEqual([...keys(own)], ['key-with-a-way-0002']);
}));

test('a key whose own way is refused or dead: another key answers, and its own is left alone', () => scene(async (s) => {
  const shared = await s.upstream();
  const china = await s.upstream(refuses);
  const common = await s.proxy({ to: shared });
  for (const mood of ['well', 502]) {
    const special = await s.proxy({ to: china, mood });
    const file = s.file(`key-with-a-way-0002 ${special.url}\nkey-without-way-0001\n`);
    const g = await s.gateway([common], { GEMINI_API_KEY: '', GEMINI_API_KEYS_FILE: file, QUEQIAO_ATTEMPTS: '1' });
    for (let i = 0; i < 12; i++) await served(g, { messages: [{ role: 'user', content: `conversation ${i}` }] });
    assert.ok(special.asked.length <= 2, `${special.asked.length}`);
    assert.equal((await (await g.fetch('/v1/models')).json()).data.length, 1); // upstream's list, by the other key
  }
  assert.ok(shared.seen.every((r) => r.headers['x-goog-api-key'] === 'key-without-way-0001'));
}));

test('everybody\'s way is refused: a key with one of its own still answers', () => scene(async (s) => {
  const china = await s.upstream(refuses);
  const japan = await s.upstream();
  const common = await s.proxy({ to: china });
  const special = await s.proxy({ to: japan });
  const file = s.file(`key-without-way-0001\nkey-with-a-way-0002 ${special.url}\n`);
  const g = await s.gateway([common], { GEMINI_API_KEY: '', GEMINI_API_KEYS_FILE: file, QUEQIAO_ATTEMPTS: '1' });
  for (let i = 0; i < 8; i++) await served(g, { messages: [{ role: 'user', content: `conversation ${i}` }] });
  assert.ok(china.seen.length <= 1);
}));

test('a client\'s own key goes everybody\'s ways, and moves on among them', () => scene(async (s) => {
  const china = await s.upstream(refuses);
  const japan = await s.upstream();
  const g = await s.gateway([await s.proxy({ to: china }), await s.proxy({ to: japan })], { GEMINI_API_KEY: '', AUTH_TOKEN: '' });
  const r = await g.chat({ messages: hello }, { token: 'a-clients-own-key-000' });
  assert.equal(r.status, 200, await r.text());
  assert.equal(japan.seen[0].headers['x-goog-api-key'], 'a-clients-own-key-000');
}));

test('the list of models takes the same ways', () => scene(async (s) => {
  const china = await s.upstream(refuses);
  const japan = await s.upstream();
  const dead = await s.proxy({ to: japan, mood: 403 });
  const g = await s.gateway([dead, await s.proxy({ to: china }), await s.proxy({ to: japan })]);
  const list = await (await g.fetch('/v1/models')).json();
  assert.deepEqual(list.data.map((m) => m.id), ['gemini-3.8-flash']);
  assert.deepEqual([dead.asked.length, china.seen.length, japan.seen.length], [1, 1, 1]);
}));

test('/health counts the ways, /metrics and /doctor tell how each of them is', () => scene(async (s) => {
  const china = await s.upstream(refuses);
  const japan = await s.upstream();
  const one = await s.proxy({ to: china, login: `me:${SECRET}` });
  const two = await s.proxy({ to: japan, mood: 502 });
  const three = await s.proxy({ to: japan, kind: 'socks5' });
  const g = await s.gateway([one, two, three, 'direct']);
  await served(g);
  const health = await (await g.fetch('/health', { token: null })).json();
  assert.deepEqual([health.ways_out, health.ways_out_well], [4, 2]);
  const metrics = await (await g.fetch('/metrics')).text();
  const page = await (await g.fetch('/doctor?format=json')).text();
  for (const line of [
    `queqiao_egress_up{place="1",way="${one.name}"} 0`, `queqiao_egress_up{place="3",way="${three.name}"} 1`,
    `queqiao_egress_in_use{place="3",way="${three.name}"} 1`,
    `queqiao_egress_failures_total{place="1",way="${one.name}",reason="refused"} 1`,
    `queqiao_egress_failures_total{place="2",way="${two.name}",reason="failing"} 1`,
  ]) assert.ok(metrics.includes(`${line}\n`), `${line} in ${metrics.match(/queqiao_egress.*/g).join('\n')}`);
  const found = (id) => JSON.parse(page).findings.filter((f) => f.id === id).map((f) => f.subject);
  assert.deepEqual(found('way-resting'), [one.name, two.name]);
  assert.deepEqual(found('proxy-ok'), [three.name]);
  assert.deepEqual(found('way-refused'), [one.name]);
  assert.deepEqual(found('way-failed'), [two.name, 'direct']);
  assert.equal(found('key-ok').length, 1);
  assert.doesNotMatch(metrics + page, /CANARY/);
}));

test('NO_PROXY, an upstream on this machine, and the other variable: no proxy is asked', () => scene(async (s) => {
  const to = await s.upstream();
  const proxy = await s.proxy({ to });
  const local = { GEMINI_BASE_URL: to.url };
  const rows = [
    [{ NO_PROXY: 'example.com,.test' }, 502], // and nobody resolves the name
    [{ no_proxy: '*' }, 502],
    [local, 200],
    ...(TLS ? [] : [[{ ALL_PROXY: '', HTTPS_PROXY: proxy.url }, 502]]),
  ];
  for (const [env, status] of rows) {
    const g = await s.gateway([proxy], env);
    const r = await g.chat({ messages: hello });
    assert.equal(r.status, status, await r.text());
  }
  assert.equal(proxy.asked.length, 0);
  const own = await s.gateway([], { ...local, GEMINI_API_KEY: `${KEY} ${proxy.url}` });
  await served(own); // what a key says of itself holds everywhere
  assert.equal(proxy.asked.length, 1);
}));

test('the small spelling counts; the environment does not keep the password', () => scene(async (s) => {
  const to = await s.upstream();
  const proxy = await s.proxy({ to, login: 'me:CANARY' });
  const g = await s.gateway([], { [VARIABLE.toLowerCase()]: proxy.url });
  await served(g);
  assert.doesNotMatch(readFileSync(`/proc/${g.pid}/environ`, 'latin1'), /CANARY/);
}));

test('SIGHUP: a key\'s new way is taken, and what is running ends on the old one', () => scene(async (s) => {
  const old = await s.upstream();
  const fresh = await s.upstream();
  const one = await s.proxy({ to: old });
  const two = await s.proxy({ to: fresh });
  const file = s.file(`key-0001-0001-0001 ${one.url}\n`);
  const g = await s.gateway([], { GEMINI_API_KEY: '', GEMINI_API_KEYS_FILE: file });
  await served(g);
  writeFileSync(file, `key-0001-0001-0001 ${two.url}\n`);
  g.signal('SIGHUP');
  await g.said(/ev=reload/);
  await served(g);
  writeFileSync(file, 'key-0001-0001-0001 socks5://me:CANARY@nowhere:0\n');
  g.signal('SIGHUP');
  await g.said(/refused, everything stays as it was: behind the Gemini API key number 1 stands something that is no proxy/);
  await served(g);
  assert.deepEqual([old.seen.length, fresh.seen.length], [1, 2]);
}));

test('a proxy that cannot be understood: no start, and a line without its password', async () => {
  const rows = [
    [{ [VARIABLE]: 'good:1,ftp://me:CANARY@proxy' }, `${VARIABLE}: entry 2 has a scheme other than http, https and socks5`],
    [{ [VARIABLE]: 'socks4://me:CANARY@proxy' }, 'is SOCKS4'],
    [{ [VARIABLE]: 'http://me:CANARY@proxy:99999' }, 'has no valid host and port'],
    [{ GEMINI_API_KEY: 'CANARY-key ftp://me:CANARY@proxy' }, 'behind the Gemini API key number 1'],
  ];
  for (const [env, what] of rows) {
    const child = new Child(BIN, ['--check-config'], { GEMINI_BASE_URL: URL_OF_UPSTREAM, ...env });
    const end = await child.ended;
    assert.equal(end.code, 1);
    assert.ok(child.stderr.includes(what), child.stderr);
    assert.doesNotMatch(child.stderr + child.stdout, /CANARY/);
  }
});
