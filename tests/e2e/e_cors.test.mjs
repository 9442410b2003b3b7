// Browsers: front-ends that call the gateway from a page of their own.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Gateway, Scripted, TOKEN, gm, hello } from './lib.mjs';

const upstream = await Scripted.start((req, res) => gm.answer(req, res, 'hi'));
const g = await Gateway.start({ upstream });
after(async () => {
  await g.stop();
  await upstream.stop();
});

const STAINLESS = ['x-stainless-arch', 'x-stainless-lang', 'x-stainless-os', 'x-stainless-package-version',
  'x-stainless-retry-count', 'x-stainless-runtime', 'x-stainless-runtime-version', 'x-stainless-timeout'];
const preflight = (target, ask, origin = 'https://app.example') =>
  g.fetch(target, { method: 'OPTIONS', token: null, headers: {
    origin, 'access-control-request-method': 'POST', ...(ask && { 'access-control-request-headers': ask }) } });

test('preflight needs no token and allows every header that the SDKs send', async () => {
  for (const target of ['/v1/chat/completions', '/v1/models', '/chat/completions', '/v1/models/gemini-3.8-flash', '/health']) {
    for (const ask of [['authorization', 'content-type', ...STAINLESS].join(','), undefined]) {
      const r = await preflight(target, ask);
      assert.equal(r.status, 204, target);
      assert.equal(r.headers.get('access-control-allow-origin'), '*');
      assert.equal(r.headers.get('access-control-allow-credentials'), null);
      assert.match(r.headers.get('access-control-allow-methods'), /POST/);
      const allowed = r.headers.get('access-control-allow-headers').toLowerCase().split(/\s*,\s*/);
      for (const h of ['authorization', 'content-type', ...STAINLESS]) assert.ok(allowed.includes(h), h);
      assert.ok(Number(r.headers.get('access-control-max-age')) > 0);
    }
  }
});

test('WEB-2, WEB-5: answers, errors and streams carry the same permission, and their type', async () => {
  const answers = [
    await g.chat({ messages: hello }, { headers: { origin: 'https://app.example' } }),
    await g.chat({ messages: hello, stream: true }, { headers: { origin: 'https://app.example' } }),
    await g.chat({ messages: [] }, { headers: { origin: 'https://app.example' } }),
    await g.fetch('/v1/models', { token: 'wrong', headers: { origin: 'https://app.example' } }),
    await g.fetch('/v1/models', { headers: { origin: 'https://app.example' } }),
    await g.fetch('/nothing', { headers: { origin: 'https://app.example' } }),
  ];
  assert.deepEqual(answers.map((r) => r.status), [200, 200, 400, 401, 200, 404]);
  for (const r of answers) {
    assert.equal(r.headers.get('access-control-allow-origin'), '*', r.url);
    assert.equal(r.headers.get('access-control-allow-credentials'), null);
    assert.match(r.headers.get('content-type'), /^(application\/json|text\/event-stream)\b/);
    assert.match(r.headers.get('cache-control') ?? 'none', /no-store/, `${r.url}: ${r.status}`);
    assert.equal(r.headers.get('x-content-type-options'), 'nosniff');
    assert.match(r.headers.get('access-control-expose-headers'), /x-queqiao-ignored/i);
    await r.text();
  }
});

test('WEB-5: a hostile list of headers is not echoed', async () => {
  const r = await preflight('/v1/models', 'x-ok, <script>alert(1)</script>');
  assert.ok(!(r.headers.get('access-control-allow-headers') ?? '').includes('<'));
});

test('WEB-5: a list of origins: only those, named, never reflected', async () => {
  const own = await Gateway.start({ upstream, env: { QUEQIAO_CORS: 'https://a.example, https://b.example' } });
  try {
    for (const [origin, allowed] of [['https://a.example', true], ['https://b.example', true], ['https://evil.example', false], ['https://a.example.evil', false]]) {
      const r = await own.fetch('/v1/models', { headers: { origin } });
      assert.equal(r.headers.get('access-control-allow-origin'), allowed ? origin : null, origin);
      assert.match(r.headers.get('vary') ?? '', /origin/i);
    }
  } finally {
    await own.stop();
  }
});

test('WEB-5: CORS off: no such header at all', async () => {
  const own = await Gateway.start({ upstream, env: { QUEQIAO_CORS: 'off' } });
  try {
    const r = await own.fetch('/v1/models', { token: TOKEN, headers: { origin: 'https://a.example' } });
    assert.equal(r.headers.get('access-control-allow-origin'), null);
  } finally {
    await own.stop();
  }
});

test('WEB-1, WEB-2: pages of our own let a browser do nothing that they do not need', async () => {
  const evil = '"><script>alert(1)</script>';
  for (const [target, options] of [['/doctor', {}], [`/doctor?model=${encodeURIComponent(evil)}`, {}], ['/doctor', { token: null }],
    ['/metrics', {}], ['/doctor/style.css', { token: null }], ['/doctor/stream', {}]]) {
    const r = await g.fetch(target, { ...options, headers: { accept: 'text/html', origin: 'https://app.example' } });
    const policy = r.headers.get('content-security-policy');
    for (const part of ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"])
      assert.ok(policy?.includes(part), `${target}: ${policy}`);
    assert.doesNotMatch(policy, /script-src|unsafe|\*/);
    assert.equal(r.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(r.headers.get('referrer-policy'), 'no-referrer');
    assert.equal(r.headers.get('cross-origin-opener-policy'), 'same-origin');
    assert.equal(r.headers.get('cross-origin-resource-policy'), 'same-origin');
    assert.match(r.headers.get('permissions-policy'), /camera=\(\)/);
    assert.match(r.headers.get('cache-control'), /^(no-cache, )?no-store$/);
    assert.equal(r.headers.get('access-control-allow-origin'), null);
    assert.equal(r.headers.get('set-cookie'), null);
    const page = await r.text();
    assert.doesNotMatch(page, /<script|\son[a-z]+=|javascript:|style=|https?:\/\/[^"'<\s]*\.(js|css)/i, target);
  }
});
