// The emulated Gemini itself: what every other scene leans on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { after, test } from 'node:test';
import { Emulator, KEY, certificates, deadline, haveEmulator, until } from './lib.mjs';

const opts = { skip: haveEmulator };
const e = haveEmulator ? null : await Emulator.start();
// Kept alive: to `connection: close` a client's end is no farewell.
const agent = new http.Agent({ keepAlive: true });
const session = e?.tls ? http2.connect(`https://127.0.0.1:${e.port}`, { ca: readFileSync(certificates().ca) }) : null;
after(async () => {
  session?.close();
  agent.destroy();
  await e?.stop();
});

/** One request as it is: no library between. `broken` is the error that ended the answer, if one did. */
async function ask(method, target, { body, headers = { 'x-goog-api-key': KEY } } = {}) {
  const all = { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers };
  const req = session
    ? session.request({ ':method': method, ':path': target, ...all })
    : http.request(e.url + target, { method, headers: all, agent });
  req.on('error', () => {}); // told below, where it counts
  req.end(body === undefined ? undefined : JSON.stringify(body));
  const got = { text: '', broken: null };
  const [head] = await deadline(once(req, 'response'), `${method} ${target}`);
  const stream = session ? req : head;
  got.status = session ? head[':status'] : head.statusCode;
  got.headers = session ? head : head.headers;
  stream.setEncoding('utf8').on('data', (d) => (got.text += d));
  stream.on('error', (x) => (got.broken = x));
  await deadline(new Promise((r) => stream.on('close', r)), `the end of ${target}`);
  got.json = () => JSON.parse(got.text);
  return got;
}

const say = (text, more) => ({ contents: [{ role: 'user', parts: [{ text }] }], ...more });
const at = (model, method, query = '') => `/v1beta/models/${model}:${method}${query}`;
const STREAM = 'streamGenerateContent';
const SSE = '?alt=sse';

/** The events of a stream; holds it to Google's framing: CRLF, one data line each, nothing else. */
function events(text) {
  assert.ok(text.endsWith('\r\n\r\n'), JSON.stringify(text.slice(-40)));
  return text.slice(0, -4).split('\r\n\r\n').map((block) => {
    assert.match(block, /^data: \{[^\r\n]*\}$/);
    return JSON.parse(block.slice(6));
  });
}

test('a single answer is indented JSON, and says in three places that it is an emulation', opts, async () => {
  const r = await ask('POST', at('gemini-3.8-flash', 'generateContent'), { body: say('hello') });
  assert.equal(r.status, 200);
  assert.equal(r.headers['content-type'], 'application/json; charset=UTF-8');
  assert.equal(r.headers['x-queqiao-emulation'], '1');
  assert.ok(r.text.startsWith('{\n  "candidates": [\n    {\n      "content": {\n'));
  assert.equal(r.json().modelVersion, 'gemini-3.8-flash-emulated');
  assert.match(r.json().candidates[0].content.parts[0].text, /emulation/);
  const compact = await ask('POST', at('gemini-3.8-flash', 'generateContent', '?prettyPrint=false'), { body: say('hello') });
  assert.ok(compact.text.startsWith('{"candidates":[{"content":'));
});

test('a stream is events in CRLF that begin like Google\'s, without [DONE]', opts, async () => {
  const r = await ask('POST', at('gemini-3.8-flash', STREAM, SSE), { body: say('count to 50') });
  assert.equal(r.headers['content-type'], 'text/event-stream');
  assert.equal(r.headers['content-disposition'], 'attachment');
  assert.ok(r.text.startsWith('data: {"candidates": [{"content": {"parts": [{"text": "1 2'));
  const all = events(r.text);
  assert.equal(new Set(all.map((x) => x.responseId)).size, 1);
  assert.equal(all.flatMap((x) => x.candidates[0].content.parts).map((p) => p.text).join(''),
    Array.from({ length: 50 }, (_, i) => i + 1).join(' '));
  assert.deepEqual(all.map((x) => x.candidates[0].finishReason).filter(Boolean), ['STOP']);
});

