// Every object and every chunk, judged by the type declarations of the npm `openai` package.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { ROOT, gather, gm, haveEmulator, hello, stage } from './lib.mjs';
import { fieldsOf, judge, judgeCompletion, judgeError, judgeStream } from './oracle.mjs';

// ------------------------------------------------------------------- the oracle knows a wrong one

const GOOD = {
  id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'x', refusal: null }, finish_reason: 'stop', logprobs: null }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};
const CALL = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } };

test('the oracle: a right answer has no fault', () => assert.deepEqual(judgeCompletion(GOOD), []));

for (const [name, spoil] of [
  ['a member missing', (c) => delete c.choices[0].message.refusal],
  ['a member of the wrong type', (c) => (c.created = '1')],
  ['a member that nobody declared', (c) => (c.choices[0].message.thoughts = 'x')],
  ['Google\'s finish reason', (c) => (c.choices[0].finish_reason = 'STOP')],
  ['usage that does not add up', (c) => (c.usage.total_tokens = 5)],
  ['null content without a call', (c) => (c.choices[0].message.content = null)],
  ['calls that finish with stop', (c) => (c.choices[0].message.tool_calls = [CALL])],
  ['a call without arguments', (c) => { c.choices[0].message.tool_calls = [{ ...CALL, function: { name: 'f' } }]; c.choices[0].finish_reason = 'tool_calls'; }],
  ['arguments that are no JSON', (c) => { c.choices[0].message.tool_calls = [{ ...CALL, function: { name: 'f', arguments: '{' } }]; c.choices[0].finish_reason = 'tool_calls'; }],
  ['two calls with one id', (c) => { c.choices[0].message.tool_calls = [CALL, CALL]; c.choices[0].finish_reason = 'tool_calls'; }],
]) {
  test(`the oracle: ${name} is a fault`, () => {
    const bad = structuredClone(GOOD);
    spoil(bad);
    assert.notDeepEqual(judgeCompletion(bad), []);
  });
}

const chunk = (delta, finish = null, more = {}) => ({
  id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm',
  choices: [{ index: 0, delta, finish_reason: finish }], ...more,
});
const ROLE = chunk({ role: 'assistant', content: '' });

test('the oracle: a right stream has no fault', () => {
  assert.deepEqual(judgeStream({ chunks: [ROLE, chunk({ content: 'a' }), chunk({}, 'stop')], done: true }), []);
  assert.deepEqual(judgeStream({ chunks: [ROLE, chunk({ tool_calls: [{ index: 0, ...CALL }] }), chunk({}, 'tool_calls')], done: true }), []);
});

for (const [name, stream] of [
  ['no [DONE]', { chunks: [ROLE, chunk({}, 'stop')], done: false }],
  ['no finish reason', { chunks: [ROLE, chunk({ content: 'a' })], done: true }],
  ['two finish reasons', { chunks: [ROLE, chunk({}, 'stop'), chunk({}, 'stop')], done: true }],
  ['no role', { chunks: [chunk({ content: 'a' }), chunk({}, 'stop')], done: true }],
  ['a call without index', { chunks: [ROLE, chunk({ tool_calls: [CALL] }), chunk({}, 'tool_calls')], done: true }],
  ['a call that finishes with stop', { chunks: [ROLE, chunk({ tool_calls: [{ index: 0, ...CALL }] }), chunk({}, 'stop')], done: true }],
  ['an id that changes', { chunks: [ROLE, chunk({ content: 'a' }, null, { id: 'other' }), chunk({}, 'stop')], done: true }],
  ['usage on content', { chunks: [ROLE, chunk({ content: 'a' }, null, { usage: GOOD.usage }), chunk({}, 'stop')], done: true }],
  ['[DONE] after an error', { chunks: [ROLE, { error: { message: 'x', type: 'y', code: null, param: null } }], done: true }],
])
  test(`the oracle: a stream with ${name} is at fault`, () => assert.notDeepEqual(judgeStream(stream), []));

