// Bad input: each kind gets its documented answer in OpenAI's shape, and the process goes on.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Raw, gm, hello, request, stage } from './lib.mjs';

const s = await stage({ play: (req, res) => gm.answer(req, res, 'hi') });
after(() => s.close());

const user = (content) => ({ role: 'user', content });
const M = 'gemini-3.8-flash';

// name, body (text or value), status, param (a path, null, or undefined where any will do)
const BAD = [
  ['no JSON at all', 'hello', 400, null],
  ['an empty body', '', 400, null],
  ['JSON cut short', '{"model":"gemini-3.8-flash","messages":[{"role":"us', 400, null],
  ['DAT-2: bytes after the JSON', '{"model":"x","messages":[]} {}', 400, null],
  ['DAT-2: a comment in the JSON', '{"model":"x"/* */,"messages":[]}', 400, null],
  ['DAT-2: a trailing comma', '{"model":"x","messages":[],}', 400, null],
  ['DAT-2: NaN', '{"model":"x","messages":[],"temperature":NaN}', 400, null],
  ['DAT-2: a lone surrogate', '{"model":"x","messages":[{"role":"user","content":"\\ud800"}]}', 400, null],
  ['DAT-2: bytes that are no UTF-8', Buffer.from('{"model":"x","messages":[{"role":"user","content":"\xff"}]}', 'latin1'), 400, null],
  ['LIM-5: JSON nested too deep', `{"model":"x","messages":${'['.repeat(300)}${']'.repeat(300)}}`, 400, null],
  ['LIM-5: a number of more digits than 256', `{"model":"x","messages":[],"seed":1${'0'.repeat(256)}}`, 400, null],
  ['DAT-2: a member twice', '{"model":"x","model":"y","messages":[]}', 400, 'model'],
  ['DAT-2: a member of a message twice', '{"model":"x","messages":[{"role":"user","role":"system","content":"a"}]}', 400, 'messages[0].role'],
  ['DAT-2: a member of a tool twice', '{"model":"x","messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"a","name":"b"}}]}', 400, 'tools[0].function.name'],
  ['DAT-2: a keyword of a schema twice', '{"model":"x","messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"a","parameters":{"type":"object","properties":{"b":{"type":"string","type":"number"}}}}}]}', 400, 'tools[0].function.parameters.properties.b.type'],
  ['DAT-2: a reference of a schema twice', '{"model":"x","messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"a","parameters":{"type":"object","$defs":{"c":{"type":"string"}},"properties":{"b":{"$ref":"#/$defs/c","$ref":"#/$defs/c"}}}}}]}', 400, 'tools[0].function.parameters.properties.b.$ref'],
  ['DAT-2: a member twice among very many', `{"model":"x","messages":[{"role":"user","content":[{"type":"text",${Array.from({ length: 1000 }, (_, i) => `"x${i}":0,`).join('')}"text":"a","text":"b"}]}]}`, 400, 'messages[0].content[0].text'],
  ['DAT-2: a member twice, spelled in two ways', '{"model":"x","messages":[{"role":"user","content":[{"type":"text","text":"a","t\\u0065xt":"b"}]}]}', 400, 'messages[0].content[0].text'],
  ['an array for a body', [], 400, undefined],
  ['a string for a body', '"hello"', 400, undefined],
  ['no messages', { model: M }, 400, 'messages'],
  ['empty messages', { model: M, messages: [] }, 400, 'messages'],
  ['messages of the wrong type', { model: M, messages: 'hello' }, 400, 'messages'],
  ['a message that is a string', { model: M, messages: ['hello'] }, 400, 'messages[0]'],
  ['no role', { model: M, messages: [{ content: 'hi' }] }, 400, /^messages\[0\]/],
  ['an unknown role', { model: M, messages: [user('a'), user('b'), { role: 'wizard', content: 'c' }] }, 400, /^messages\[2\]/],
  ['content of the wrong type', { model: M, messages: [user('a'), user(7)] }, 400, 'messages[1].content'],
  ['a part of the wrong type', { model: M, messages: [user([5])] }, 400, 'messages[0].content[0]'],
  ['an unknown part', { model: M, messages: [user('a'), user('b'), user('c'), user([{ type: 'hologram' }])] }, 400, /^messages\[3\]\.content\[0\]/],
  ['text of the wrong type', { model: M, messages: [user([{ type: 'text', text: 5 }])] }, 400, /^messages\[0\]\.content\[0\]/],
  ['no model', { messages: hello }, 400, 'model'],
  ['a model of the wrong type', { model: 5, messages: hello }, 400, 'model'],
  ['an empty model', { model: '', messages: hello }, 400, 'model'],
  ['a model that would leave the path', { model: '../../v1/secrets', messages: hello }, 400, 'model'],
  ['a model with a query', { model: 'gemini?key=x', messages: hello }, 400, 'model'],
  ['temperature as text', { model: M, messages: hello, temperature: 'hot' }, 400, 'temperature'],
  ['temperature above 2', { model: M, messages: hello, temperature: 2.5 }, 400, 'temperature'],
  ['temperature below 0', { model: M, messages: hello, temperature: -1 }, 400, 'temperature'],
  ['top_p above 1', { model: M, messages: hello, top_p: 1.5 }, 400, 'top_p'],
  ['max_tokens zero', { model: M, messages: hello, max_tokens: 0 }, 400, 'max_tokens'],
  ['max_tokens negative', { model: M, messages: hello, max_tokens: -5 }, 400, 'max_tokens'],
  ['max_tokens with a fraction', { model: M, messages: hello, max_tokens: 1.5 }, 400, 'max_tokens'],
  ['max_completion_tokens as text', { model: M, messages: hello, max_completion_tokens: '10' }, 400, 'max_completion_tokens'],
  ['DAT-3: a number that no double holds', `{"model":"${M}","messages":[{"role":"user","content":"hi"}],"temperature":1e999}`, 400, undefined],
  ['stream as text', { model: M, messages: hello, stream: 'yes' }, 400, 'stream'],
  ['stop of the wrong type', { model: M, messages: hello, stop: 5 }, 400, 'stop'],
  ['stop with a number in it', { model: M, messages: hello, stop: ['a', 5] }, 400, /^stop/],
  ['n of zero', { model: M, messages: hello, n: 0 }, 400, 'n'],
];