test('without alt=sse a stream is one array', opts, async () => {
  const r = await ask('POST', at('gemini-2.5-flash', STREAM), { body: say('count to 50') });
  assert.equal(r.headers['content-type'], 'application/json; charset=UTF-8');
  assert.match(r.text, /\}\n,\r\n\{/);
  assert.ok(r.json().length > 2);
  const bad = await ask('POST', at('gemini-2.5-flash', STREAM), { body: {} });
  assert.equal(bad.status, 400);
  assert.equal(bad.json()[0].error.status, 'INVALID_ARGUMENT');
});

test('credentials: one, in its place', opts, async () => {
  const list = '/v1beta/models';
  const key = { 'x-goog-api-key': KEY };
  assert.equal((await ask('GET', list)).status, 200);
  assert.equal((await ask('GET', `${list}?key=${KEY}`, { headers: {} })).status, 200);
  assert.equal((await ask('GET', list, { headers: {} })).status, 403);
  assert.match((await ask('GET', list, { headers: {} })).json().error.message, /unregistered callers/);
  const twice = await ask('GET', `${list}?key=${KEY}`, { headers: key });
  assert.equal(twice.status, 400);
  assert.match(twice.json().error.message, /^Multiple authentication credentials/);
  const bearer = await ask('GET', list, { headers: { authorization: `Bearer ${KEY}` } });
  assert.equal(bearer.status, 401);
  assert.equal(bearer.json().error.details[0].reason, 'ACCESS_TOKEN_TYPE_UNSUPPORTED');
});

test('the list of models comes in pages', opts, async () => {
  const names = [];
  let token = '';
  do {
    const page = (await ask('GET', `/v1beta/models?pageSize=7${token && `&pageToken=${token}`}`)).json();
    assert.ok(page.models.length <= 7);
    names.push(...page.models.map((m) => m.name));
    token = page.nextPageToken ?? '';
  } while (token);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.includes('models/gemini-3.8-flash') && names.includes('models/emulate-429'));
  assert.equal((await ask('GET', '/v1beta/models?pageToken=nonsense')).status, 400);
  assert.equal((await ask('GET', '/v1beta/models/gemini-3.8-flash')).json().name, 'models/gemini-3.8-flash');
  assert.equal((await ask('GET', '/v1beta/models/gemini-1.0-pro')).status, 404);
});

test('paths and parameters that do not exist', opts, async () => {
  assert.match((await ask('GET', '/v1beta/nothing')).text, /^<!DOCTYPE html>/);
  assert.equal((await ask('GET', '/v1beta/v1beta/models')).status, 404);
  assert.equal((await ask('POST', at('gemini-9-none', 'generateContent'), { body: say('hi') })).status, 404);
  const r = await ask('POST', at('gemini-3.8-flash', 'generateContent', '?stream=true'), { body: say('hi') });
  assert.match(r.json().error.message, /Unknown name "stream": Cannot bind query parameter/);
});

test('a tool round trip, whole: signatures and ids come back or it is refused', opts, async () => {
  const tools = [{ functionDeclarations: [{ name: 'get_weather',
    parametersJsonSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }] }];
  const target = at('gemini-3.8-flash', 'generateContent');
  const first = say('The weather in Paris and Rome?', { tools });
  const { content } = (await ask('POST', target, { body: first })).json().candidates[0];
  const calls = content.parts.map((p) => p.functionCall);
  assert.deepEqual(calls.map((c) => c.args.city), ['Paris', 'Rome']);
  const results = { role: 'user', parts: calls.map((c) => ({
    functionResponse: { name: c.name, id: c.id, response: { celsius: 4 } } })) };
  const second = (history) => ask('POST', target, { body: { contents: [...first.contents, ...history], tools } });
  const fine = (await second([content, results])).json();
  assert.match(fine.candidates[0].content.parts[0].text, /celsius/);
  const unsigned = structuredClone(content);
  delete unsigned.parts[0].thoughtSignature;
  assert.match((await second([unsigned, results])).json().error.message, /missing a thought_signature/);
  const altered = structuredClone(content);
  altered.parts[0].thoughtSignature = altered.parts[0].thoughtSignature.replace(/.{4}$/, 'AAAA');
  assert.match((await second([altered, results])).json().error.message, /thought signature/);
  const short = { role: 'user', parts: results.parts.slice(1) };
  assert.match((await second([content, short])).json().error.message, /number of function response parts/);
});