test('the oracle reads the request type as well', () => {
  const fields = fieldsOf('ChatCompletionCreateParams');
  for (const name of ['model', 'messages', 'stream', 'tools', 'response_format', 'reasoning_effort', 'n']) assert.ok(fields.includes(name), name);
  assert.deepEqual(judge('ChatCompletionCreateParams', { model: 'm', messages: hello }), []);
  assert.notDeepEqual(judge('ChatCompletionCreateParams', { model: 'm' }), []);
});

// ------------------------------------------------------------------------ answers of the gateway

const s = haveEmulator ? null : await stage();
after(() => s?.close());
const WEATHER = [{ type: 'function', function: { name: 'get_weather', description: 'The weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }];

/** Ask both ways and judge what comes, whatever it is. */
async function both(gateway, ask) {
  const whole = await gateway.chat(ask);
  const body = await whole.json();
  assert.deepEqual(whole.status === 200 ? judgeCompletion(body) : judgeError(body), [], JSON.stringify(body));
  const streamed = await gateway.chat({ ...ask, stream: true, stream_options: { include_usage: true } });
  if (streamed.status === 200) {
    const all = await gather(streamed);
    assert.deepEqual(judgeStream(all, { usage: true }), [], JSON.stringify(all.chunks).slice(0, 4000));
  } else {
    assert.deepEqual(judgeError(await streamed.json()), []);
  }
  return { whole: body, status: whole.status };
}

for (const [name, ask] of [
  ['text', { messages: hello }],
  ['a tool call', { messages: [{ role: 'user', content: 'What is the weather in Oslo?' }], tools: WEATHER }],
  ['thoughts', { messages: hello, reasoning_effort: 'high', extra_body: { google: { thinking_config: { include_thoughts: true } } } }],
  ['a small max_tokens', { messages: hello, max_tokens: 1 }],
  ['a model of the 2.5 family', { model: 'gemini-2.5-flash', messages: hello }],
  ['a model nobody has heard of', { model: 'gemini-9-unheard-of', messages: hello }],
  ['a system prompt alone', { messages: [{ role: 'system', content: 'Say hello.' }] }],
])
  test(`${name}, whole and streamed`, { skip: haveEmulator }, () => both(s.gateway, ask));

for (const fault of ['429', '429-day', '400', '400-key', '402', '403', '403-disabled', '404', 'location', '500', '503', '504', 'html-502',
  'cut', 'error-mid', 'reset', 'bad-json', 'huge-event', 'long-signature-50', 'thoughts', 'empty', 'blocked', 'malformed-call',
  'max-tokens-thinking', 'gibberish-finish', 'safety', 'recitation', 'spii', 'language', 'blocklist', 'prohibited_content', 'other'])
  test(`misbehaviour "${fault}" of upstream still ends in a right answer or a right error`, { skip: haveEmulator }, async () => {
    const own = await stage({ env: { QUEQIAO_ATTEMPTS: '1' } }); // a key that a fault cools serves no other test
    try {
      await both(own.gateway, { model: `emulate-${fault}`, messages: hello });
      assert.ok(await own.gateway.well());
    } finally {
      await own.close();
    }
  });

test('n choices, merged', async () => {
  let asked = 0;
  const own = await stage({ play: (req, res) => gm.answer(req, res, `choice ${asked++}`) });
  try {
    const { whole } = await both(own.gateway, { messages: hello, n: 3 });
    assert.deepEqual(whole.choices.map((c) => c.index), [0, 1, 2]);
    assert.equal(new Set(whole.choices.map((c) => c.message.content)).size, 3);
  } finally {
    await own.close();
  }
});

// ----------------------------------------------------- what the golden tests expect is right, too

const GOLDEN = path.join(ROOT, 'tests/golden');
const cases = (existsSync(GOLDEN) ? readdirSync(GOLDEN, { withFileTypes: true }) : [])
  .filter((d) => d.isDirectory() && d.name.startsWith('openai'))
  .flatMap((d) => readdirSync(path.join(GOLDEN, d.name)).map((name) => path.join(GOLDEN, d.name, name)));

test('every answer in tests/golden is one', { skip: cases.length === 0 && 'there are no golden cases' }, () => {
  let judged = 0;
  for (const folder of cases) {
    const sse = path.join(folder, 'client.sse');
    if (existsSync(sse)) {
      const data = readFileSync(sse, 'utf8').split(/\n\n/).filter((b) => b.startsWith('data: ')).map((b) => b.slice(6));
      const done = data.at(-1) === '[DONE]';
      const chunks = (done ? data.slice(0, -1) : data).map((d) => JSON.parse(d));
      const usage = chunks.some((c) => 'usage' in c);
      assert.deepEqual(judgeStream({ chunks, done }, { usage }), [], sse);
      judged++;
    }
    const json = path.join(folder, 'client.json');
    if (existsSync(json)) {
      const value = JSON.parse(readFileSync(json, 'utf8'));
      assert.deepEqual('error' in value ? judgeError(value) : judgeCompletion(value), [], json);
      judged++;
    }
  }
  assert.ok(judged > 0);
});

// ------------------------------------------------ recorded traffic of Gemini, where it is at hand

const CORPUS = path.join(ROOT, '../shared/corpus/gemini');
const recorded = (existsSync(CORPUS) ? readdirSync(CORPUS, { recursive: true }) : [])
  .filter((f) => f.endsWith('.json'))
  .map((f) => ({ file: f, ...JSON.parse(readFileSync(path.join(CORPUS, f), 'utf8')) }))
  .filter((x) => /:(stream)?[gG]enerateContent$/.test(x.request.path) && (x.response.sse ?? x.response.body) !== undefined);

/** The recorded answer again, as it came; a whole one is one event for who asks for a stream. */
function replay(x, req, res) {
  const { sse, body, status = 200 } = x.response;
  if (status !== 200) return gm.json(res, body ?? {}, status);
  if (!req.url.includes('alt=sse')) return gm.json(res, body);
  gm.head(res);
  for (const event of sse ?? (Array.isArray(body) ? body : [body]))
    res.write(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\r\n\r\n`);
  return res.end();
}

test('every recorded answer comes out as one of OpenAI\'s', { skip: recorded.length === 0 && 'there is no recorded traffic' }, async () => {
  let now;
  // Each client brings its own key: what one recording says of a key is nothing to the next.
  const own = await stage({ play: (req, res) => replay(now, req, res), env: { GEMINI_API_KEY: '', AUTH_TOKEN: '', QUEQIAO_ATTEMPTS: '1' } });
  let judged = 0;
  try {
    for (now of recorded) {
      const ask = { model: 'gemini-3.8-flash', messages: hello };
      if (now.response.sse === undefined && !Array.isArray(now.response.body)) {
        const whole = await own.gateway.chat(ask);
        const body = await whole.json();
        assert.deepEqual(whole.status === 200 ? judgeCompletion(body) : judgeError(body), [], `${now.file}: ${JSON.stringify(body).slice(0, 2000)}`);
        judged++;
      }
      const streamed = await own.gateway.chat({ ...ask, stream: true, stream_options: { include_usage: true } });
      if (streamed.status === 200) {
        const all = await gather(streamed);
        assert.deepEqual(judgeStream(all, { usage: true }), [], `${now.file}: ${JSON.stringify(all.chunks).slice(0, 2000)}`);
      } else {
        assert.deepEqual(judgeError(await streamed.json()), [], now.file);
      }
      judged++;
    }
  } finally {
    await own.close();
  }
  assert.ok(judged >= recorded.length);
});

test('every request field has a row in docs/compat.md', { skip: !existsSync(path.join(ROOT, 'docs/compat.md')) && 'docs/compat.md is not there yet' }, () => {
  const rows = new Set([...readFileSync(path.join(ROOT, 'docs/compat.md'), 'utf8').matchAll(/^\| `([\w.[\]]+)`/gm)].map((m) => m[1]));
  assert.deepEqual(fieldsOf('ChatCompletionCreateParams').filter((f) => !rows.has(f)), []);
});