async function holdsShape(r, status, param) {
  assert.equal(r.status, status);
  assert.match(r.headers.get('content-type'), /^application\/json/);
  assert.ok(r.headers.get('x-request-id'));
  const { error, ...rest } = await r.json();
  assert.deepEqual(rest, {});
  assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  assert.ok(typeof error.message === 'string' && error.message.length > 0);
  assert.equal(typeof error.type, 'string');
  assert.ok(error.code === null || typeof error.code === 'string');
  if (param instanceof RegExp) assert.match(error.param, param);
  else if (param !== undefined) assert.equal(error.param, param, error.message);
  return error;
}

for (const [name, body, status, param] of BAD) {
  test(`${name}: ${status}`, async () => {
    const json = typeof body === 'string' ? body : Buffer.isBuffer(body) ? undefined : JSON.stringify(body);
    const r = Buffer.isBuffer(body)
      ? await s.gateway.fetch('/v1/chat/completions', { method: 'POST', body, headers: { 'content-type': 'application/json' } })
      : await s.gateway.fetch('/v1/chat/completions', { json });
    const error = await holdsShape(r, status, param);
    assert.equal(error.type, 'invalid_request_error');
  });
}

test('none of it reached upstream', () => assert.equal(s.upstream.seen.length, 0));

test('null means absent', async () => {
  const r = await s.gateway.chat({
    messages: hello, temperature: null, top_p: null, max_tokens: null, stop: null, stream: null, n: null,
    seed: null, tools: null, response_format: null, user: null,
  });
  assert.equal(r.status, 200, await r.text());
});

test('what Gemini has no counterpart for is named in x-queqiao-ignored', async () => {
  const r = await s.gateway.chat({ messages: hello, logit_bias: { 50256: -100 }, store: true, made_up_field: 1 });
  assert.equal(r.status, 200, await r.clone().text());
  const ignored = r.headers.get('x-queqiao-ignored').split(/, ?/);
  for (const name of ['logit_bias', 'store', 'made_up_field']) assert.ok(ignored.includes(name), `${name} in ${ignored}`);
});

test('an unknown endpoint: 404', async () => {
  for (const target of ['/v1/no/such/thing', '/v1/responses', '/v1/messages', '/v1beta/models/gemini-3.8-flash:generateContent']) {
    const error = await holdsShape(await s.gateway.fetch(target, { json: {} }), 404, undefined);
    assert.equal(error.type, 'invalid_request_error');
    assert.equal(error.code, 'unknown_url');
    for (const words of [target, 'POST /v1/chat/completions', '请把客户端设为 OpenAI']) assert.ok(error.message.includes(words), `${error.message} has ${words}`);
  }
});