test('every other request is refused by emulate-503-once', opts, async () => {
  const statuses = [];
  for (let i = 0; i < 4; i++)
    statuses.push((await ask('POST', at('emulate-503-once', 'generateContent'), { body: say('hi') })).status);
  assert.deepEqual(statuses, [503, 200, 503, 200]);
});

test('streams that go wrong', opts, async () => {
  const go = (name) => ask('POST', at(`emulate-${name}`, STREAM, SSE), { body: say('count to 60') });
  assert.ok(!(await go('cut')).text.includes('finishReason'));
  assert.equal(events((await go('error-mid')).text).at(-1).error.status, 'UNAVAILABLE');
  assert.ok((await go('reset')).broken, 'the end is no end');
  assert.ok((await go('bad-json')).text.includes('"text": "half\r\n\r\n'));
  assert.equal(events((await go('stream-7-events-every-1-ms')).text).length, 7);
  assert.match(events((await go('stall-1')).text).at(-1).candidates[0].finishReason, /STOP/);
  const page = await go('html-502');
  assert.equal(page.status, 502);
  assert.match(page.headers['content-type'], /^text\/html/);
});

test('control: what came is remembered, keys are not', opts, async () => {
  await ask('POST', '/__emulator/reset', { headers: {} });
  await ask('POST', at('gemini-3.8-flash', 'generateContent', '?prettyPrint=false'), { body: say('remember me') });
  await ask('GET', `/v1beta/models?key=${KEY}`, { headers: {} });
  const seen = await ask('GET', '/__emulator/requests', { headers: {} });
  assert.ok(!seen.text.includes(KEY));
  const { requests } = seen.json();
  assert.equal(requests.length, 2);
  assert.equal(requests[0].head.path, '/v1beta/models/gemini-3.8-flash:generateContent');
  assert.equal(requests[0].head.query, 'prettyPrint=false');
  assert.equal(requests[0].body.contents[0].parts[0].text, 'remember me');
  assert.equal(requests[0].status, 200);
  assert.equal(requests[1].head.query, 'key=..');
  assert.deepEqual(await e.state(), { requests: 2, in_flight: 0, streams: 0, cancelled: 0 });
});

test('control: a client that leaves is counted, before the first byte and after it', opts, async () => {
  const target = (name) => at(`emulate-${name}`, STREAM, SSE);
  for (const name of ['slow-3600000', 'hole', 'stream-1000-events-every-1000-ms']) {
    const before = (await e.state()).cancelled;
    const headers = { 'x-goog-api-key': KEY, 'content-type': 'application/json' };
    const req = session
      ? session.request({ ':method': 'POST', ':path': target(name), ...headers })
      : http.request(e.url + target(name), { method: 'POST', headers, agent });
    req.on('error', () => {});
    req.end(JSON.stringify(say('hi')));
    await until('the request to be in flight', async () => (await e.state()).in_flight === 1);
    if (session) req.close(http2.constants.NGHTTP2_CANCEL);
    else req.destroy();
    await until('the cancellation to be seen', async () => (await e.state()).cancelled === before + 1);
    assert.equal((await e.state()).in_flight, 0);
  }
});

const RULES = { projects: [
  { name: 'one', keys: [`${KEY}-1`, `${KEY}-2`], models: { 'gemini-3.8-flash': { rpm: 2, tpm: 100000, rpd: 3 } } },
  { name: 'two', keys: [`${KEY}-3`], paid: true, models: { '*': { rpm: 1 } } },
] };
const NOON = Date.UTC(2026, 6, 1, 19); // in California
const as = (key, model = 'gemini-3.8-flash', text = 'hi') =>
  ask('POST', at(model, 'generateContent'), { body: say(text), headers: { 'x-goog-api-key': `${KEY}-${key}` } });

test('quotas: a project and a model share one, and Google\'s words say which', opts, async () => {
  await e.control('quotas', RULES);
  await e.control('clock', { wall_ms: NOON + 2_000 }); // a minute has just begun
  assert.equal((await as(1)).status, 200);
  assert.equal((await as(2)).status, 200);
  const r = await as(1);
  assert.equal(r.status, 429);
  const { error } = r.json();
  assert.equal(error.status, 'RESOURCE_EXHAUSTED');
  const [help, failure, retry] = error.details;
  assert.match(help['@type'], /Help$/);
  assert.deepEqual(failure.violations, [{
    quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests',
    quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier',
    quotaDimensions: { location: 'global', model: 'gemini-3.8-flash' }, quotaValue: '2',
  }]);
  const [, seconds] = /\nPlease retry in (\d+)\.\d+s\.$/.exec(error.message);
  assert.equal(retry.retryDelay, `${seconds}s`);
  assert.match((await as(2, 'gemini-3.8-flash', 'x'.repeat(500_000))).json().error.message, /input_token_count, limit: 100000, /);
  assert.equal((await as(1, 'gemini-2.5-flash')).status, 200);
  assert.equal((await as(3)).status, 200);
  assert.match((await as(3)).json().error.details[1].violations[0].quotaId, /PerProjectPerModel$/);
  assert.equal((await as('nobody')).status, 200);
});

test('quotas: a moved clock opens the minute, and midnight in California the day', opts, async () => {
  await e.control('clock', { advance_ms: 60_000 });
  assert.equal((await as(1)).status, 200);
  const day = await as(2);
  assert.equal(day.status, 429);
  assert.match(day.json().error.details[1].violations[0].quotaId, /PerDayPerProjectPerModel-FreeTier$/);
  const { meters } = await e.control('quotas');
  const [mine] = meters.filter((m) => m.project === 'one' && m.model === 'gemini-3.8-flash');
  assert.deepEqual([mine.day, mine.served, mine.refused, mine.worst],
    [3, 3, { rpm: 2, tpm: 1, rpd: 1 }, { rpm: 2, tpm: 1, rpd: 1 }]);
  await e.control('clock', { wall_ms: NOON + 86_400_000 });
  assert.equal((await as(2)).status, 200);
  await assert.rejects(e.control('clock', {}), /400/);
  await assert.rejects(e.control('quotas', { projects: [{}] }), /needs a name, keys and models/);
  await e.control('quotas', {});
  assert.equal((await as(2)).status, 200);
});

test('a script: which requests go wrong, by key and number', opts, async () => {
  await e.script({ fault: '500', key: `${KEY}-1`, count: 2 }, { fault: 'suspended', key: `${KEY}-2`, count: -1 },
    { fault: 'reset-head', skip: 1 });
  const got = [];
  for (const key of [1, 1, 2, 3]) got.push((await as(key)).status);
  assert.deepEqual(got, [500, 500, 403, 200]);
  assert.equal((await e.control('script')).left, 1);
  await assert.rejects(as(3), 'the connection broke');
  assert.match((await as(2)).text, /CONSUMER_SUSPENDED/);
  await e.script({ fault: 'cut' });
  const stream = () => ask('POST', at('gemini-3.8-flash', STREAM, SSE), { body: say('count to 60') });
  assert.ok(!(await stream()).text.includes('finishReason'));
  assert.ok((await stream()).text.includes('finishReason'));
  await assert.rejects(e.script({ fault: 'no-such-thing' }), /names no fault/);
  await e.control('reset', {});
});

test('control and other keys are shut out where they are not asked for', opts, async () => {
  const shy = new Emulator(process.env.E2E_EMULATOR ?? e.process.spawnfile, ['--keys', 'aaaa,bbbb'], {});
  const [, port] = await shy.said(/listening on [^\s]*?:(\d+)\s/);
  const get = async (target, key) => {
    const r = await fetch(`http://127.0.0.1:${port}${target}`, { headers: { 'x-goog-api-key': key } });
    return { status: r.status, text: await r.text() };
  };
  assert.equal((await get('/v1beta/models', 'bbbb')).status, 200);
  assert.match((await get('/v1beta/models', 'cccc')).text, /API_KEY_INVALID/);
  for (const name of ['state', 'requests', 'reset', 'quotas', 'script', 'clock']) assert.equal((await get(`/__emulator/${name}`, 'bbbb')).status, 404);
  await shy.stop();
});