test('a wrong method: 405, with Allow', async () => {
  for (const [method, target, takes] of [['GET', '/v1/chat/completions', 'POST'], ['DELETE', '/v1/models', 'GET and POST'],
    ['PUT', '/v1/chat/completions', 'POST'], ['POST', '/v1/models/gemini-3.8-flash', 'GET']]) {
    const r = await s.gateway.fetch(target, { method });
    assert.match(r.headers.get('allow') ?? '', /[A-Z]/, `${method} ${target}`);
    assert.equal((await holdsShape(r, 405, undefined)).message, `this endpoint takes ${takes}`);
  }
});

test('DAT-8: paths that try to climb: 400 or 404, never upstream', async () => {
  for (const target of ['/v1/models/..%2f..%2fsecrets', '/v1/models/%00', '/v1/../v1/models/%2e%2e', '/v1/models/%zz', '/v1/models/a%5cb']) {
    const raw = await Raw.open(s.gateway.port);
    raw.write(request('GET', target));
    const r = await raw.response();
    assert.ok([400, 404].includes(r.status), `${target}: ${r.status}`);
    assert.equal(typeof r.json().error.message, 'string');
    raw.leave();
  }
  for (const seen of s.upstream.seen) assert.ok(!/\.\.|%00|secrets/.test(seen.url), seen.url);
});

test('DAT-7: a compressed body: 415', async () => {
  const r = await s.gateway.fetch('/v1/chat/completions', { json: { model: M, messages: hello }, headers: { 'content-encoding': 'gzip' } });
  await holdsShape(r, 415, undefined);
});

test('SEC-2: a message that shows the key or a Bearer token is never built from upstream\'s words', async () => {
  const own = await stage({
    play: (req, res) => gm.error(res, 403, 'PERMISSION_DENIED', `Consumer api_key:${req.headers['x-goog-api-key']} AIzaSyA-0123456789abcdefghijklmnopqrstuv Bearer sk-abcdef0123456789 has been suspended.`),
  });
  try {
    const r = await own.gateway.chat({ messages: hello });
    const text = await r.text();
    assert.equal(r.status, 403);
    assert.ok(!/AIzaSyA-0123|sk-abcdef|emulated-key/.test(text), text);
  } finally {
    await own.close();
  }
});

// What upstream may answer instead of an answer: status, type, body.
const STRANGE = [
  ['HTML from the front end', 502, 'text/html', '<html><h1>502 Bad Gateway</h1></html>', [502]],
  ['an array with one error', 400, 'application/json', '[{"error":{"code":400,"message":"Bad thing.","status":"INVALID_ARGUMENT"}}]', [400]],
  ['an error cut short', 400, 'application/json', '{"error":{"code":400,"mess', [400]],
  ['nothing', 200, 'application/json', '', [502]],
  ['an answer that is no object', 200, 'application/json', '[1,2,3]', [502]],
  ['an answer that is no JSON', 200, 'application/json', '<html>', [502]],
  ['an empty object', 200, 'application/json', '{}', [502]],
  ['a redirect', 302, 'text/html', 'elsewhere', [502]],
];
for (const [name, status, type, text, want] of STRANGE) {
  test(`H1-11: upstream answers ${name}: a clear error, never a success`, async () => {
    const own = await stage({
      play(req, res) {
        res.writeHead(status, { 'content-type': type, ...(status === 302 && { location: 'http://127.0.0.1:1/' }) });
        res.end(text);
      },
    });
    try {
      for (const stream of [false, true]) {
        const r = await own.gateway.chat({ messages: hello, stream });
        if (stream && r.status === 200) {
          const body = await r.text();
          assert.match(body, /data: \{"error":/);
          assert.doesNotMatch(body, /\[DONE\]/);
        } else {
          await holdsShape(r, want[0], undefined);
        }
      }
      assert.ok(await own.gateway.well());
    } finally {
      await own.close();
    }
  });
}

test('upstream that nobody listens on: 502', async () => {
  const own = await stage({ play: (req, res) => gm.answer(req, res, 'hi') });
  await own.upstream.stop();
  try {
    await holdsShape(await own.gateway.chat({ messages: hello }), 502, undefined);
    assert.ok(await own.gateway.well());
  } finally {
    await own.gateway.stop();
  }
});

test('the process is well after all of this', async () => assert.ok(await s.gateway.well()));
